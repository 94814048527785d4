import Foundation

/// The address of a mirror, as dockerd accepts it: a scheme, a host and a port, and nothing else
/// (moby, `registry/config.go`, `ValidateMirror`).
package struct MirrorURL: Hashable, Sendable, CustomStringConvertible {
    /// Why dockerd would refuse it; fits "the mirror X …".
    package enum Problem: Error, Hashable, CustomStringConvertible {
        case notAURL
        case scheme
        case user
        case path

        package var description: String {
            switch self {
            case .notAURL: "is no URL such as http://127.0.0.1:5555"
            case .scheme: "begins with neither http:// nor https://"
            case .user: "names a user or a password"
            case .path: "has a path, a query or a fragment"
            }
        }
    }

    /// Without a slash at the end.
    package let text: String

    /// - Parameter text: The address, with or without a slash at its end.
    /// - Throws: ``Problem``.
    package init(_ text: String) throws(Problem) {
        guard text.utf8.count <= 1024, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }),
            let components = URLComponents(string: text)
        else { throw .notAURL }
        guard let scheme = components.scheme?.lowercased(), scheme == "http" || scheme == "https" else {
            throw .scheme
        }
        guard components.user == nil, components.password == nil else { throw .user }
        guard let host = components.host, !host.isEmpty else { throw .notAURL }
        if let port = components.port, !(1...65_535).contains(port) { throw .notAURL }
        guard components.path.isEmpty || components.path == "/", components.query == nil, components.fragment == nil
        else { throw .path }
        self.text = text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    package var description: String { text }
}

/// Where the cache listens: an address of this machine alone, and a port.
package struct LoopbackListener: Hashable, Sendable, CustomStringConvertible {
    package struct Invalid: Error, Hashable, CustomStringConvertible {
        package let text: String
        package var description: String {
            "expected an address of this machine alone and a port, such as 127.0.0.1:5555 or [::1]:5555, found '\(text)'"
        }
    }

    /// The address as it is written in a URL, such as `127.0.0.1` or `[::1]`.
    package let host: String
    package let port: Int

    package static let standard = LoopbackListener(host: "127.0.0.1", port: 5555)

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Parameter text: `127.0.0.1:5555`, another address of 127.0.0.0/8, `[::1]:5555` or `localhost:5555`.
    /// - Throws: ``Invalid``, also for an address that other machines reach.
    package init(parsing text: String) throws(Invalid) {
        guard let colon = text.lastIndex(of: ":") else { throw Invalid(text: text) }
        let host = String(text[..<colon])
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
            (1...65_535).contains(port), Self.isLoopback(host)
        else { throw Invalid(text: text) }
        self.init(host: host, port: port)
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt8(part).map { String($0) == part } == true
            }
    }

    package var description: String { "\(host):\(port)" }

    /// What the engine is told.
    ///
    /// - Throws: Never for a listener that was parsed.
    package var mirror: MirrorURL {
        get throws(MirrorURL.Problem) { try MirrorURL("http://\(self)") }
    }
}
