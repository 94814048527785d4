#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where the cache listens: a loopback address and a port. It asks nobody for a password and has those of the upstreams.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// An address, never a name.
    package let host: String
    /// 0 for any free one.
    package let port: Int

    package enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
        case malformed
        case notLoopback

        package var description: String {
            switch self {
            case .malformed: "an address to listen on looks like 127.0.0.1:5555 or [::1]:5555"
            case .notLoopback:
                "the cache listens on loopback only, since whoever reaches it can read what its upstreams give it"
            }
        }
    }

    /// Reads `127.0.0.1:5555`, `localhost:5555`, which is the same, or `[::1]:5555`.
    package init(parsing text: String) throws(Problem) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { throw .malformed }
        let digits = text[colon...].dropFirst()
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(digits), port <= 65_535
        else { throw .malformed }
        var host = String(text[..<colon])
        if host == "localhost" { host = "127.0.0.1" }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard let address = Self.bytes(of: host, AF_INET6, count: 16) else { throw .malformed }
            guard address == [UInt8](repeating: 0, count: 15) + [1] else { throw .notLoopback }
        } else {
            guard let address = Self.bytes(of: host, AF_INET, count: 4) else { throw .malformed }
            guard address[0] == 127 else { throw .notLoopback }
        }
        self.host = host
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    private static func bytes(of text: String, _ family: CInt, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }
}
