/// `Content-Range: bytes 0-99/1000`, which says what part of a body comes (RFC 9110, section 14.4).
struct ContentRange: Hashable, Sendable {
    /// The bytes that come; never empty.
    let range: Range<Int64>
    /// The size of the whole, where it is told.
    let total: Int64?

    /// Reads the header's value; `nil` where it is anything else than one range that lies within the whole.
    init?(parsing text: String) {
        guard text.utf8.count <= 100 else { return nil }
        let fields = text.split(separator: " ", omittingEmptySubsequences: false)
        guard fields.count == 2, fields[0].lowercased() == "bytes" else { return nil }
        let parts = fields[1].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let bounds = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Self.number(bounds[0]), let last = Self.number(bounds[1]), first <= last,
            last < .max
        else { return nil }
        if parts[1] == "*" {
            total = nil
        } else {
            guard let total = Self.number(parts[1]), last < total else { return nil }
            self.total = total
        }
        range = first..<(last + 1)
    }

    /// Digits alone, which `Int64` would take with a sign.
    static func number(_ text: some StringProtocol) -> Int64? {
        !text.isEmpty && text.utf8.allSatisfy(\.isDigit) ? Int64(text) : nil
    }
}
