/// A number of bytes: sizes of images and blobs, memory limits, disk space.
///
/// Text is read as Docker reads it (`units.RAMInBytes`): `b`, `k`/`kb`, `m`/`mb`, `g`/`gb`, `t`/`tb`, `p`/`pb` are powers
/// of 1024, as are `KiB`, `MiB`, `GiB`, `TiB` and `PiB`; letters may be of either case and a fraction is allowed
/// (`1.5gb`).
package struct ByteCount: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number of bytes; never negative when it was parsed from text.
    package let bytes: Int64

    package init(_ bytes: Int64) {
        self.bytes = bytes
    }

    /// Reads a size such as `512mb`, `2 GiB` or `1048576`.
    ///
    /// Blanks may stand around the text and before the unit. A whole number is exact, a fraction is rounded to a byte.
    ///
    /// - Returns: `nil` where the text is no size, is negative, or does not fit 63 bits.
    package init?(parsing text: String) {
        let scanned = text.utf8.trimmingBlanks()
        let number = scanned.prefix { $0.isDigit || $0 == UInt8(ascii: ".") }
        let unit = String(Substring(scanned.dropFirst(number.count).trimmingBlanks())).lowercased()
        // Doubles would read more digits than any size has, and take long over it.
        guard !number.isEmpty, number.count <= 32, let factor = Self.factors[unit] else { return nil }
        if let whole = Int64(Substring(number)) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
            guard !overflow else { return nil }
            self.bytes = product
        } else {
            guard let value = Double(Substring(number)), value * Double(factor) < Double(Int64.max) else { return nil }
            self.bytes = Int64((value * Double(factor)).rounded())
        }
    }

    package static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(count << 20) }

    private static let factors: [String: Int64] = {
        var factors: [String: Int64] = ["": 1, "b": 1]
        for (index, prefix) in ["k", "m", "g", "t", "p"].enumerated() {
            for suffix in ["", "b", "i", "ib"] { factors[prefix + suffix] = 1 << (10 * (index + 1)) }
        }
        return factors
    }()

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// The sum, or the largest or least count where it would not fit.
    package static func + (left: ByteCount, right: ByteCount) -> ByteCount {
        let (sum, overflow) = left.bytes.addingReportingOverflow(right.bytes)
        return ByteCount(overflow ? (left.bytes < 0 ? .min : .max) : sum)
    }

    /// The size as a file can have it, in the largest unit that leaves it whole: `512mb`, `1536kb`, `1000b`.
    package var written: String {
        let units = ["b", "kb", "mb", "gb", "tb", "pb"]
        var (value, unit) = (bytes, 0)
        while value != 0, value % 1024 == 0, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(value)\(units[unit])"
    }

    /// The size for people, in binary units with at most one decimal: `40 B`, `1.5 MiB`, `512 MiB`.
    package var description: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(bytes)
        var unit = 0
        // What would be shown as 1024 of a unit is 1 of the next.
        while abs(value) >= 1023.5, unit < units.count - 1, unit > 0 || abs(value) >= 1024 {
            value /= 1024
            unit += 1
        }
        let tenths = Int64((value * 10).rounded())
        if unit == 0 || tenths % 10 == 0 || abs(value) >= 100 { return "\(Int64(value.rounded())) \(units[unit])" }
        return "\(tenths / 10).\(abs(tenths % 10)) \(units[unit])"
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }
}

extension BidirectionalCollection<UInt8> {
    /// Without the spaces and tabs at both ends.
    func trimmingBlanks() -> SubSequence {
        let start = drop { $0.isBlank }
        guard let last = start.lastIndex(where: { !$0.isBlank }) else { return start }
        return start[...last]
    }
}
