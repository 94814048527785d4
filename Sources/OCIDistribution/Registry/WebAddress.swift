#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An HTTP URL taken apart once, so that what was checked is what is dialled.
struct WebAddress: Hashable, Sendable, CustomStringConvertible {
    let isSecure: Bool
    /// The host in lowercase, an IPv6 address without its brackets.
    let host: String
    let port: Int
    /// The path, which begins with a slash, and the query, both percent-encoded.
    let target: String

    init(isSecure: Bool, host: String, port: Int?, target: String) {
        self.isSecure = isSecure
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        self.target = target
    }

    /// Reads an absolute `http` or `https` URL, or one relative to `base`, from a server's headers.
    ///
    /// - Returns: `nil` for other schemes, for a URL that names a user, and for whatever is no URL.
    init?(parsing text: String, relativeTo base: WebAddress? = nil) {
        guard text.utf8.count <= 8192, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        let baseURL = base.flatMap { URL(string: $0.description) }
        guard let url = URL(string: text, relativeTo: baseURL)?.absoluteURL,
            let parts = URLComponents(url: url, resolvingAgainstBaseURL: true),
            let scheme = parts.scheme?.lowercased(), scheme == "http" || scheme == "https",
            parts.percentEncodedUser == nil, parts.percentEncodedPassword == nil,
            var host = parts.percentEncodedHost?.lowercased(), ReferenceGrammar.isRegistry(host[...].utf8)
        else { return nil }
        if host.hasPrefix("[") { host = String(host.dropFirst().dropLast()) }
        if let port = parts.port, !(1...65535).contains(port) { return nil }
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        guard path.hasPrefix("/") else { return nil }
        let query = parts.percentEncodedQuery.map { "?\($0)" } ?? ""
        self.init(isSecure: scheme == "https", host: host, port: parts.port, target: path + query)
    }

    var isLoopback: Bool { Site.isLoopback(host) }

    /// The same address with `fields` added to its query.
    func adding(query fields: [(String, String)]) -> WebAddress {
        let added = Self.formEncode(fields)
        let separator = target.contains("?") ? (target.hasSuffix("?") ? "" : "&") : "?"
        return WebAddress(
            isSecure: isSecure,
            host: host,
            port: port,
            target: added.isEmpty ? target : target + separator + added
        )
    }

    func hasSameOrigin(as other: WebAddress) -> Bool {
        isSecure == other.isSecure && host == other.host && port == other.port
    }

    /// Scheme, host and port alone, as a message shows them: paths and queries may hold secrets.
    var origin: String {
        let isDefault = port == (isSecure ? 443 : 80)
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(isSecure ? "https" : "http")://\(name)\(isDefault ? "" : ":\(port)")"
    }

    var description: String { origin + target }

    /// `application/x-www-form-urlencoded`, with everything escaped that is not unreserved.
    static func formEncode(_ fields: [(String, String)]) -> String {
        fields.map { "\(percentEncode($0))=\(percentEncode($1))" }.joined(separator: "&")
    }

    private static func percentEncode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if byte.isAlphanumeric || "-._~".utf8.contains(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xf)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
