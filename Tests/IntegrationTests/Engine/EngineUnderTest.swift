import DockerEngine
import Foundation
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

/// The engines that one suite holds to the same behaviour.
enum EngineKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case fake
    case real

    /// The fake one, and the real one where a test run has one.
    static var available: [EngineKind] {
        ProcessInfo.processInfo.environment["ROOST_TEST_ENGINE"] == nil ? [.fake] : allCases
    }

    var testDescription: String { rawValue }
}

/// A command that means the same to a shell and to the fake engine.
struct Script: Sendable {
    let text: String
    let program: FakeEngine.Program

    var arguments: [String] { ["/bin/sh", "-c", text] }

    static let printsAndFails = Script(
        text: "echo out; echo err >&2; exit 3",
        program: .printing(["out"], stderr: ["err"], exit: 3)
    )
    static let countsTo2000 = Script(
        text: "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done",
        program: .printing((0..<2000).map(String.init))
    )
    static let printsOneLongLine = Script(
        text: "head -c 50000 /dev/zero | tr '\\0' x; echo",
        program: .printing([String(repeating: "x", count: 50_000)])
    )
    static let echoes = Script(text: "cat", program: FakeEngine.Program(.echo))
    static let readsALine = Script(
        text: "read -r line || exit 9; echo released",
        program: FakeEngine.Program(.readLine(codeAtEnd: 9), .line("released"))
    )
    static let runsUntilAsked = Script(
        text: "trap 'exit 143' TERM; echo ready; while :; do sleep 0.1; done",
        program: FakeEngine.Program(.line("ready"), .waitForSignal)
    )
    static let ignoresTermination = Script(
        text: "trap '' TERM; echo ready; while :; do sleep 0.1; done",
        program: FakeEngine.Program(.ignoreSignals, .line("ready"), .waitForSignal)
    )
    static let all = [
        printsAndFails, countsTo2000, printsOneLongLine, echoes, readsALine, runsUntilAsked, ignoresTermination,
    ]
}

/// One of the engines, with an image to run, and a mark on all that a test makes.
struct EngineUnderTest: Sendable {
    let kind: EngineKind
    let client: EngineClient
    /// ID of an image with a shell.
    let image: String
    /// Carried by all that the test makes, and removed with it.
    let label: [String: String]
    let fake: FakeEngine?
    private let registry: String

    /// A unique name for something that the test makes.
    func name(_ prefix: String = "conformance") -> String { UniqueName.make(prefix) }

    static func with(_ kind: EngineKind, _ body: (EngineUnderTest) async throws -> Void) async throws {
        switch kind {
        case .fake:
            try await FakeEngine.with { fake in
                let image = FakeEngine.Image("busybox")
                try fake.add(image, as: "busybox:1")
                for script in Script.all { fake.run(script.program, for: script.arguments) }
                fake.run(.failingToStart(), for: ["/missing"])
                try await EngineClient.with(fake.endpoint) { client in
                    try await run(kind, client, image: image.id, fake: fake, registry: "registry.test:5000", body)
                }
            }
        case .real:
            let environment = ProcessInfo.processInfo.environment
            guard let address = environment["ROOST_TEST_ENGINE"], let registry = environment["ROOST_TEST_REGISTRY"]
            else { throw NoRealEngine() }
            try await EngineClient.with(EngineEndpoint(parsing: address)) { client in
                let image = try await preparing.run { try await busybox(on: client, from: registry) }
                try await run(kind, client, image: image, fake: nil, registry: registry, body)
            }
        }
    }

    /// One test at a time: a registry answers 500 to who reads a tag that is being written.
    private static let preparing = ConcurrencyLimit(1)

    /// - Returns: The ID of an image with a shell, which the engine has from now on.
    private static func busybox(on client: EngineClient, from registry: String) async throws -> String {
        let image = try TestImage.busybox
        if try await client.inspectImage(image.configurationDigest) == nil {
            let repository = "conformance/busybox"
            try await image.push(to: registry, repository: repository, tag: "1")
            let reference = try ImageReference(parsing: "\(registry)/\(repository):1")
            try await client.pull(reference, deadline: .seconds(120)) { _ in }
        }
        return image.configurationDigest
    }

    private struct NoRealEngine: Error, CustomStringConvertible {
        let description = "a real engine needs ROOST_TEST_ENGINE and ROOST_TEST_REGISTRY"
    }

