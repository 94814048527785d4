/// Where a registry's API answers: a registry itself, or a mirror of one.
package struct RegistryEndpoint: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Hashable, Sendable {
        case http
        case https
    }

    package let scheme: Scheme
    /// The host, an IPv6 address without its brackets.
    package let host: String
    /// The port where it isn't the scheme's own.
    package let port: Int?
    /// Whether this stands in for another registry. A mirror gets no credentials, and its refusals aren't final,
    /// since the engine then asks the next one.
    package let isMirror: Bool

    /// The endpoint of the registry that a reference names (``ImageReference/registry``).
    ///
    /// - Parameters:
    ///   - registry: The registry as a reference gives it. Docker Hub's API is at `registry-1.docker.io`.
    ///   - plainHTTP: Whether to talk plain HTTP, as to a registry the engine lists as insecure. A registry on
    ///     loopback always is, as the engine's default has it.
    package init(registry: String, plainHTTP: Bool = false) {
        let address = registry == ImageReference.dockerHub ? "registry-1.docker.io" : registry
        let (host, port) = Self.split(address)
        self.init(
            scheme: plainHTTP || Site.isLoopback(host) ? .http : .https,
            host: host,
            port: port,
            isMirror: false
        )
    }

    /// The endpoint of a mirror, from the URL that the engine's configuration gives, such as `http://127.0.0.1:5001/`.
    ///
    /// - Returns: `nil` where the URL isn't `http` or `https`, or has a path or a user.
    package init?(mirror url: String) {
        guard let address = WebAddress(parsing: url), address.target == "/" else { return nil }
        let isDefault = address.port == (address.isSecure ? 443 : 80)
        self.init(
            scheme: address.isSecure ? .https : .http,
            host: address.host,
            port: isDefault ? nil : address.port,
            isMirror: true
        )
    }

    package init(scheme: Scheme, host: String, port: Int?, isMirror: Bool) {
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
        self.isMirror = isMirror
    }

    /// The URL that `/v2/` is appended to, without a slash at its end.
    package var baseURL: String { address("/").origin }

    package var description: String { isMirror ? "the mirror \(baseURL)" : baseURL }

    /// The address of a path of this endpoint.
    func address(_ path: String) -> WebAddress {
        WebAddress(isSecure: scheme == .https, host: host, port: port, target: path)
    }

    /// Whether a secret may be sent here: over TLS, or without leaving this machine.
    package var protectsSecrets: Bool { scheme == .https || Site.isLoopback(host) }

    private static func split(_ registry: String) -> (host: String, port: Int?) {
        if registry.hasPrefix("["), let end = registry.firstIndex(of: "]") {
            let host = registry[..<end].dropFirst()
            return (String(host), Int(registry[end...].dropFirst(2)))
        }
        guard let colon = registry.lastIndex(of: ":") else { return (registry, nil) }
        return (String(registry[..<colon]), Int(registry[registry.index(after: colon)...]))
    }
}
