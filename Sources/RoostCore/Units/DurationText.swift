/// Durations as people write and read them: `10m`, `1h30m`, `90s`, `250ms`.
package enum DurationText {
    /// Reads a duration; a bare number counts seconds.
    ///
    /// - Returns: `nil` where the text is no duration, is negative, or is longer than a century.
    package static func parse(_ text: String) -> Duration? {
        let characters = Array(text.lowercased().filter { !$0.isWhitespace })
        guard !characters.isEmpty else { return nil }
        var total = 0.0
        var index = 0
        while index < characters.count {
            let numberStart = index
            while index < characters.count, characters[index].isASCII, characters[index].isNumber || characters[index] == "." {
                index += 1
            }
            guard let number = Double(String(characters[numberStart..<index])) else { return nil }
            let unitStart = index
            while index < characters.count, characters[index].isLetter { index += 1 }
            let unit = String(characters[unitStart..<index])
            guard let seconds = unit.isEmpty && unitStart == characters.count && numberStart == 0 ? 1 : secondsPerUnit[unit]
            else { return nil }
            total += number * seconds
        }
        guard total.isFinite, total < 100 * 365 * 86_400 else { return nil }
        return .milliseconds(Int64((total * 1000).rounded()))
    }

    /// The duration for people: `3 ms`, `1.2 s`, `2m05s`, `1h02m`.
    package static func format(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        if milliseconds < 60_000 { return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s" }
        let seconds = milliseconds / 1000
        if seconds < 3600 { return "\(seconds / 60)m\(padded(seconds % 60))s" }
        return "\(seconds / 3600)h\(padded(seconds % 3600 / 60))m"
    }

    private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static let secondsPerUnit: [String: Double] = [
        "ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400,
    ]
}

extension Duration {
    /// The whole milliseconds in this duration, rounded towards zero.
    package var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// The duration as seconds with a fraction.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
