import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import DockerEngine

@Suite("Engines that fail", .timeLimit(.minutes(1)))
struct EngineFailureTests {
    private typealias Pattern = FakeEngine.CallPattern

    private func withContainer(
        _ program: FakeEngine.Program,
        deadlines: EngineDeadlines = EngineDeadlines(),
        body: @Sendable (FakeEngine, EngineClient, String) async throws -> Void
    ) async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("base"), as: "base:1")
            fake.run { _ in program }
            let id = try await EngineClient.with(fake.endpoint) { client in
                try await client.createContainer(name: "step", ContainerSpecification(image: "base:1")).id
            }
            try await EngineClient.with(fake.endpoint) { client in
                // Only the calls of the test itself are short of time: connecting may take as long as it needs.
                let hurried = EngineClient(
                    endpoint: client.endpoint,
                    version: client.version,
                    about: client.about,
                    deadlines: deadlines,
                    transport: client.transport
                )
                try await body(fake, hurried, id)
            }
        }
    }

    @Test("a call that is never answered ends with its deadline, and the engine sees the client go")
    func neverAnswers() async throws {
        try await withContainer(FakeEngine.Program(), deadlines: shortDeadlines) { fake, client, id in
            fake.fail(.any, .noAnswer, times: .max)
            let calls: [(String, () async throws -> Void)] = [
                ("list", { _ = try await client.containers() }),
                ("start", { try await client.startContainer(id) }),
                ("remove", { try await client.removeContainer(id) }),
                ("logs", { try await client.containerLogs(id, follow: true) { _ in } }),
                ("stats", { try await client.containerStatistics(id) { _ in } }),
                ("events", { try await client.events { _ in } }),
                ("attach", { try await client.attach(id, [.stdin, .stdout]) { _ in } }),
                ("wait", { _ = try await client.waitForContainer(id, deadline: .seconds(1)) }),
                ("kill", { try await client.killContainer(id) }),
            ]
            for (name, call) in calls {
                let count = fake.calls.count
                do {
                    try await call()
                    Issue.record("\(name) returned")
                } catch {
                    #expect((error as? EngineError)?.isTimeout == true, "\(name): \(error)")
                }
                // On a busy machine the time may be over before the request has left.
                try await fake.waitForCalls { calls in
                    calls.dropFirst(count).allSatisfy { $0.ending == .abandoned } ? true : nil
                }
            }
        }
    }

    @Test("an engine that accepts connections and says nothing is timed out already at the first call")
    func silentEngine() async throws {
        try await FakeEngine.with { fake in
            fake.fail(.any, .noAnswer, times: .max)
            let error = await #expect(throws: EngineError.self) {
                try await EngineClient.with(fake.endpoint, deadlines: shortDeadlines) { _ in }
            }
            #expect(error?.isTimeout == true)
            #expect(error?.description.contains("ping the engine") == true)
        }
    }

    @Test("a stream that has begun lives on beyond the deadline of its begin")
    func streamsOutliveDeadlines() async throws {
        let door = Latch()
        let program = FakeEngine.Program(.line("first"), .wait(door), .line("second"))
        var deadlines = EngineDeadlines()
        deadlines.call = .seconds(4)
        try await withContainer(program, deadlines: deadlines) { fake, client, id in
            try await client.startContainer(id)
            var text = ""
            fake.fail(Pattern(.GET, "/images/json"), .noAnswer)
            try await client.containerLogs(id, follow: true) { frames in
                text += frames.map { String(buffer: $0.bytes) }.joined()
                if text == "first\n" {
                    // What needs as long as the deadline, and tells that it has passed.
                    await #expect(throws: EngineError.self) { try await client.images() }
                    door.open()
                }
            }
            #expect(text == "first\nsecond\n")
        }
    }

    @Test("cancelling the task closes the request, and is no error of the engine's")
    func cancellation() async throws {
        try await withContainer(FakeEngine.Program(.line("x"), .waitForSignal)) { fake, client, id in
            try await client.startContainer(id)
            try await cancel(.init(.POST, "/containers/*/wait"), of: fake) {
                _ = try await client.waitForContainer(id, deadline: .seconds(60))
            }
            try await cancel(.init(.GET, "/containers/*/logs"), of: fake) {
                try await client.containerLogs(id, follow: true) { _ in }
            }
            try await cancel(.init(.GET, "/containers/*/stats"), of: fake) {
                try await client.containerStatistics(id) { _ in }
            }
            try await cancel(.init(.GET, "/events"), of: fake) { try await client.events { _ in } }
            try await cancel(.init(.POST, "/containers/*/attach"), of: fake) {
                try await client.attach(id, [.stdout]) { try await $0.readOutput { _ in } }
            }
        }
    }

    private func cancel(
        _ pattern: Pattern,
        of fake: FakeEngine,
        _ call: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(operation: call)
            try await fake.waitForCalls { calls in calls.last { pattern.matches($0) && $0.status != nil } }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(try await fake.waitForEnd(of: pattern).ending == .abandoned, "\(pattern)")
    }

    @Test("a wait that is cut, or that ends with nothing, says nothing about the container", arguments: [0, 5])
    func truncatedWait(bytes: Int) async throws {
        try await withContainer(.printing(["x"], exit: 3)) { fake, client, id in
            try await client.startContainer(id)
            for fault in [FakeEngine.Fault.endBody(after: bytes), .cutBody(after: bytes), .dropConnection, .loseAnswer]
            {
                fake.fail(Pattern(.POST, "/containers/*/wait"), fault)
                let error = await #expect(throws: EngineError.self) {
                    try await client.waitForContainer(id, deadline: .seconds(30))
                }
                #expect(error?.isConnectionLoss == true, "\(fault): \(String(describing: error))")
                #expect(error?.isEngineUnavailable == true)
            }
            #expect(try await client.waitForContainer(id, deadline: .seconds(30)).statusCode == 3)
        }
    }

    @Test("output that stops in the middle is not taken for the whole", arguments: [0, 3, 8, 12, 20])
    func cutLogs(bytes: Int) async throws {
        try await withContainer(.printing(["0123456789"])) { fake, client, id in
            try await client.startContainer(id)
            _ = try await client.waitForContainer(id, deadline: .seconds(30))
            fake.fail(Pattern(.GET, "/containers/*/logs"), .cutBody(after: bytes))
            let error = await #expect(throws: EngineError.self) {
                try await client.containerLogs(id, follow: true) { _ in }
            }
            #expect(error?.isConnectionLoss == true)
            // The body's regular end within a frame is a loss as well.
            guard bytes > 0, bytes < 19 else { return }
            fake.fail(Pattern(.GET, "/containers/*/logs"), .endBody(after: bytes))
            let second = await #expect(throws: EngineError.self) {
                try await client.containerLogs(id, follow: false) { _ in }
            }
            #expect(second?.isConnectionLoss == true)
        }
    }

    @Test("a list that is cut is an error, never a shorter list")
    func cutList() async throws {
        try await withContainer(FakeEngine.Program()) { fake, client, _ in
            for fault in [FakeEngine.Fault.cutBody(after: 10), .endBody(after: 10), .endBody(after: 1)] {
                fake.fail(Pattern(.GET, "/containers/json"), fault)
                await #expect(throws: EngineError.self) { try await client.containers() }
            }
            let containers = try await client.containers()
            #expect(containers.count == 1)
        }
    }

    @Test("an engine that goes while its events are followed is a loss, not the end of the events")
    func engineGoes() async throws {
        try await withContainer(FakeEngine.Program()) { fake, client, _ in
            let error = await #expect(throws: EngineError.self) {
                try await client.events(onOpen: { fake.setOffline(true) }, onEvent: { _ in })
            }
            #expect(error?.isConnectionLoss == true, "\(String(describing: error))")
            let next = await #expect(throws: EngineError.self) { try await client.images() }
            #expect(next?.isEngineUnavailable == true)
            fake.setOffline(false)
            let images = try await client.images()
            #expect(images.count == 1)
        }
    }

    @Test("the engine's message comes with the status")
    func status() async throws {
        try await withContainer(FakeEngine.Program()) { fake, client, id in
            fake.fail(Pattern(.POST, "/containers/*/start"), .status(500, message: "no space left on device"))
            let error = await #expect(throws: EngineError.self) { try await client.startContainer(id) }
            #expect(error?.statusCode == 500)
            #expect(error?.description.contains("no space left on device") == true)
            #expect(error?.isEngineUnavailable == false)
        }
    }

    @Test("a removal that somebody else has begun is waited for")
    func removalInProgress() async throws {
        try await withContainer(FakeEngine.Program()) { fake, client, id in
            fake.fail(Pattern(.DELETE, "/containers/*"), .status(409, message: "removal is already in progress"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.removeContainer(id) }
                try await fake.waitForCall(Pattern(.POST, "/containers/*/wait"))
                try await fake.removeContainer(id)
                try await group.waitForAll()
            }
            #expect(fake.containerNames.isEmpty)
        }
    }

    @Test("what the caller's own closure throws comes out as it is")
    func callersError() async throws {
        struct Own: Error {}
        try await withContainer(.printing(["x"])) { fake, client, id in
            try fake.offer(FakeEngine.Image("new"), as: "new:1")
            let new = try ImageReference(parsing: "new:1")
            try await client.startContainer(id)
            await #expect(throws: Own.self) {
                try await client.pull(new, deadline: .seconds(30)) { _ in throw Own() }
            }
            await #expect(throws: Own.self) {
                try await client.containerLogs(id, follow: false) { _ in throw Own() }
            }
            await #expect(throws: Own.self) {
                try await client.events(since: "1") { _ in throw Own() }
            }
        }
    }

    @Test("the pool of connections outlives a restart of the engine")
    func restart() async throws {
        try await TemporaryDirectory.with { folder in
            let path = folder.path("docker.sock")
            func serve<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
                defer { try? FileManager.default.removeItem(atPath: path) }
                return try await HTTPTestServer.with(on: .unixSocket(path), TinyEngine.handle) { _ in try await body() }
            }
            // Negotiated with the first engine, used with the second.
            let client = try await serve {
                let transport = try EngineTransport(endpoint: EngineEndpoint(address: .unix(path: path)))
                for _ in 0..<3 { _ = try await EngineClient.ping(transport, deadline: .seconds(30)) }
                return transport
            }
            let error = await #expect(throws: EngineError.self) {
                try await EngineClient.ping(client, deadline: .seconds(30))
            }
            #expect(error?.isEngineUnavailable == true)
            try await serve { _ = try await EngineClient.ping(client, deadline: .seconds(30)) }
            try await client.shutdown()
        }
    }
}
