/// Durations as people write and read them: `10m`, `1h30m`, `90s`, `250ms`.
package enum DurationText {
    /// Reads a duration; a bare number counts seconds.
    ///
    /// A duration is one or more numbers with their units, in any order, blanks allowed around each: `1h 30m`. Units are
    /// `ms`, `s`, `sec`, `m`, `min`, `h` and `d`, in letters of either case.
    ///
    /// - Returns: `nil` where the text is no duration, is negative, or is longer than a century. What is shorter than
    ///   half a millisecond reads as zero.
    package static func parse(_ text: String) -> Duration? {
        guard text.utf8.count <= 100 else { return nil }
        var rest = Array(text.lowercased().utf8)[...].trimmingBlanks()
        if rest.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: ".") }) { rest.append(UInt8(ascii: "s")) }
        var total = 0.0
        repeat {
            let number = rest.prefix { $0.isDigit || $0 == UInt8(ascii: ".") }
            rest = rest[number.endIndex...].trimmingBlanks()
            let unit = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
            rest = rest[unit.endIndex...].trimmingBlanks()
            guard let value = Double(String(decoding: number, as: UTF8.self)),
                let seconds = secondsPerUnit[String(decoding: unit, as: UTF8.self)]
            else { return nil }
            total += value * seconds
        } while !rest.isEmpty
        guard total.isFinite, total < 100 * 365 * 86_400 else { return nil }
        return .milliseconds(Int64((total * 1000).rounded()))
    }

    /// The duration for people, rounded down: `3 ms`, `1.2 s`, `2m05s`, `1h02m`.
    package static func format(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        if milliseconds < 60_000 { return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s" }
        let seconds = milliseconds / 1000
        if seconds < 3600 { return "\(seconds / 60)m\(padded(seconds % 60))s" }
        return "\(seconds / 3600)h\(padded(seconds % 3600 / 60))m"
    }

    /// The duration to the millisecond, as somebody would write it in a file: `1h`, `1m30s`, `250ms`.
    ///
    /// ``parse(_:)`` reads it back.
    package static func written(_ duration: Duration) -> String {
        var rest = duration.wholeMilliseconds
        var text = ""
        for (unit, length) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] as [(String, Int64)] {
            if rest / length > 0 { text += "\(rest / length)\(unit)" }
            rest %= length
        }
        return text.isEmpty ? "0s" : text
    }

    private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static let secondsPerUnit: [String: Double] = [
        "ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400,
    ]
}

extension Duration {
    /// The whole milliseconds in this duration, rounded towards zero; the largest or least number where they do not fit.
    package var wholeMilliseconds: Int64 {
        let (product, overflow) = components.seconds.multipliedReportingOverflow(by: 1000)
        let (sum, carried) = product.addingReportingOverflow(components.attoseconds / 1_000_000_000_000_000)
        if overflow || carried { return components.seconds < 0 ? .min : .max }
        return sum
    }

    /// The duration as seconds with a fraction.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
