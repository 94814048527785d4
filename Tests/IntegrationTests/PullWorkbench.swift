import AsyncHTTPClient
import DockerEngine
import Foundation
import OCIDistribution
import RoostTesting
import Synchronization

@testable import ImagePull

/// An engine, a way to registries, and names of its own for one test of pulls; its images are gone at the end.
struct Workbench: Sendable {
    let engine: EngineClient
    let registry: RegistryClient
    let credentials: any CredentialSource
    /// A repository that no other test uses.
    let prefix: String
    let log = PullLog()

    static func with<Value: Sendable>(
        engine address: String? = nil,
        login: (registry: String, user: String, password: String)? = nil,
        _ body: @Sendable (Workbench) async throws -> Value
    ) async throws -> Value {
        let credentials: any CredentialSource =
            login.map { Login(registry: $0.registry, user: $0.user, password: $0.password) } ?? NoCredentials()
        let http = RegistryClient.makeHTTPClient()
        let result: Result<Value, any Error>
        do {
            let endpoint = try EngineEndpoint(parsing: address ?? TestEnvironment.requireEngine())
            let value = try await EngineClient.with(endpoint) { engine in
                let bench = Workbench(
                    engine: engine,
                    registry: RegistryClient(http: http, credentials: credentials),
                    credentials: credentials,
                    prefix: "pull/t\(UInt32.random(in: .min ... .max))"
                )
                let value: Result<Value, any Error>
                do {
                    value = .success(try await body(bench))
                } catch {
                    value = .failure(error)
                }
                try await bench.removeImages()
                return try value.get()
            }
            result = .success(value)
        } catch {
            result = .failure(error)
        }
        try await http.shutdown()
        return try result.get()
    }

    static func withProxy<Value: Sendable>(
        _ upstream: String,
        _ body: @Sendable (Workbench, FaultProxy) async throws -> Value
    ) async throws -> Value {
        try await FaultProxy.with(upstream: upstream) { proxy in
            try await with { try await body($0, proxy) }
        }
    }

    /// A puller that waits for nothing and tries twice.
    func puller(heads: (any ManifestHeads)? = nil) -> ImagePuller {
        let log = log
        return ImagePuller(
            engine: engine,
            registry: heads ?? registry,
            credentials: credentials,
            options: PullOptions(timeout: .seconds(60), retry: RetryPolicy(attempts: 2)),
            clock: NoWaiting(),
            jitter: { 0 },
            onEvent: { await log.append($0) }
        )
    }

    func requests(_ names: [String], policy: PullPolicy = .missing) throws -> [PullRequest] {
        try names.map { PullRequest(reference: try ImageReference(parsing: $0), policy: policy) }
    }

    func pull(
        _ names: [String],
        policy: PullPolicy = .missing,
        heads: (any ManifestHeads)? = nil
    ) async throws -> [PullOutcome] {
        try await pull(try requests(names, policy: policy), heads: heads)
    }

    /// Resolves and pulls; the outcomes come in the order of the requests.
    func pull(_ requests: [PullRequest], heads: (any ManifestHeads)? = nil) async throws -> [PullOutcome] {
        let puller = puller(heads: heads)
        let plan = try await puller.resolve(requests)
        let outcomes = Mutex<[ImageReference: PullOutcome]>([:])
        try await puller.run(plan, onImage: { outcome in outcomes.withLock { $0[outcome.image] = outcome } })
        return outcomes.withLock { outcomes in requests.compactMap { outcomes[$0.reference] } }
    }

    private func removeImages() async throws {
        for image in try await engine.images() {
            let names = (image.repoTags ?? []) + (image.repoDigests ?? [])
            if names.contains(where: { $0.contains("/\(prefix)") }) {
                _ = try await engine.removeImage(image.id, force: true)
            }
        }
    }

    private struct Login: CredentialSource {
        let registry: String
        let user: String
        let password: String

        func credentials(for registry: String) async throws(CredentialError) -> Credentials? {
            registry == self.registry ? .password(username: user, password: password) : nil
        }
    }
}

/// The events of a test's pulls.
actor PullLog {
    private(set) var events: [PullEvent] = []

    func append(_ event: PullEvent) { events.append(event) }

    var delays: [Duration] {
        events.compactMap { if case .retrying(_, _, let delay, _) = $0 { delay } else { nil } }
    }

    var retries: Int { delays.count }
}

/// A clock on which every wait is over at once.
struct NoWaiting: Clock {
    var now: ContinuousClock.Instant { .now }
    var minimumResolution: Duration { .zero }
    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
    }
}

extension TestImage {
    /// An image that no other test has.
    static func random(bytes: Int = 1 << 16) throws -> TestImage {
        try TestImage(layers: [.random(bytes: bytes, seed: .random(in: .min ... .max))])
    }
}
