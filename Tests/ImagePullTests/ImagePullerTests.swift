import DockerEngine
import OCIDistribution
import RoostTesting
import Testing

@testable import ImagePull

@Suite("Pulling images")
struct ImagePullerTests {
    private let bench = PullerBench()

    @Test("missing images are resolved and pulled, and each group is told its image IDs")
    func pulls() async throws {
        let (a, b) = (try ref("a:1"), try ref("b:1"))
        let engine = MemoryEngine(pulls: [
            a: [.succeeds(image("id-a", [("a", digest(1))]))], b: [.succeeds(image("id-b", [("b", digest(2))]))],
        ])
        let heads = MemoryHeads(["a:1": .success(digest(1)), "b:1": .success(digest(2))])
        let puller = bench.puller(engine, heads)
        let plan = try await puller.resolve(try bench.requests(["a:1", "b:1", "docker.io/library/a:1"]))
        let calls = try await bench.run(puller, plan)
        #expect(await calls.groups == [0: [a: "id-a"], 1: [b: "id-b"], 2: [a: "id-a"]])
        let outcomes = await calls.outcomes.sorted { $0.image.familiar < $1.image.familiar }
        #expect(outcomes.map(\.imageID) == ["id-a", "id-b"])
        #expect(outcomes.map(\.digest) == [digest(1), digest(2)])
        #expect(outcomes.map(\.source) == ["registry-1.docker.io", "registry-1.docker.io"])
        #expect(await engine.pulls.count == 2)
    }

    @Test("what is present costs no question to any registry, and no look at the engine's configuration")
    func warm() async throws {
        let engine = MemoryEngine(images: ["a:1": image("id")])
        let heads = MemoryHeads()
        let puller = bench.puller(engine, heads)
        let calls = try await bench.run(puller, try await puller.resolve(try bench.requests(["a:1"])))
        #expect(await calls.groups == [0: [try ref("a:1"): "id"]])
        #expect(heads.questions.isEmpty)
        #expect(await engine.configurationReads == 0)
        #expect(await engine.pulls.isEmpty)
    }

