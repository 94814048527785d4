import DockerEngine
import OCIDistribution
import RoostTesting
import Testing

@testable import ImagePull

@Suite("Pulling images")
struct ImagePullerTests {
    private let clock = InstantClock()
    private let log = EventLog()
    private let cut = EngineError.inStream(operation: "pull", message: "unexpected EOF")

    private func puller(
        _ engine: MemoryEngine,
        _ heads: MemoryHeads? = nil,
        credentials: any CredentialSource = NoCredentials(),
        _ options: PullOptions = PullOptions()
    ) -> ImagePuller {
        let log = log
        return ImagePuller(
            engine: engine,
            registry: heads,
            credentials: credentials,
            options: options,
            clock: clock,
            jitter: { 1 },
            onEvent: { await log.append($0) }
        )
    }

    private func requests(_ names: [String], policy: PullPolicy = .missing) throws -> [PullRequest] {
        try names.enumerated().map { PullRequest(reference: try ref($1), policy: policy, group: $0) }
    }

    /// What a run called back with.
    private actor Calls {
        var groups: [Int: [ImageReference: String]] = [:]
        var outcomes: [PullOutcome] = []
        func ready(_ group: Int, _ images: [ImageReference: String]) { groups[group] = images }
        func finished(_ outcome: PullOutcome) { outcomes.append(outcome) }
    }

    private func run(_ puller: ImagePuller, _ plan: PullPlan) async throws -> Calls {
        let calls = Calls()
        try await puller.run(plan, onGroupReady: { await calls.ready($0, $1) }, onImage: { await calls.finished($0) })
        return calls
    }

    @Test("missing images are resolved and pulled, and each group is told its image IDs")
    func pulls() async throws {
        let (a, b) = (try ref("a:1"), try ref("b:1"))
        let engine = MemoryEngine(pulls: [
            a: [.succeeds(image("id-a", [("a", digest(1))]))], b: [.succeeds(image("id-b", [("b", digest(2))]))],
        ])
        let heads = MemoryHeads(["a:1": .success(digest(1)), "b:1": .success(digest(2))])
        let puller = puller(engine, heads)
        let plan = try await puller.resolve(try requests(["a:1", "b:1", "docker.io/library/a:1"]))
        let calls = try await run(puller, plan)
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
        let puller = puller(engine, heads)
        let calls = try await run(puller, try await puller.resolve(try requests(["a:1"])))
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
            try await puller(engine, heads, PullOptions(isOffline: true)).resolve(try requests(["a:1", "b:1"]))
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
            try await puller(engine, heads).resolve(try requests(["a:1", "b:1", "c:1"]))
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
        let puller = puller(engine, nil, PullOptions(maxConcurrent: 3))
        _ = try await run(puller, try await puller.resolve(try requests(names)))
        #expect(await engine.mostAtOnce == 3)
    }

