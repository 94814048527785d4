import DockerEngine
import ImagePull
import OCIDistribution
import RoostTesting

/// An engine in memory, told in advance how each pull goes.
actor MemoryEngine: PullEngine {
    enum Pull: Sendable {
        case succeeds(EngineImage, messages: [PullMessage] = [])
        case fails(any Error, messages: [PullMessage] = [])
        /// Says that it began, then waits for the gate, then goes on as the rest says.
        indirect case waits(began: Gate, until: Gate, then: Pull)
        /// Ends well without bringing the image.
        case lies
    }

    nonisolated let platform = amd64
    nonisolated let mirrors: EngineInfo.RegistryConfiguration?
    private(set) var images: [String: EngineImage]
    private var scripts: [ImageReference: [Pull]]
    private var tagErrors: [ImageReference: EngineError]
    private(set) var pulls: [ImageReference] = []
    private(set) var tags: [ImageReference] = []
    private(set) var credentials: [Credentials?] = []
    private(set) var configurationReads = 0
    private(set) var cancelled: [ImageReference] = []
    private(set) var mostAtOnce = 0
    private var running = 0

    init(
        images: [String: EngineImage] = [:],
        pulls: [ImageReference: [Pull]] = [:],
        tagErrors: [ImageReference: EngineError] = [:],
        mirrors: EngineInfo.RegistryConfiguration? = nil
    ) {
        self.images = images
        self.scripts = pulls
        self.tagErrors = tagErrors
        self.mirrors = mirrors
    }

    func registryConfiguration() async throws -> EngineInfo.RegistryConfiguration? {
        configurationReads += 1
        return mirrors
    }

    func image(named name: String) async throws -> EngineImage? {
        images[name] ?? images.values.first { $0.id == name }
    }

    func imageDigests() async throws -> [(id: String, digests: [Digest])] {
        images.values.map { ($0.id, $0.repoDigests.map(\.digest)) }
    }

    func pull(
        _ reference: ImageReference,
        platform: Platform?,
        credentials: Credentials?,
        deadline: Duration,
        onMessage: @escaping @Sendable (PullMessage) async throws -> Void
    ) async throws {
        pulls.append(reference)
        self.credentials.append(credentials)
        running += 1
        mostAtOnce = max(mostAtOnce, running)
        defer { running -= 1 }
        guard var script = scripts[reference], !script.isEmpty else {
            throw EngineError.status(operation: "pull", code: 500, message: "this pull was not foreseen")
        }
        let step = script.removeFirst()
        scripts[reference] = script
        do {
            try await perform(step, reference, onMessage)
        } catch is CancellationError {
            cancelled.append(reference)
            throw CancellationError()
        }
    }

    private func perform(
        _ step: Pull,
        _ reference: ImageReference,
        _ onMessage: @Sendable (PullMessage) async throws -> Void
    ) async throws {
        switch step {
        case .succeeds(let image, let messages):
            for message in messages { try await onMessage(message) }
            images[reference.engineName] = image
        case .fails(let error, let messages):
            for message in messages { try await onMessage(message) }
            throw error
        case .waits(let began, let gate, let then):
            began.open()
            try await gate.wait()
            try await perform(then, reference, onMessage)
        case .lies:
            break
        }
    }

    func tag(_ id: String, as reference: ImageReference) async throws {
        if let error = tagErrors[reference] { throw error }
        tags.append(reference)
        images[reference.engineName] = images.values.first { $0.id == id }
    }
}
