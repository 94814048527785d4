import DockerEngine
import Foundation
import ImagePull
import OCIDistribution
import Pipeline
import RoostCore

/// An engine and the registries behind it, for as long as a verb runs.
struct EngineSession: Sendable {
    let engine: EngineClient
    let state: EngineState
    private let registry: RegistryClient
    private let credentials: DockerLogins
    private let options: PullOptions

    /// As ``with(_:settings:body:)``, but gives up connecting at an interruption; what `body` does with one is its own.
    static func with<Value: Sendable>(
        _ configuration: EngineConfiguration,
        settings: Settings,
        interruption: Interruption,
        body: @escaping @Sendable (EngineSession) async throws -> Value
    ) async throws -> Value {
        let isConnected = Latch()
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                try await with(configuration, settings: settings) { session in
                    isConnected.open()
                    return try await body(session)
                }
            }
            group.addTask {
                guard await interruption.stop.wait(), !isConnected.isOpen, let cause = interruption.cause else {
                    return nil
                }
                throw Interrupted.whileConnecting(cause)
            }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                if let value = ended { return value }
            }
            throw CancellationError()
        }
    }

    /// Connects, removes what killed runs left (their secrets first, with or without an engine), runs `body`, and closes all connections.
    static func with<Value: Sendable>(
        _ configuration: EngineConfiguration,
        settings: Settings,
        body: @Sendable (EngineSession) async throws -> Value
    ) async throws -> Value {
        await SecretTidying.tidyUp()
        let credentials = DockerLogins(environment: ProcessInfo.processInfo.environment)
        let platform: Platform?
        do {
            platform = try configuration.platform.map { try Platform(parsing: $0) }
        } catch {
            throw UsageError(description: "\(error)")
        }
        return try await RegistryClient.with(credentials: credentials) { registry in
            try await EngineClient.with(
                configuration.endpoint,
                requestedVersion: configuration.requestedVersion
            ) { engine in
                let (state, warnings) = try await EngineState.load(of: engine)
                for warning in try await warnings + state.tidyUp(engine) { await RoostCommandLine.complain(warning) }
                return try await body(
                    EngineSession(
                        engine: engine,
                        state: state,
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

    /// What went wrong so far in finding logins, such as a helper that is not installed.
    var credentialWarnings: [String] { credentials.warnings.map(\.description) }

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