    @Test("offline no registry is asked and nothing is pulled")
    func offline() async throws {
        let engine = MemoryEngine()
        let heads = MemoryHeads()
        await #expect(throws: PullFailures.self) {
            try await bench.puller(engine, heads, PullOptions(isOffline: true)).resolve(
                try bench.requests(["a:1", "b:1"])
            )
        }
        #expect(heads.questions.isEmpty)
    }

    @Test("all images that registries refuse are told together, and nothing is pulled")
    func refused() async throws {
        let heads = MemoryHeads([
            "a:1": .failure(.notFound), "b:1": .success(digest(1)), "c:1": .failure(.unauthorized(.refused)),
        ])
        let engine = MemoryEngine()
        let failures = await #expect(throws: PullFailures.self) {
            try await bench.puller(engine, heads).resolve(try bench.requests(["a:1", "b:1", "c:1"]))
        }
        #expect(failures?.failures.map(\.kind) == [.notFound, .unauthorized])
        #expect(await engine.pulls.isEmpty)
    }

    @Test("no more pulls run at once than allowed, whatever the number of images")
    func limit() async throws {
        let names = (0..<9).map { "image\($0):1" }
        var pulls: [ImageReference: [MemoryEngine.Pull]] = [:]
        let began = Gate(count: 3)
        for name in names {
            // Three have to run together, or the first never ends.
            pulls[try ref(name)] = [.waits(began: began, until: began, then: .succeeds(image("id")))]
        }
        let engine = MemoryEngine(pulls: pulls)
        let puller = bench.puller(engine, nil, PullOptions(maxConcurrent: 3))
        _ = try await bench.run(puller, try await puller.resolve(try bench.requests(names)))
        #expect(await engine.mostAtOnce == 3)
    }

    @Test("two names of one digest are one pull and one tag")
    func tags() async throws {
        let (a, b) = (try ref("a:1"), try ref("b:1"))
        let engine = MemoryEngine(pulls: [a: [.succeeds(image("id", [("a", digest(1))]))]])
        let puller = bench.puller(engine, MemoryHeads(["a:1": .success(digest(1)), "b:1": .success(digest(1))]))
        let calls = try await bench.run(puller, try await puller.resolve(try bench.requests(["a:1", "b:1"])))
        #expect(await engine.pulls == [a])
        #expect(await engine.tags == [b])
        #expect(await calls.outcomes.map(\.imageID) == ["id", "id"])
        guard case .tagged(a) = await calls.outcomes.last?.result else {
            Issue.record("not tagged from \(a)")
            return
        }
    }

    @Test("a tag that the engine refuses is pulled instead")
    func tagRefused() async throws {
        let (a, b) = (try ref("a:1"), try ref("b:1"))
        let there = image("id", [("a", digest(1))])
        let engine = MemoryEngine(
            images: ["a:1": there],
            pulls: [b: [.succeeds(image("id", [("b", digest(1))]))]],
            tagErrors: [b: .status(operation: "tag", code: 500, message: "")]
        )
        let puller = bench.puller(engine, MemoryHeads(["b:1": .success(digest(1))]))
        _ = try await bench.run(puller, try await puller.resolve(try bench.requests(["a:1", "b:1"])))
        #expect(await engine.pulls == [b])
        #expect(await engine.tags.isEmpty)
        #expect(a != b)
    }

    @Test("content of another platform under the same digest is not tagged")
    func otherPlatform() async throws {
        let b = try ref("b:1")
        let engine = MemoryEngine(
            images: ["a:1": image("arm", [("a", digest(1))], platform: arm64)],
            pulls: [b: [.succeeds(image("amd", [("b", digest(1))]))]]
        )
        let puller = bench.puller(engine, MemoryHeads(["b:1": .success(digest(1))]))
        _ = try await bench.run(puller, try await puller.resolve(try bench.requests(["b:1"])))
        #expect(await engine.pulls == [b])
    }

    @Test("the engine gets the registry's credentials, and none where they can't be read")
    func credentials() async throws {
        struct Broken: CredentialSource {
            func credentials(for registry: String) async throws(CredentialError) -> Credentials? {
                if registry == "broken.test" { throw .malformedAuth(registry: registry) }
                return .identityToken(registry)
            }
        }
        let (a, b) = (try ref("r.test/a:1"), try ref("broken.test/b:1"))
        let engine = MemoryEngine(pulls: [a: [.succeeds(image("id"))], b: [.succeeds(image("id"))]])
        let puller = bench.puller(engine, credentials: Broken(), PullOptions(maxConcurrent: 1))
        _ = try await bench.run(
            puller,
            try await puller.resolve(try bench.requests(["r.test/a:1", "broken.test/b:1"]))
        )
        #expect(await engine.credentials == [.identityToken("r.test"), nil])
    }

    @Test("an image that vanished is pulled again, also where its policy was 'always'")
    func pullAgain() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.succeeds(image("new"))]])
        #expect(try await bench.puller(engine).pullAgain(a, policy: .always) == "new")
        #expect(try await bench.puller(engine).pullAgain(a) == "new")
        #expect(await engine.pulls.count == 1)
        await #expect(throws: PullFailures.self) { try await bench.puller(MemoryEngine()).pullAgain(a, policy: .never) }
    }

    @Test("cancelling the task cancels the pulls, and is told as that")
    func cancellation() async throws {
        let a = try ref("a:1")
        let (began, never) = (Gate(), Gate())
        let engine = MemoryEngine(pulls: [a: [.waits(began: began, until: never, then: .lies)]])
        let puller = bench.puller(engine)
        let plan = try await puller.resolve(try bench.requests(["a:1"]))
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await puller.run(plan) }
            await #expect(throws: Never.self) { try await began.wait() }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        #expect(await engine.cancelled == [a])
    }
}
