import NIOCore
import RoostCore

/// Where an engine listens.
package struct EngineEndpoint: Hashable, Sendable, CustomStringConvertible {
    package enum Address: Hashable, Sendable {
        case unix(path: String)
        case tcp(host: String, port: Int)
    }

    package let address: Address
    /// The client's certificates for TLS; `nil` for a plain connection.
    package let tls: EngineTLS?

    package init(address: Address, tls: EngineTLS? = nil) {
        self.address = address
        self.tls = tls
    }

    /// Docker's own default socket.
    package static let defaultSocket = EngineEndpoint(address: .unix(path: "/var/run/docker.sock"))

    /// Reads a `DOCKER_HOST` such as `unix:///var/run/docker.sock` or `tcp://10.0.0.5:2376`.
    ///
    /// - Parameters:
    ///   - text: The address.
    ///   - tls: The certificates to use for a tcp address.
    /// - Throws: ``EngineError/badAddress(_:reason:)`` for anything else, `ssh://` and `npipe://` included.
    package init(parsing text: String, tls: EngineTLS? = nil) throws(EngineError) {
        guard let separator = text.firstRange(of: "://") else {
            throw .badAddress(text, reason: "it has no scheme; write unix:///PATH or tcp://HOST:PORT")
        }
        let rest = String(text[separator.upperBound...])
        switch text[..<separator.lowerBound] {
        case "unix":
            // sockaddr_un holds 108 bytes with the final NUL (unix(7)).
            guard rest.hasPrefix("/"), rest.utf8.count < 108, !rest.utf8.contains(0) else {
                throw .badAddress(text, reason: "a socket path is absolute and shorter than 108 bytes")
            }
            self.init(address: .unix(path: rest))
        case "https" where tls == nil:
            throw .badAddress(text, reason: "https needs certificates: set DOCKER_CERT_PATH, or write tcp://HOST:PORT")
        case "tcp", "http", "https":
            guard let (host, port) = Self.hostAndPort(rest, defaultPort: tls == nil ? 2375 : 2376) else {
                throw .badAddress(text, reason: "write tcp://HOST:PORT, without a user and a path")
            }
            self.init(address: .tcp(host: host, port: port), tls: tls)
        case "ssh":
            throw .badAddress(
                text,
                reason: "Roost does not start ssh; forward the socket with "
                    + "'ssh -L /tmp/docker.sock:/var/run/docker.sock HOST' and set DOCKER_HOST=unix:///tmp/docker.sock"
            )
        default:
            throw .badAddress(text, reason: "the scheme is neither unix nor tcp")
        }
    }

    private static func hostAndPort(_ text: String, defaultPort: Int) -> (String, Int)? {
        let authority = text.hasSuffix("/") ? text.dropLast() : text[...]
        let host: Substring
        let portText: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            guard host.contains(":"), isAddress(host) else { return nil }
            portText = authority[authority.index(after: end)...]
        } else {
            let colon = authority.lastIndex(of: ":") ?? authority.endIndex
            host = authority[..<colon]
            portText = authority[colon...]
            guard !host.isEmpty, host.utf8.allSatisfy(isNameCharacter) else { return nil }
        }
        if portText.isEmpty { return (String(host), defaultPort) }
        let digits = portText.dropFirst()
        guard portText.hasPrefix(":"), digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = Int(digits),
            (1...65_535).contains(port)
        else { return nil }
        return (String(host), port)
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isAddress(_ text: some StringProtocol) -> Bool {
        (try? SocketAddress(ipAddress: String(text), port: 0)) != nil
    }

    /// True where the engine shares this machine's file system, so that a folder here can be mounted there.
    package var isLocal: Bool {
        switch address {
        case .unix: true
        case .tcp(let host, _):
            host == "localhost" || host == "::1" || host.hasPrefix("127.") && Self.isAddress(host)
        }
    }

    package var description: String {
        switch address {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port): "tcp://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
    }
}

/// Certificates in the layout of Docker's `DOCKER_CERT_PATH`: `ca.pem`, `cert.pem`, `key.pem`.
package struct EngineTLS: Hashable, Sendable {
    package let certificateFolder: String
    /// Whether the engine's certificate is checked against `ca.pem` (`DOCKER_TLS_VERIFY`).
    package let verifiesEngine: Bool

    package init(certificateFolder: String, verifiesEngine: Bool) {
        self.certificateFolder = certificateFolder
        self.verifiesEngine = verifiesEngine
    }
}
