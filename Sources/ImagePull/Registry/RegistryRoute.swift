package import DockerEngine
package import OCIDistribution

/// Where an engine pulls an image from, in the order in which it asks.
///
/// Only docker.io has mirrors; the registry itself comes last
/// ([Docker: registry mirrors](https://docs.docker.com/docker-hub/image-library/mirror/)).
package struct RegistryRoute: Sendable, Hashable {
    /// One registry or mirror.
    package struct Stop: Sendable, Hashable {
        /// The ways to talk to it, the likelier first.
        package let endpoints: [RegistryEndpoint]
    }

    package let stops: [Stop]
    /// Whether the engine asks a mirror that Roost can't make sense of: then no answer is the engine's whole story.
    package let isIncomplete: Bool

    /// - Parameters:
    ///   - registry: As a reference gives it (``ImageReference/registry``).
    ///   - configuration: The engine's, from `/info`; `nil` where it gives none.
    package init(to registry: String, _ configuration: EngineInfo.RegistryConfiguration?) {
        let mirrors = registry == ImageReference.dockerHub ? configuration?.mirrors ?? [] : []
        let known = mirrors.compactMap { RegistryEndpoint(mirror: $0) }
        isIncomplete = known.count < mirrors.count
        stops = known.map { Stop(endpoints: [$0]) } + [Self.stop(registry, configuration)]
    }

    /// The registry itself. The engine tries HTTPS and then HTTP where a registry is listed as insecure. On loopback
    /// plain HTTP is by far the likelier, and is asked first.
    private static func stop(_ registry: String, _ configuration: EngineInfo.RegistryConfiguration?) -> Stop {
        let usual = RegistryEndpoint(registry: registry)
        guard usual.scheme == .http || isInsecure(registry, usual.host, configuration) else {
            return Stop(endpoints: [usual])
        }
        let other = RegistryEndpoint(
            scheme: usual.scheme == .http ? .https : .http,
            host: usual.host,
            port: usual.port,
            isMirror: false
        )
        return Stop(endpoints: [usual, other])
    }

    private static func isInsecure(
        _ registry: String,
        _ host: String,
        _ configuration: EngineInfo.RegistryConfiguration?
    ) -> Bool {
        if configuration?.indexes?[registry]?.secure == false { return true }
        return (configuration?.insecureNetworks ?? []).contains { IPNetwork(parsing: $0)?.contains(host) == true }
    }
}