    private static func run(
        _ kind: EngineKind,
        _ client: EngineClient,
        image: String,
        fake: FakeEngine?,
        registry: String,
        _ body: (EngineUnderTest) async throws -> Void
    ) async throws {
        let engine = EngineUnderTest(
            kind: kind,
            client: client,
            image: image,
            label: ["dev.roost.conformance": UniqueName.make("test")],
            fake: fake,
            registry: registry
        )
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(engine))
        } catch {
            result = .failure(error)
        }
        try await engine.removeEverything()
        try result.get()
    }

    private func removeEverything() async throws {
        for container in try await client.containers(labels: label) { try await client.removeContainer(container.id) }
        for network in try await client.networks(labels: label) { try await client.removeNetwork(network.id) }
        for volume in try await client.volumes(labels: label) { try await client.removeVolume(volume.name) }
    }

    // MARK: Containers

    func specification(_ script: Script) -> ContainerSpecification { specification(arguments: script.arguments) }

    func specification(arguments: [String]) -> ContainerSpecification {
        var specification = ContainerSpecification(image: image)
        specification.entrypoint = []
        specification.command = arguments
        specification.labels = label
        // The driver that runs use: it keeps every byte.
        specification.host.logDriver = .init(type: "local")
        return specification
    }

    /// One that takes stdin from whoever attaches, and with the first of them ends it.
    func specificationWithStdin(_ script: Script) -> ContainerSpecification {
        var specification = specification(script)
        specification.openStdin = true
        specification.stdinOnce = true
        specification.attachStdin = true
        return specification
    }

    func create(_ script: Script, name: String? = nil) async throws -> String {
        try await client.createContainer(name: name, specification(script)).id
    }

    func start(_ script: Script) async throws -> String {
        let id = try await create(script)
        try await client.startContainer(id)
        return id
    }

    /// Starts it, and waits until it says that it is ready.
    func startReady(_ script: Script) async throws -> String {
        struct Seen: Error {}
        let id = try await start(script)
        do {
            try await client.containerLogs(id, follow: true) { frames in
                if frames.contains(where: { String(buffer: $0.bytes).contains("ready") }) { throw Seen() }
            }
        } catch is Seen {}
        return id
    }

    func wait(_ id: String, _ condition: WaitCondition = .notRunning) async throws -> Int {
        try await client.waitForContainer(id, condition, deadline: .seconds(60)).statusCode
    }

    func output(_ id: String, follow: Bool = true) async throws -> Output {
        var output = Output()
        try await client.containerLogs(id, follow: follow) { frames in output.add(frames) }
        return output
    }

    // MARK: Images

    /// Puts an image of two layers where the engine's pulls find it.
    ///
    /// - Returns: Its reference, and its ID.
    func offerImage(size: Int = 200_000) async throws -> (reference: ImageReference, id: String) {
        let repository = "conformance/\(name("image"))"
        let reference = try ImageReference(parsing: "\(registry)/\(repository):1")
        if let fake {
            let image = FakeEngine.Image(
                repository,
                layers: [.init("base"), .init(repository, size: Int64(size))]
            )
            try fake.offer(image, as: reference.description)
            return (reference, image.id)
        }
        let image = try TestImage.busybox(plusRandom: size, seed: .random(in: 0 ... .max))
        try await image.push(to: registry, repository: repository, tag: "1")
        return (reference, image.configurationDigest)
    }

    /// The name of an image that no registry has.
    func missingReference() throws -> ImageReference {
        try ImageReference(parsing: "\(registry)/conformance/\(name("missing")):1")
    }

    /// Runs `body` with the name of an image whose pull begins and then fails.
    func withBrokenImage(_ body: (ImageReference) async throws -> Void) async throws {
        if let fake {
            let reference = try ImageReference(parsing: "\(registry)/conformance/broken:1")
            var offer = FakeEngine.Offer(FakeEngine.Image("broken"))
            offer.streamError = "filesystem layer verification failed"
            try fake.offer(offer, as: reference.description)
            return try await body(reference)
        }
        try await InMemoryRegistry.with { registry in
            let image = try TestImage.busybox(plusRandom: 300_000, seed: .random(in: 0 ... .max))
            image.add(to: registry, repository: "broken", tag: "1")
            guard let layer = image.layers.last else { return }
            registry.corruptBlob(layer.digest, with: ByteBuffer(repeating: 0, count: layer.size))
            try await body(try ImageReference(parsing: "\(registry.hostAndPort)/broken:1"))
        }
    }
}

/// What a container printed, by stream.
struct Output: Sendable {
    var stdout = ByteBuffer()
    var stderr = ByteBuffer()
    var longestFrame = 0

    mutating func add(_ frames: [LogFrame]) {
        for frame in frames {
            longestFrame = max(longestFrame, frame.bytes.readableBytes)
            if frame.stream == .stderr {
                stderr.writeImmutableBuffer(frame.bytes)
            } else {
                stdout.writeImmutableBuffer(frame.bytes)
            }
        }
    }

    var text: String { String(buffer: stdout) }
    var errorText: String { String(buffer: stderr) }
}

/// The status with which the engine refuses a call; `nil` where it does not.
func refusal(_ call: () async throws -> Void) async -> Int? {
    do {
        try await call()
        return nil
    } catch {
        return (error as? EngineError)?.statusCode
    }
}
