/// Which bytes of a blob an answer has: RFC 9110, section 14, for single ranges of bytes.
package enum ByteSelection: Hashable, Sendable {
    /// 200.
    case whole
    /// 206; not empty, and within the blob.
    case part(Range<Int64>)
    /// 416.
    case unsatisfiable

    /// Decides what is sent.
    ///
    /// - Parameters:
    ///   - range: The value of `Range`; several lines joined by commas.
    ///   - ifRange: The value of `If-Range`.
    ///   - entityTag: The blob's own, quoted.
    ///   - size: The blob's size in bytes.
    package init(range: String?, ifRange: String?, entityTag: String, size: Int64) {
        // "A recipient … MUST ignore the Range header field if the information in [If-Range] does not match."
        guard let range, ifRange == nil || ifRange == entityTag, let wanted = Self.parse(range) else {
            self = .whole
            return
        }
        self = wanted.selected(of: size)
    }

    private enum Wanted {
        case from(Int64)
        case between(Int64, Int64)
        case last(Int64)

        func selected(of size: Int64) -> ByteSelection {
            switch self {
            case .from(let first): first < size ? .part(first..<size) : .unsatisfiable
            case .between(let first, let last):
                first < size ? .part(first..<(min(last, size - 1) + 1)) : .unsatisfiable
            case .last(let count): count > 0 && size > 0 ? .part(max(0, size - count)..<size) : .unsatisfiable
            }
        }
    }

    /// - Returns: `nil` for what is ignored: another unit, several ranges, and what is no range.
    private static func parse(_ text: String) -> Wanted? {
        guard text.utf8.count <= 64, let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")),
            text[..<equals].lowercased() == "bytes"
        else { return nil }
        let spec = text[equals...].dropFirst().trimmingBlanks
        guard let dash = spec.utf8.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let first = spec[..<dash].utf8
        let last = spec[dash...].utf8.dropFirst()
        switch (first.isEmpty, last.isEmpty) {
        case (true, true): return nil
        case (true, false): return number(last).map { .last($0) }
        case (false, true): return number(first).map { .from($0) }
        case (false, false):
            guard let first = number(first), let last = number(last), first <= last else { return nil }
            return .between(first, last)
        }
    }

    /// Digits alone; what is beyond any file is as good as the largest number.
    private static func number(_ digits: Substring.UTF8View) -> Int64? {
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int64(String(Substring(digits))) ?? (Int64.max - 1)
    }
}

/// `If-None-Match`: RFC 9110, section 13.1.2.
enum EntityTags {
    /// Whether a value names the tag, weakly compared, or is `*`.
    static func match(_ value: String, _ entityTag: String) -> Bool {
        value.utf8.split(separator: UInt8(ascii: ",")).contains { field in
            let tag = Substring(field).trimmingBlanks
            return tag == "*" || (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag) == entityTag
        }
    }
}

extension Substring {
    var trimmingBlanks: Substring {
        var text = self
        while let first = text.utf8.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
        while let last = text.utf8.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
        return text
    }
}
