/// A request's target, taken apart: RFC 9112's origin form, of bytes that registries have in names.
package struct RequestPath: Hashable {
    /// The parts between slashes, percent-decoded, without the one before the first slash.
    let parts: [Substring]
    /// The value of `ns`, percent-decoded; `nil` where there is none.
    let namespace: String?

    package enum Problem: Error, Hashable, Sendable {
        /// More than ``longest``.
        case tooLong
        /// `http://…`, `*`, or anything else that does not begin with a slash.
        case notOriginForm
        /// A percent sign that begins no escape, or an escape of what has no place in a name.
        case encoding
        /// `ns` twice: two parties could see different ones.
        case severalNamespaces
    }

    /// A repository of 255 bytes, a digest, a namespace, and all of it escaped, are less.
    static let longest = 4096

    init(parsing target: String) throws(Problem) {
        guard target.utf8.count <= Self.longest else { throw .tooLong }
        guard target.utf8.first == UInt8(ascii: "/") else { throw .notOriginForm }
        let path: Substring
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            path = target[..<mark]
            namespace = try Self.namespace(in: target[mark...].dropFirst())
        } else {
            path = target[...]
            namespace = nil
        }
        var parts: [Substring] = []
        for part in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            parts.append(try Self.decoded(Substring(part)))
        }
        self.parts = parts
    }

    private static func namespace(in query: Substring) throws(Problem) -> String? {
        var found: String?
        for field in query.utf8.split(separator: UInt8(ascii: "&")) {
            guard field.starts(with: "ns=".utf8) else { continue }
            guard found == nil else { throw .severalNamespaces }
            found = String(try decoded(Substring(field.dropFirst(3))))
        }
        return found
    }

    /// Printable ASCII without a slash, which an escape must not bring in either.
    private static func decoded(_ text: Substring) throws(Problem) -> Substring {
        guard text.utf8.allSatisfy(isNameByte) else { throw .encoding }
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                throw .encoding
            }
            let escaped = high << 4 | low
            // An escaped percent sign would be an escape for whoever decodes twice.
            guard isNameByte(escaped), escaped != UInt8(ascii: "%") else { throw .encoding }
            bytes.append(escaped)
        }
        return Substring(decoding: bytes, as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "/") }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
