package import OCIDistribution

/// One registry that the cache may ask.
package struct UpstreamConfiguration: Hashable, Sendable {
    /// What references call it, such as `quay.io`; the only thing that a client can choose.
    package let name: String
    /// Where its API answers.
    package let endpoint: RegistryEndpoint
    /// How to log in.
    package let login: UpstreamLogin
    /// Hosts, in lowercase, that may have private addresses: the one of a URL that the operator gave, and those that it may
    /// lead on to, such as its storage.
    package let permittedHosts: Set<String>

    /// - Returns: `nil` where the name can't be that of a registry in a reference.
    package init?(
        name: String,
        endpoint: RegistryEndpoint? = nil,
        login: UpstreamLogin = .dockerConfig,
        permittedHosts: Set<String> = []
    ) {
        guard Self.isName(name) else { return nil }
        self.name = name
        self.endpoint = endpoint ?? RegistryEndpoint(registry: name)
        self.login = login
        self.permittedHosts = permittedHosts
    }

    /// Whether a reference can name a registry so, and means it by the same name.
    static func isName(_ name: String) -> Bool { CachedRepository(upstream: name, path: "x/y") != nil }

    /// Reads the URL of a registry: `https://quay.io`, `http://10.0.0.5:5000`.
    ///
    /// - Returns: `nil` where it is not `http` or `https`, or has a path or a user.
    static func endpoint(_ url: String) -> RegistryEndpoint? {
        RegistryEndpoint(mirror: url).map {
            RegistryEndpoint(scheme: $0.scheme, host: $0.host, port: $0.port, isMirror: false)
        }
    }

    /// The registries that are asked where nothing is configured.
    package static let standard: [UpstreamConfiguration] =
        ["docker.io", "ghcr.io", "quay.io", "registry.k8s.io", "gcr.io", "mcr.microsoft.com", "public.ecr.aws"]
        .compactMap { UpstreamConfiguration(name: $0) }
}

/// How to log in at an upstream. It names the place of the secret and never holds it.
package enum UpstreamLogin: Hashable, Sendable {
    /// What `docker login` has kept, where it has.
    case dockerConfig
    /// Never.
    case anonymous
    /// A user, with a password or an access token that stands in a file.
    case file(username: String, path: String)
    /// A user, with a password or an access token that stands in an environment variable.
    case variable(username: String, name: String)
}
