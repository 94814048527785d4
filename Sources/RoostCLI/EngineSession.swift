import DockerEngine
import Foundation
import ImagePull
import OCIDistribution

/// An engine and the registries behind it, for as long as a verb runs.
struct EngineSession: Sendable {
    let engine: EngineClient
    private let registry: RegistryClient
    private let credentials: DockerConfigFile
    private let options: PullOptions

    /// Connects, runs `body`, and closes all connections.
    static func with<Value: Sendable>(
        _ configuration: EngineConfiguration,
        settings: Settings,
        body: @Sendable (EngineSession) async throws -> Value
    ) async throws -> Value {
        let credentials: DockerConfigFile
        let platform: Platform?
        do {
            credentials = try DockerConfigFile.load(environment: ProcessInfo.processInfo.environment)
            platform = try configuration.platform.map { try Platform(parsing: $0) }
        } catch {
            throw UsageError(description: "\(error)")
        }
        return try await RegistryClient.with(credentials: credentials) { registry in
            try await EngineClient.with(
                configuration.endpoint,
                requestedVersion: configuration.requestedVersion
            ) { engine in
                try await body(
                    EngineSession(
                        engine: engine,
                        registry: registry,
                        credentials: credentials,
                        options: PullOptions(
                            maxConcurrent: settings.maxConcurrentPulls,
                            timeout: settings.pullTimeout,
                            isOffline: settings.offline,
                            platform: platform
                        )
                    )
                )
            }
        }
    }

    /// Makes a puller that reports to `onEvent`.
    func makePuller(_ onEvent: @escaping @Sendable (PullEvent) async -> Void) -> ImagePuller {
        ImagePuller(
            engine: engine,
            registry: registry,
            credentials: credentials,
            options: options,
            onEvent: onEvent
        )
    }
}
