import DockerEngine
import OCIDistribution
import RoostTesting
import Testing

@testable import ImagePull

@Suite("Pulls that fail")
struct ImagePullerFailureTests {
    private let bench = PullerBench()

    @Test("a cut pull is tried again after a growing delay, then succeeds")
    func retries() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [
            a: [.fails(bench.cut), .fails(bench.cut), .succeeds(image("id", [("a", digest(1))]))]
        ])
        let puller = bench.puller(engine, MemoryHeads(["a:1": .success(digest(1))]))
        let calls = try await bench.run(puller, try await puller.resolve(try bench.requests(["a:1"])))
        #expect(bench.clock.sleeps == [.seconds(1), .seconds(2)])
        #expect(await calls.outcomes.map(\.imageID) == ["id"])
        let retries = await bench.log.events.compactMap { event -> Int? in
            if case .retrying(_, let attempt, _, _) = event { attempt } else { nil }
        }
        #expect(retries == [1, 2])
    }

    @Test(
        "without a login that can't be read, a pull that fails at a registry only the engine reaches is not tried again"
    )
    func unreadableLogin() async throws {
        struct Hanging: CredentialSource {
            func credentials(for registry: String) async throws(CredentialError) -> Credentials? {
                throw .helperTimedOut(helper: "docker-credential-x", registry: registry, after: .seconds(8))
            }
        }
        let a = try ref("r.test/a:1")
        let engine = MemoryEngine(pulls: [a: Array(repeating: .fails(bench.cut), count: 9)])
        let puller = bench.puller(engine, MemoryHeads(), credentials: Hanging())
        let plan = try await puller.resolve(try bench.requests(["r.test/a:1"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(await engine.pulls == [a])
        #expect(bench.clock.sleeps.isEmpty)
        #expect(failure?.isDefinite == true)
        for part in ["unexpected EOF", "docker-credential-x", "r.test"] {
            #expect(failure?.message.contains(part) == true, "\(part)")
        }
    }

    @Test("a pull that keeps failing is given up after its attempts, with the engine's words")
    func givesUp() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: Array(repeating: .fails(bench.cut), count: 9)])
        let puller = bench.puller(engine, MemoryHeads(["a:1": .success(digest(1))]))
        let plan = try await puller.resolve(try bench.requests(["a:1"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(await engine.pulls.count == 4)
        #expect(bench.clock.sleeps == [.seconds(1), .seconds(2), .seconds(4)])
        #expect(failure?.message.contains("gave up after 4 attempts") == true)
        #expect(failure?.message.contains("unexpected EOF") == true)
        #expect(failure?.isDefinite == false)
    }

    @Test("Retry-After is waited for")
    func retryAfter() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.fails(bench.cut), .succeeds(image("id"))]])
        let heads = MemoryHeads([
            "a:1": [
                .success(digest(1)), .failure(.rateLimited(retryAfter: .seconds(17))),
            ]
        ])
        let puller = bench.puller(engine, heads)
        _ = try await bench.run(puller, try await puller.resolve(try bench.requests(["a:1"])))
        #expect(bench.clock.sleeps == [.seconds(17) * 1.25])
    }

    @Test("a definite answer after a failed pull ends it at once and cancels the other pulls")
    func definite() async throws {
        let (a, b) = (try ref("a:1"), try ref("b:1"))
        let began = Gate()
        let never = Gate()
        let engine = MemoryEngine(pulls: [
            a: [.waits(began: Gate(), until: began, then: .fails(bench.cut))],
            b: [.waits(began: began, until: never, then: .lies)],
        ])
        let heads = MemoryHeads(["a:1": [.success(digest(1)), .failure(.forbidden)], "b:1": [.success(digest(2))]])
        let puller = bench.puller(engine, heads)
        let plan = try await puller.resolve(try bench.requests(["a:1", "b:1"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.kind == .forbidden)
        #expect(failure?.image == a)
        #expect(await engine.cancelled == [b])
        #expect(bench.clock.sleeps.isEmpty)
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
        let puller = bench.puller(engine, MemoryHeads())
        let plan = try await puller.resolve(try bench.requests([name]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.isDefinite == !isMirrored)
        #expect(await engine.pulls.count == (isMirrored ? 4 : 1))
    }

    @Test("an engine that is gone ends everything at once, and is told as that")
    func engineGone() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.fails(EngineError.connectionLost(operation: "pull", cause: nil))]])
        let puller = bench.puller(engine, MemoryHeads(["a:1": .success(digest(1))]))
        let plan = try await puller.resolve(try bench.requests(["a:1"]))
        let error = await #expect(throws: EngineError.self) { try await puller.run(plan) }
        #expect(error?.isEngineUnavailable == true)
        #expect(await engine.pulls.count == 1)
    }

    @Test("a pull that ends well without bringing the image is no success")
    func lies() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [a: [.lies, .succeeds(image("id"))]])
        let puller = bench.puller(engine)
        let calls = try await bench.run(puller, try await puller.resolve(try bench.requests(["a:1"])))
        #expect(await engine.pulls.count == 2)
        #expect(await calls.outcomes.map(\.imageID) == ["id"])
    }

    @Test("another digest than the one asked for is never used")
    func wrongDigest() async throws {
        let a = try ref("a@\(digest(1))")
        let engine = MemoryEngine(pulls: [
            a: Array(repeating: .succeeds(image("id", [("a", digest(2))])), count: 4)
        ])
        let puller = bench.puller(engine)
        let plan = try await puller.resolve(try bench.requests(["a@\(digest(1))"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.message.contains("another digest") == true)
    }

    @Test("an image for another platform than the one asked for is refused after its pull")
    func wrongPlatform() async throws {
        let engine = MemoryEngine(pulls: [try ref("a:1"): [.succeeds(image("id", platform: amd64))]])
        let puller = bench.puller(engine, nil, PullOptions(platform: arm64))
        let plan = try await puller.resolve(try bench.requests(["a:1"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.isDefinite == true)
        #expect(failure?.message.contains("linux/amd64, not for linux/arm64") == true)
    }

    @Test("the engine's words are shown on one line, without the signatures of redirects")
    func engineText() {
        let text = "Get \"https://cdn.test/blob?X-Amz-Signature=secret\": dial\ntcp; see http://x.test/a and http://y?z"
        #expect(
            EngineText.oneLine(text)
                == "Get \"https://cdn.test/blob?…\": dial\\ntcp; see http://x.test/a and http://y?…"
        )
    }

    @Test("a pull that does not end in time is no lost engine, and is not tried again")
    func overdue() async throws {
        let a = try ref("a:1")
        let engine = MemoryEngine(pulls: [
            a: [.fails(EngineError.timedOut(operation: "pull", limit: .seconds(1800)))]
        ])
        let puller = bench.puller(engine, MemoryHeads(["a:1": .success(digest(1))]))
        let plan = try await puller.resolve(try bench.requests(["a:1"]))
        let failure = await #expect(throws: PullFailure.self) { try await puller.run(plan) }
        #expect(failure?.kind == .unavailable)
        #expect(failure?.message.contains("30m00s") == true)
        #expect(await engine.pulls.count == 1)
    }
}