    @Test("a cut pull is tried again after a growing delay, then succeeds")
    func retries() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.fails(cut), .fails(cut), .succeeds(image("id", [("a", digest(1))]))]])
        let puller = puller(engine, MemoryHeads(["a:1": .success(digest(1))]))
        let calls = try await run(puller, try await puller.resolve(try requests(["a:1"])))
        #expect(clock.sleeps == [.seconds(1), .seconds(2)])
        #expect(await calls.outcomes.map(\.imageID) == ["id"])
        let retries = await log.events.compactMap { event -> Int? in
            if case .retrying(_, let attempt, _, _) = event { attempt } else { nil }
        }
        #expect(retries == [1, 2])
    }

    @Test("a pull that keeps failing is given up after its attempts, with the engine's words")
    func givesUp() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: Array(repeating: .fails(cut), count: 9)])
        let puller = puller(engine, MemoryHeads(["a:1": .success(digest(1))]))
        let plan = try await puller.resolve(try requests(["a:1"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(await engine.pulls.count == 4)
        #expect(clock.sleeps == [.seconds(1), .seconds(2), .seconds(4)])
        #expect(failure?.message.contains("gave up after 4 attempts") == true)
        #expect(failure?.message.contains("unexpected EOF") == true)
        #expect(failure?.isDefinite == false)
    }

    @Test("Retry-After is waited for")
    func retryAfter() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.fails(cut), .succeeds(image("id"))]])
        let heads = MemoryHeads([
            "a:1": [
                .success(digest(1)), .failure(.rateLimited(retryAfter: .seconds(17))),
            ]
        ])
        let puller = puller(engine, heads)
        _ = try await run(puller, try await puller.resolve(try requests(["a:1"])))
        #expect(clock.sleeps == [.seconds(17) * 1.25])
    }

    @Test("a definite answer after a failed pull ends it at once and cancels the other pulls")
    func definite() async throws {
        let (a, b) = (try ref("a:1"), try ref("b:1"))
        let began = Gate()
        let never = Gate()
        let engine = MemoryEngine(pulls: [
            a: [.waits(began: Gate(), until: began, then: .fails(cut))],
            b: [.waits(began: began, until: never, then: .lies)],
        ])
        let heads = MemoryHeads(["a:1": [.success(digest(1)), .failure(.forbidden)], "b:1": [.success(digest(2))]])
        let puller = puller(engine, heads)
        let plan = try await puller.resolve(try requests(["a:1", "b:1"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.kind == .forbidden)
        #expect(failure?.image == a)
        #expect(await engine.cancelled == [b])
        #expect(clock.sleeps.isEmpty)
    }

    @Test(
        "an engine's 404 is definite where no mirror could have given it and Roost can't ask",
        arguments: [true, false]
    )
    func engineRefuses(isMirrored: Bool) async throws {
        let name = isMirrored ? "a:1" : "r.test/a:1"
        let gone = EngineError.status(operation: "pull", code: 404, message: "manifest unknown")
        let engine = MemoryEngine(
            pulls: [try ref(name): Array(repeating: .fails(gone), count: 9)],
            mirrors: try registryConfiguration(#"{"Mirrors": ["http://mirror.test/"]}"#)
        )
        let puller = puller(engine, MemoryHeads())
        let plan = try await puller.resolve(try requests([name]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.isDefinite == !isMirrored)
        #expect(await engine.pulls.count == (isMirrored ? 4 : 1))
    }

    @Test("an engine that is gone ends everything at once, and is told as that")
    func engineGone() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.fails(EngineError.connectionLost(operation: "pull", cause: nil))]])
        let puller = puller(engine, MemoryHeads(["a:1": .success(digest(1))]))
        let plan = try await puller.resolve(try requests(["a:1"]))
        let error = await #expect(throws: EngineError.self) { try await puller.run(plan) }
        #expect(error?.isEngineUnavailable == true)
        #expect(await engine.pulls.count == 1)
    }

    @Test("a pull that ends well without bringing the image is no success")
    func lies() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.lies, .succeeds(image("id"))]])
        let puller = puller(engine)
        let calls = try await run(puller, try await puller.resolve(try requests(["a:1"])))
        #expect(await engine.pulls.count == 2)
        #expect(await calls.outcomes.map(\.imageID) == ["id"])
    }

    @Test("another digest than the one asked for is never used")
    func wrongDigest() async throws {
        let a = try ref("a@\(digest(1))")
        let engine = MemoryEngine(pulls: [
            a: Array(repeating: .succeeds(image("id", [("a", digest(2))])), count: 4)
        ])
        let puller = puller(engine)
        let plan = try await puller.resolve(try requests(["a@\(digest(1))"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.message.contains("another digest") == true)
    }

    @Test("an image for another platform than the one asked for is refused after its pull")
    func wrongPlatform() async throws {
        let engine = MemoryEngine(pulls: [try ref("a:1"): [.succeeds(image("id", platform: amd64))]])
        let puller = puller(engine, nil, PullOptions(platform: arm64))
        let plan = try await puller.resolve(try requests(["a:1"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.isDefinite == true)
        #expect(failure?.message.contains("linux/amd64, not for linux/arm64") == true)
    }

    @Test("two names of one digest are one pull and one tag")
    func tags() async throws {
        let (a, b) = (try ref("a:1"), try ref("b:1"))
        let engine = MemoryEngine(pulls: [a: [.succeeds(image("id", [("a", digest(1))]))]])
        let puller = puller(engine, MemoryHeads(["a:1": .success(digest(1)), "b:1": .success(digest(1))]))
        let calls = try await run(puller, try await puller.resolve(try requests(["a:1", "b:1"])))
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
        let puller = puller(engine, MemoryHeads(["b:1": .success(digest(1))]))
        _ = try await run(puller, try await puller.resolve(try requests(["a:1", "b:1"])))
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
        let puller = puller(engine, MemoryHeads(["b:1": .success(digest(1))]))
        _ = try await run(puller, try await puller.resolve(try requests(["b:1"])))
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
        let puller = puller(engine, credentials: Broken(), PullOptions(maxConcurrent: 1))
        _ = try await run(puller, try await puller.resolve(try requests(["r.test/a:1", "broken.test/b:1"])))
        #expect(await engine.credentials == [.identityToken("r.test"), nil])
    }

    @Test("an image that vanished is pulled again, also where its policy was 'always'")
    func pullAgain() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.succeeds(image("new"))]])
        #expect(try await puller(engine).pullAgain(a, policy: .always) == "new")
        #expect(try await puller(engine).pullAgain(a) == "new")
        #expect(await engine.pulls.count == 1)
        await #expect(throws: PullFailures.self) { try await puller(MemoryEngine()).pullAgain(a, policy: .never) }
    }

    @Test("cancelling the task cancels the pulls, and is told as that")
    func cancellation() async throws {
        let a = try ref("a:1")
        let (began, never) = (Gate(), Gate())
        let engine = MemoryEngine(pulls: [a: [.waits(began: began, until: never, then: .lies)]])
        let puller = puller(engine)
        let plan = try await puller.resolve(try requests(["a:1"]))
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await puller.run(plan) }
            await #expect(throws: Never.self) { try await began.wait() }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        #expect(await engine.cancelled == [a])
    }

    @Test("the engine's words are shown on one line, without the signatures of redirects")
    func engineText() {
        let text = "Get \"https://cdn.test/blob?X-Amz-Signature=secret\": dial\ntcp; see http://x.test/a and http://y?z"
        #expect(
            EngineText.oneLine(text)
                == "Get \"https://cdn.test/blob?…\": dial\\ntcp; see http://x.test/a and http://y?…"
        )
    }
}
