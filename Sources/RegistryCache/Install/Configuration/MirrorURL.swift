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

extension ListenAddress {
    /// What the engine is told.
    ///
    /// - Throws: ``MirrorURL/Problem/notAURL`` where any free port is meant: nobody could be told of it.
    package var mirror: MirrorURL {
        get throws(MirrorURL.Problem) {
            guard port != 0 else { throw .notAURL }
            return try MirrorURL("http://\(self)")
        }
    }
}
