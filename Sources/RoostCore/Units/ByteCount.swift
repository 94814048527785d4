/// A number of bytes: sizes of images and blobs, memory limits, disk space.
///
/// Text is read as Docker reads it: `b`, `k`/`kb`, `m`/`mb`, `g`/`gb`, `t`/`tb` are powers of 1024, as are `KiB`,
/// `MiB`, `GiB` and `TiB`; letters may be of either case and a fraction is allowed (`1.5gb`).
package struct ByteCount: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number of bytes; never negative when it was parsed from text.
    package let bytes: Int64

    package init(_ bytes: Int64) {
        self.bytes = bytes
    }

    /// Reads a size such as `512mb`, `2GiB` or `1048576`.
    ///
    /// - Returns: `nil` where the text is no size, is negative, or does not fit 63 bits.
    package init?(parsing text: String) {
        let trimmed = text.trimmingPrefix(while: \.isWhitespace)
        let number = trimmed.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = trimmed.dropFirst(number.count).filter { !$0.isWhitespace }.lowercased()
        guard let value = Double(String(number)), value.isFinite, let factor = Self.factors[unit] else { return nil }
        let product = value * Double(factor)
        guard product >= 0, product < Double(Int64.max) else { return nil }
        self.bytes = Int64(product.rounded())
    }

    package static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(count << 20) }

    private static let factors: [String: Int64] = [
        "": 1, "b": 1,
        "k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10,
        "m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
        "g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30,
        "t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40,
    ]

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
    package static func + (left: ByteCount, right: ByteCount) -> ByteCount { ByteCount(left.bytes + right.bytes) }

    /// The size for people, in binary units with at most one decimal: `40 B`, `1.5 MiB`, `512 MiB`.
    package var description: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(bytes)
        var unit = 0
        while abs(value) >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = Int64((value * 10).rounded())
        if unit == 0 || tenths % 10 == 0 || abs(value) >= 100 { return "\(Int64(value.rounded())) \(units[unit])" }
        return "\(tenths / 10).\(abs(tenths % 10)) \(units[unit])"
    }
}
