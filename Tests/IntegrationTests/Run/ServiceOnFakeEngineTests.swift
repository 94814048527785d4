import DockerEngine
import NIOHTTP1
import RoostTesting
import Testing

/// What a real engine can't be made to do at will, or where this machine would see too much of it.
@Suite(
    "Services on an engine that fails at will",
    .serialized,
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct ServiceOnFakeEngineTests {
    private static let pipeline =
        "stages_order = ['s']\n"
        + service("s/db", "img:1", "serve", "ready = { port = 5432, timeout = '1h', interval = '10ms' }")
        + step("s/x", "img:1", "test") + step("s/cleanup", "img:1", "tidy")

    private func run(
        _ prepare: (FakeEngine) -> Void
    ) async throws -> (exitCode: Int?, reason: String?, events: [EventLine]) {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run {
                $0.arguments.last?.contains("serve") == true ? .init(.line("up"), .waitForSignal) : .printing(["hello"])
            }
            prepare(fake)
            return try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let (outcome, events) = try await sandbox.run(Self.pipeline)
                #expect(fake.containerNames.isEmpty)
                return (outcome.exitCode, events.last?.text("reason"), events)
            }
        }
    }

    @Test("where the engine's processes can't be seen, a port is looked for from inside the container")
    func inside() async throws {
        let looks = Shared(0)
        let run = try await run { fake in
            fake.execute { _, command in
                guard command.first == "grep", command[2].contains(":1538 ") else { return nil }
                looks.update { $0 += 1 }
                return .init(exitCode: looks.value < 3 ? 1 : 0)
            }
        }
        #expect(run.exitCode == 0)
        #expect(looks.value == 3)
        #expect(run.events.contains { $0.type == "service.ready" })
    }

    @Test("an image that gives no way to look is told at once, and what would give one")
    func impossible() async throws {
        let run = try await run { _ in }
        #expect(run.exitCode == 125)
        #expect(run.reason?.hasPrefix("service db of stage s can't be seen to accept connections") == true)
        #expect(run.reason?.contains("give `ready` a command") == true)
        let cleanup = run.events.first { $0.type == "step.finished" && $0.step == "s/cleanup" }
        #expect(cleanup?.text("status") == "succeeded")
    }

    @Test("a network, a container or a start that the engine refuses names the service, and no step runs")
    func refused() async throws {
        let network = try await run {
            $0.fail(.init(.POST, "/networks/create"), .status(500, message: "no more addresses"))
        }
        #expect(network.exitCode == 125)
        #expect(network.reason?.contains("the network of the services of stage s could not be made") == true)
        #expect(network.reason?.contains("no more addresses") == true)
        let container = try await run {
            $0.fail(.init(.POST, "/containers/create"), .status(500, message: "disk is full"))
        }
        #expect(container.exitCode == 125)
        #expect(container.reason?.hasPrefix("service db of stage s could not be created") == true)
        let start = try await run { $0.fail(.init(.POST, "/containers/*/start"), .status(500, message: "no runtime")) }
        #expect(start.exitCode == 125)
        #expect(start.reason?.hasPrefix("service db of stage s could not be started") == true)
        for run in [network, container, start] {
            #expect(run.events.filter { $0.type == "step.started" }.map(\.step) == ["s/cleanup"])
        }
    }
}
