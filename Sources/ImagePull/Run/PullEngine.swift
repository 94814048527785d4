package import DockerEngine
package import OCIDistribution

/// What pulling needs of an engine: the seam at which tests put one in memory.
package protocol PullEngine: Sendable {
    /// The platform whose images the engine runs when none is named.
    var platform: Platform { get }

    /// How the engine reaches registries.
    func registryConfiguration() async throws -> EngineInfo.RegistryConfiguration?

    /// The image that a name stands for, or `nil` where there is none.
    func image(named name: String) async throws -> EngineImage?

    /// The IDs of all images, with the registry digests each is known by.
    func imageDigests() async throws -> [(id: String, digests: [Digest])]

    func pull(
        _ reference: ImageReference,
        platform: Platform?,
        credentials: Credentials?,
        deadline: Duration,
        onMessage: @escaping @Sendable (PullMessage) async throws -> Void
    ) async throws

    func tag(_ id: String, as reference: ImageReference) async throws
}

extension EngineClient: PullEngine {
    package var platform: Platform {
        Platform(os: about.operatingSystem ?? "linux", architecture: about.architecture ?? Platform.host.architecture)
    }

    package func registryConfiguration() async throws -> EngineInfo.RegistryConfiguration? {
        try await info().registries
    }

    package func image(named name: String) async throws -> EngineImage? {
        try await inspectImage(name).map { image in
            EngineImage(
                id: image.id,
                repoDigests: (image.repoDigests ?? []).compactMap { EngineImage.RepoDigest(parsing: $0) },
                platform: Platform(os: image.os, architecture: image.architecture, variant: image.variant)
            )
        }
    }

    package func imageDigests() async throws -> [(id: String, digests: [Digest])] {
        try await images().map { image in
            (image.id, (image.repoDigests ?? []).compactMap { EngineImage.RepoDigest(parsing: $0)?.digest })
        }
    }

    package func pull(
        _ reference: ImageReference,
        platform: Platform?,
        credentials: Credentials?,
        deadline: Duration,
        onMessage: @escaping @Sendable (PullMessage) async throws -> Void
    ) async throws {
        try await pull(
            reference,
            platform: platform?.description,
            credentials: credentials,
            deadline: deadline,
            onMessage: onMessage
        )
    }

    package func tag(_ id: String, as reference: ImageReference) async throws {
        try await tagImage(id, as: reference)
    }
}
