import DockerEngine
import OCIDistribution
import RoostTesting
import Testing

@Suite("Any engine: itself, its images, volumes and networks", .serialized, .timeLimit(.minutes(2)))
struct EngineConformanceImageTests {
    @Test("an engine says what it is", arguments: EngineKind.available)
    func system(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let ping = try await engine.client.ping()
            #expect(try #require(ping.apiVersion) >= engine.client.version)
            #expect(ping.osType == "linux")
            #expect(engine.client.version >= APIVersionNegotiation.oldestSupported)
            #expect(!engine.client.about.version.isEmpty)
            let info = try await engine.client.info()
            #expect(!info.id.isEmpty)
            #expect(info.serverVersion == engine.client.about.version)
            #expect(info.memoryTotal > 0)
            #expect(info.processors > 0)
            #expect(info.osType == "linux")
            #expect(info.registries?.insecureNetworks?.contains("127.0.0.0/8") == true)
        }
    }

    @Test("a version that the engine lacks is refused before any other call", arguments: EngineKind.available)
    func version(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let error = await #expect(throws: EngineError.self) {
                try await EngineClient.with(
                    engine.client.endpoint,
                    requestedVersion: APIVersion(major: 1, minor: 999)
                ) { _ in }
            }
            guard case .unsupportedVersion(let mismatch) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(mismatch.description.contains("DOCKER_API_VERSION asks for 1.999"))
        }
    }

    @Test(
        "a pull tells its progress, and the image is there with name, digest and layers",
        arguments: EngineKind.available
    )
    func pull(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let (reference, id) = try await engine.offerImage()
            #expect(try await engine.client.inspectImage(reference.familiar) == nil)
            let messages = Collected<PullMessage>()
            try await engine.client.pull(reference, deadline: .seconds(60)) { _ = messages.add($0) }
            let statuses = Set(messages.all.compactMap(\.status))
            #expect(statuses.isSuperset(of: ["Pulling fs layer", "Download complete", "Pull complete"]))
            #expect(messages.all.contains { $0.status == "Downloading" && ($0.progress?.total ?? 0) > 0 })
            #expect(messages.all.first?.id == "1")
            let image = try #require(try await engine.client.inspectImage(reference.familiar))
            #expect(image.id == id)
            #expect(image.os == "linux")
            #expect(image.architecture == TestImage.machineArchitecture)
            #expect(image.repoTags == [reference.familiar])
            #expect(image.rootFS?.layers?.count == 2)
            #expect(image.size > 0)
            let digest = try #require(image.repoDigests?.first)
            #expect(digest.hasPrefix(reference.name + "@sha256:"))
            #expect(try await engine.client.inspectImage(id)?.id == id)
            #expect(try await engine.client.images().contains { $0.id == id && $0.repoTags == [reference.familiar] })
            try await pullAgain(engine, reference, id: id, digest: digest)
        }
    }

    private func pullAgain(
        _ engine: EngineUnderTest,
        _ reference: ImageReference,
        id: String,
        digest: String
    ) async throws {
        let messages = Collected<PullMessage>()
        try await engine.client.pull(reference, deadline: .seconds(60)) { _ = messages.add($0) }
        #expect(!messages.all.contains { $0.status == "Pulling fs layer" })
        #expect(messages.all.contains { $0.status?.contains("Image is up to date") == true })
        #expect(try await !engine.client.removeImage(reference.familiar).isEmpty)
        #expect(try await engine.client.inspectImage(id) == nil)
        try await engine.client.pull(ImageReference(parsing: digest), deadline: .seconds(60)) { _ in }
        let image = try #require(try await engine.client.inspectImage(digest))
        #expect(image.id == id)
        #expect(image.repoTags ?? [] == [])
        _ = try await engine.client.removeImage(digest)
        #expect(try await engine.client.inspectImage(id) == nil)
    }

    @Test("an image that no registry has is a 404 of its own", arguments: EngineKind.available)
    func pullMissing(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let reference = try engine.missingReference()
            let error = await #expect(throws: EngineError.self) {
                try await engine.client.pull(reference, deadline: .seconds(60)) { _ in }
            }
            #expect(error?.statusCode == 404)
        }
    }

    @Test("a pull that fails after its begin is an error, and leaves no image", arguments: EngineKind.available)
    func pullBroken(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            try await engine.withBrokenImage { try await pullBroken(engine, $0) }
        }
    }

    private func pullBroken(_ engine: EngineUnderTest, _ reference: ImageReference) async throws {
        let messages = Collected<PullMessage>()
        let error = await #expect(throws: EngineError.self) {
            try await engine.client.pull(reference, deadline: .seconds(60)) { _ = messages.add($0) }
        }
        guard case .inStream(_, let message) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(message.contains("verification failed"))
        #expect(!messages.all.isEmpty)
        #expect(try await engine.client.inspectImage(reference.familiar) == nil)
    }

    @Test("a tag is a further name; the image goes with its last one", arguments: EngineKind.available)
    func tag(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let (reference, id) = try await engine.offerImage(size: 1000)
            try await engine.client.pull(reference, deadline: .seconds(60)) { _ in }
            let other = try ImageReference(parsing: "conformance/\(engine.name("tagged")):v2")
            try await engine.client.tagImage(id, as: other)
            let names = try #require(try await engine.client.inspectImage(other.familiar)?.repoTags)
            #expect(Set(names) == [reference.familiar, other.familiar])
            let untagged = try await engine.client.removeImage(reference.familiar)
            #expect(untagged.contains { $0.untagged == reference.familiar })
            #expect(!untagged.contains { $0.deleted == id })
            let removed = try await engine.client.removeImage(other.familiar)
            #expect(removed.contains { $0.deleted == id })
            #expect(await refusal { _ = try await engine.client.removeImage(other.familiar) } == 404)
            #expect(await refusal { try await engine.client.tagImage(other.familiar, as: reference) } == 404)
        }
    }

    @Test("an image in use is not removed, unless by force", arguments: EngineKind.available)
    func imageInUse(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let (reference, id) = try await engine.offerImage(size: 1000)
            try await engine.client.pull(reference, deadline: .seconds(60)) { _ in }
            var specification = engine.specification(.echoes)
            specification.image = id
            let container = try await engine.client.createContainer(name: nil, specification).id
            for name in [reference.familiar, id] {
                let error = await #expect(throws: EngineError.self) { try await engine.client.removeImage(name) }
                #expect(error?.statusCode == 409)
            }
            #expect(try await engine.client.removeImage(reference.familiar, force: true).isEmpty == false)
            try await engine.client.removeContainer(container)
            if try await engine.client.inspectImage(id) != nil { _ = try await engine.client.removeImage(id) }
        }
    }

    @Test("volumes: made once, found by label, kept while in use, removed twice", arguments: EngineKind.available)
    func volumes(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let client = engine.client
            let name = engine.name("volume")
            let volume = try await client.createVolume(name: name, labels: engine.label)
            #expect(volume.name == name)
            #expect(volume.driver == "local")
            #expect(!volume.mountPoint.isEmpty)
            #expect(try await client.createVolume(name: name, labels: [:]).labels == engine.label)
            #expect(try await client.inspectVolume(name)?.labels == engine.label)
            #expect(try await client.inspectVolume("missing-volume") == nil)
            #expect(try await client.volumes(labels: engine.label).map(\.name) == [name])
            #expect(try await client.volumes().contains { $0.name == name })
            #expect(try await client.volumes(labels: ["dev.roost.conformance": "other"]).isEmpty)
            var specification = engine.specification(.echoes)
            specification.host.mounts = [.init(kind: .volume, source: name, target: "/data")]
            let container = try await client.createContainer(name: nil, specification).id
            let mount = try #require(try await client.inspectContainer(container)?.mounts?.first)
            #expect(mount.name == name)
            #expect(mount.destination == "/data")
            let error = await #expect(throws: EngineError.self) { try await client.removeVolume(name) }
            #expect(error?.statusCode == 409)
            try await client.removeContainer(container)
            // A volume with a name of its own outlives the container.
            #expect(try await client.inspectVolume(name) != nil)
            try await client.removeVolume(name)
            try await client.removeVolume(name)
            #expect(try await client.inspectVolume(name) == nil)
        }
    }

    @Test("networks: one of a name, found by label, removed twice", arguments: EngineKind.available)
    func networks(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let client = engine.client
            let name = engine.name("network")
            let id = try await client.createNetwork(name: name, labels: engine.label)
            let error = await #expect(throws: EngineError.self) {
                try await client.createNetwork(name: name, labels: engine.label)
            }
            #expect(error?.statusCode == 409)
            #expect(try await client.inspectNetwork(name)?.id == id)
            let network = try #require(try await client.inspectNetwork(id))
            #expect(network.name == name)
            #expect(network.driver == "bridge")
            #expect(network.labels == engine.label)
            #expect(try await client.inspectNetwork("missing-network") == nil)
            #expect(try await client.networks(labels: engine.label).map(\.id) == [id])
            #expect(Set(try await client.networks().map(\.name)).isSuperset(of: ["bridge", "host", "none", name]))
            let refused = await #expect(throws: EngineError.self) { try await client.removeNetwork("bridge") }
            #expect(refused?.statusCode == 403)
            try await client.removeNetwork(id)
            try await client.removeNetwork(id)
            #expect(try await client.inspectNetwork(id) == nil)
        }
    }
}
