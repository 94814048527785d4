import DockerEngine
import NIOHTTP1
import RoostTesting
import Subprocess
import Testing

/// An engine that answers no more, in the calls that no step's timeout ends.
@Suite(
    "Runs on an engine that hangs",
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(1))
)
struct RunHangTests {
    /// Interrupts a run twice whose containers' starts are never answered.
    private func interruptStart(
        _ prepare: (FakeEngine) -> Void
    ) async throws -> (outcome: RoostProcess.Outcome, events: [EventLine], names: [String]) {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.fail(.init(.POST, "/containers/*/start"), .noAnswer, times: .max)
            prepare(fake)
            return try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let pipeline = "stages_order = ['s']\n" + step("s/x", "img:1", "true")
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    _ = try await fake.waitForCall(.init(.POST, "/containers/*/start"))
                    try process.send(.interrupt)
                    try await process.line(on: .output) { $0.contains("\"notice\"") }
                    try process.send(.interrupt)
                }
                return (outcome, events, fake.containerNames)
            }
        }
    }

    @Test("a second Ctrl-C gives up a start that hangs, and removes the container")
    func start() async throws {
        let run = try await interruptStart { _ in }
        #expect(run.outcome.exitCode == 130)
        #expect(run.names.isEmpty)
        #expect(run.events.first { $0.type == "step.finished" }?.text("status") == "cancelled")
        #expect(run.events.last?.type == "run.finished")
    }

    @Test("where the removal hangs as well, the container is left to the next command, and named")
    func startAndRemoval() async throws {
        let run = try await interruptStart { $0.fail(.init(.DELETE, "/containers/*"), .noAnswer, times: .max) }
        #expect(run.outcome.exitCode == 130)
        #expect(run.names.count == 1)
        let warning = run.events.first { $0.type == "warning" && $0.text("message")?.contains("left behind") == true }
        #expect(warning?.text("message")?.contains("the next roost command does") == true)
    }

    @Test("a second Ctrl-C gives up the removal of a network's holder that hangs, and names it")
    func slotRemoval() async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { _ in .init(.waitForSignal) }
            fake.fail(.init(.DELETE, "/containers/*"), .noAnswer, times: .max)
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let pipeline =
                    "stages_order = ['s']\n[pipeline]\nmax_parallel = 1\npark = false\n"
                    + ["x", "y", "z"].map { step("s/\($0)", "img:1", "true") }.joined()
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    // The holder's, and that of the first step.
                    try await fake.waitForCall(.init(.POST, "/containers/*/start"), count: 2)
                    try process.send(.interrupt)
                    try await process.line(on: .output) { $0.contains("\"notice\"") }
                    try process.send(.interrupt)
                }
                #expect(outcome.exitCode == 130)
                #expect(fake.containerNames.count == 2)
                let warnings = events.filter { $0.type == "warning" }.compactMap { $0.text("message") }
                    .filter { $0.contains("left behind") }
                #expect(warnings.count == 2)
                #expect(warnings.allSatisfy { $0.contains("the next roost command does") }, "\(warnings)")
            }
        }
    }
}
