import DockerEngine
import Foundation
import NIOHTTP1
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

/// The engine's word of an out-of-memory kill, where its stream of events is cut.
@Suite(
    "A stream of events that is cut",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunEventStreamTests {
    private static let events = FakeEngine.CallPattern(.GET, "/events")
    private let pipeline = "stages_order = ['s']\n" + step("s/hog", "img:1", "true", "memory = '16mb'")

    /// Runs a step that is killed for want of memory when the latch is open, which only an event tells.
    private func run(
        _ prepare: (FakeEngine) -> Void,
        _ body: @escaping @Sendable (FakeEngine, Latch) async throws -> Void
    ) async throws -> (outcome: RoostProcess.Outcome, status: String?, streams: [FakeEngine.Call]) {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            let mayEnd = Latch()
            fake.run { _ in .init(.line("up"), .wait(mayEnd), .exitOutOfMemoryUntold) }
            prepare(fake)
            return try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    try await process.line(on: .output) { $0.contains("\"up\"") }
                    try await body(fake, mayEnd)
                }
                let status = events.first { $0.type == "step.finished" }?.text("status")
                return (outcome, status, fake.calls(Self.events))
            }
        }
    }

    @Test("a kill whose event is cut off is told when the stream has been taken up again")
    func cutInTheEvent() async throws {
        let run = try await run { fake in
            fake.fail(Self.events, .cutBody(after: 5))
        } _: { _, mayEnd in
            mayEnd.open()
        }
        #expect(run.status == "oom_killed")
        #expect(run.outcome.exitCode == 137)
        #expect(run.streams.count == 2)
        let since = try #require(run.streams.first?.queryValue("since").flatMap { Double($0) })
        #expect(abs(since - Date().timeIntervalSince1970) < 3600, "the engine's time, in seconds")
    }

    @Test("a kill while there is no stream is told, also where the step's end is known long before")
    func killInTheGap() async throws {
        let mayResume = Latch()
        let run = try await run { fake in
            fake.fail(Self.events, .dropConnection)
            fake.fail(Self.events, .hold(mayResume), nth: 2)
        } _: { fake, mayEnd in
            _ = try await fake.waitForCall(Self.events, count: 2)
            mayEnd.open()
            try await fake.waitForEnd(of: .init(.POST, "/containers/*/wait"))
            mayResume.open()
        }
        #expect(run.status == "oom_killed")
        #expect(run.streams.count == 2)
    }

    @Test("a stream that is cut each time neither holds the run up nor is asked for without pause")
    func cutForEver() async throws {
        let run = try await run { fake in
            fake.fail(Self.events, .dropConnection, times: .max)
        } _: { _, mayEnd in
            mayEnd.open()
        }
        #expect(run.status == "failed")
        #expect(run.outcome.exitCode == 1)
        // Within the few seconds that the step waits for the stream; without a pause there would be thousands.
        #expect((2..<30).contains(run.streams.count), "\(run.streams.count)")
    }

    @Test("an engine that refuses to tell its events is asked once")
    func refused() async throws {
        let run = try await run { fake in
            fake.fail(Self.events, .status(400, message: "invalid filter"), times: .max)
        } _: { _, mayEnd in
            mayEnd.open()
        }
        #expect(run.status == "failed")
        #expect(run.streams.count == 1)
    }

    @Test("a real engine replays the kill that its cut stream did not tell")
    func realEngine() async throws {
        let socket = try #require(TestEnvironment.engine).replacing("unix://", with: "")
        let upstream = "http+unix://" + socket.replacing("/", with: "%2F")
        let image = try await Published.busybox("events")
        try await RoostSandbox.with { sandbox in
            #expect(try await sandbox.roost(["pull", image]).exitCode == 0)
            try await FaultProxy.with(upstream: upstream) { proxy in
                proxy.inject(.cut(afterBodyBytes: 5), path: .suffix("/events"), occurrence: .first(1))
                let watched = try EngineEndpoint(parsing: "tcp://\(proxy.hostAndPort)")
                try await EngineClient.with(watched) { throughProxy in
                    try await sandbox.withEngine { engine in
                        let run = UniqueName.make("run")
                        let time = try await engine.info().systemTime.flatMap(EngineTime.parse)
                        let watch = OutOfMemoryWatch(runID: run, since: time)
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            group.addTask { await watch.follow(throughProxy) }
                            defer { group.cancelAll() }
                            _ = try await proxy.waitFor { $0.path.hasSuffix("/events") && $0.status != nil }
                            var hog = ContainerSpecification(image: image)
                            hog.labels = [LabelKey.run: run]
                            hog.host.memory = 16 << 20
                            hog.command = ["sh", "-c", "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo $x"]
                            let container = try await engine.createContainer(name: run, hog).id
                            try await engine.startContainer(container)
                            let told = await watch.sawKill(in: container, within: .seconds(120))
                            #expect(told)
                            try await engine.removeContainer(container)
                        }
                    }
                }
                #expect(proxy.log.entries.count { $0.path.hasSuffix("/events") } == 2)
            }
        }
    }
}
