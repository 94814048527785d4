import DockerEngine
import Foundation
import NIOHTTP1
import RoostTesting
import Subprocess
import Testing

/// What a real engine can't be made to do at will, or would take minutes for.
@Suite(
    "Runs on an engine that fails at will",
    .serialized,
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunOnFakeEngineTests {
    private func pipeline(_ steps: Int, _ extra: String = "") -> String {
        "stages_order = ['s']\n[pipeline]\n\(extra)\n" + (0..<steps).map { step("s/x\($0)", "img:1", "true") }.joined()
    }

    /// Runs a pipeline of one step and returns the run with what the step's end says.
    private func runOne(
        prepare: (FakeEngine) -> Void
    ) async throws -> (outcome: RoostProcess.Outcome, finished: EventLine?, names: [String]) {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { _ in .printing(["hello"]) }
            prepare(fake)
            return try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let (outcome, events) = try await sandbox.run(pipeline(1))
                let finished = events.first { $0.type == "step.finished" }
                return (outcome, finished, fake.containerNames)
            }
        }
    }

    @Test("a thousand steps take bounded memory and descriptors, and leave no container")
    func thousandSteps() async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { _ in .printing(["hello", "again"]) }
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let usage = Shared<(kibibytes: Int, descriptors: Int)>((0, 0))
                let (outcome, events) = try await sandbox.run(pipeline(1000, "max_parallel = 16")) { process in
                    try await process.line(on: .output) {
                        $0.contains("\"step.finished\"") && $0.contains("\"x990\"")
                    }
                    let folder = "/proc/\(process.processID)"
                    let status = try String(contentsOfFile: folder + "/status", encoding: .utf8)
                    let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
                    let descriptors = try FileManager.default.contentsOfDirectory(atPath: folder + "/fd").count
                    let kibibytes = peak.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }
                    usage.update { $0 = (kibibytes ?? .max, descriptors) }
                }
                #expect(outcome.exitCode == 0)
                #expect(events.count { $0.type == "step.finished" && $0.text("status") == "succeeded" } == 1000)
                // A debug build; what matters is that neither grows with the number of steps.
                #expect(usage.value.kibibytes < 300_000)
                #expect(usage.value.descriptors < 200)
                #expect(fake.containerNames.isEmpty)
            }
        }
    }

    @Test("a run whose images are there asks the engine for its facts once")
    func factsOnce() async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { _ in .printing(["hello"]) }
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let (outcome, _) = try await sandbox.run(pipeline(1))
                #expect(outcome.exitCode == 0)
                #expect(fake.calls(.init(.GET, "/info")).count == 1)
            }
        }
    }

    @Test("an answer to wait that is cut is followed by another look, and the true exit code counts")
    func cutWait() async throws {
        let run = try await runOne { fake in
            fake.run { _ in .printing(["hello"], exit: 3) }
            fake.fail(.init(.POST, "/containers/*/wait"), .endBody(after: 0))
        }
        #expect(run.outcome.exitCode == 1)
        #expect(run.finished?.number("exit_code") == 3)
        #expect(run.names.isEmpty)
    }

    @Test("a container name that is taken is replaced by another")
    func nameTaken() async throws {
        let run = try await runOne { fake in
            fake.fail(.init(.POST, "/containers/create"), .status(409, message: "Conflict."))
        }
        #expect(run.outcome.exitCode == 0)
        #expect(run.names.isEmpty)
    }

    @Test("an engine that refuses to create a container is no failure of the step")
    func createRefused() async throws {
        let run = try await runOne { fake in
            fake.fail(.init(.POST, "/containers/create"), .status(500, message: "no space left on device"))
        }
        #expect(run.outcome.exitCode == 125)
        #expect(run.finished?.text("status") == "infrastructure_error")
        #expect(run.finished?.text("reason")?.contains("no space left on device") == true)
    }

    @Test("a removal that fails at first is tried again")
    func removalFails() async throws {
        let run = try await runOne { fake in
            fake.fail(.init(.DELETE, "/containers/*"), .status(500, message: "device or resource busy"), times: 2)
        }
        #expect(run.outcome.exitCode == 0)
        #expect(run.names.isEmpty)
    }

    @Test("output whose stream is cut is read on from the log, without a line lost or doubled")
    func cutOutput() async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            let lines = (0..<500).map { "line \($0)" }
            fake.run { _ in .printing(lines) }
            fake.fail(.init(.POST, "/containers/*/attach"), .cutBody(after: 1000))
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let (outcome, events) = try await sandbox.run(pipeline(1))
                #expect(outcome.exitCode == 0)
                #expect(events.filter { $0.type == "step.log" }.compactMap { $0.text("text") } == lines)
            }
        }
    }

    @Test("an interruption while the engine does not answer ends the program at once, with the signal's code")
    func interruptedWhileConnecting() async throws {
        try await FakeEngine.with { fake in
            fake.fail(.init(.GET, "/_ping"), .noAnswer, times: 10)
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let (outcome, events) = try await sandbox.run(pipeline(1), ["--report", "report.json"]) { process in
                    _ = try await fake.waitForCall(.init(.GET, "/_ping"))
                    try process.send(.interrupt)
                }
                #expect(outcome.exitCode == 130)
                #expect(events.map(\.type) == ["run.finished"])
                #expect(events.last?.text("status") == "interrupted")
                #expect(events.last?.text("schema") == "roost.events/1")
                #expect(try String(contentsOfFile: sandbox.project + "/report.json", encoding: .utf8).contains("130"))
                #expect(outcome.standardError.contains("before the engine had answered"))
            }
        }
    }

    @Test("a pipe in the place of the pipeline's file or of the report is refused, not waited for")
    func pipes() async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            #expect(mkfifo(sandbox.project + "/pipe", 0o600) == 0)
            let file = try await sandbox.roost(["validate", "-f", "pipe"])
            #expect(file.exitCode == 2)
            try sandbox.write(pipeline(1), to: "roost.toml")
            let report = try await sandbox.roost(["run", "--report", "pipe"])
            #expect(report.exitCode == 2)
            #expect(report.standardError.contains("can't be written to pipe"))
        }
    }

    @Test("an engine that falls silent holds up neither a timeout nor an interruption", arguments: [true, false])
    func silentEngine(isInterrupted: Bool) async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { _ in FakeEngine.Program(.line("up"), .waitForSignal) }
            for call in ["wait", "stop", "kill"] {
                fake.fail(.init(.POST, "/containers/*/\(call)"), .noAnswer, times: .max)
            }
            if isInterrupted { fake.fail(.init(.DELETE, "/containers/*"), .noAnswer, times: .max) }
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let limits = isInterrupted ? "" : "timeout = '1s'\nstop_grace = '0s'"
                let (outcome, events) = try await sandbox.run(pipeline(1, limits)) { process in
                    guard isInterrupted else { return }
                    try await process.line(on: .output) { $0.contains("\"up\"") }
                    try process.send(.interrupt)
                    _ = try await fake.waitForCall(.init(.POST, "/containers/*/stop"))
                    try process.send(.interrupt)
                }
                #expect(outcome.exitCode == (isInterrupted ? 130 : 124))
                let end = events.last { $0.type == "step.finished" }
                #expect(end?.text("status") == (isInterrupted ? "cancelled" : "timed_out"))
                // Where all is to end now, an engine that was lost is asked for the removal, and hardly waited for.
                let left = events.compactMap { $0.text("message") }.filter { $0.contains("is left behind") }
                #expect(left.count == (isInterrupted ? 1 : 0))
                #expect(left.allSatisfy { $0.contains("within 1.0 s)") }, "\(left)")
            }
        }
    }

    @Test("a project folder that takes no logs ends the run with 125 before anything is made: no step has failed")
    func logsRefused() async throws {
        try await FakeEngine.with { fake in
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                try sandbox.write("in the way", to: ".roost")
                let (outcome, events) = try await sandbox.run(pipeline(1))
                #expect(outcome.exitCode == 125)
                #expect(outcome.standardError.contains(".roost is not a folder: Roost keeps logs there"))
                #expect(events.map(\.type) == ["run.finished"])
                #expect(events.last?.number("exit_code") == 125)
                #expect(!fake.calls.contains { $0.path.contains("/containers/create") })
            }
        }
    }

    @Test("each call to the engine that fails once ends the run without success, or does no harm; nothing hangs")
    func everyCallFailsOnce() async throws {
        let calls = [
            ("GET", "/info"), ("GET", "/images/*/json"), ("POST", "/containers/create"),
            ("POST", "/containers/*/attach"), ("POST", "/containers/*/start"), ("POST", "/containers/*/wait"),
            ("GET", "/containers/*/json"), ("DELETE", "/containers/*"),
        ]
        for (method, path) in calls {
            let run = try await runOne { fake in
                fake.fail(.init(.init(rawValue: method), path), .dropConnection)
            }
            // Where the engine fails before the run has begun there are no events, only the exit code.
            let succeeded = run.finished?.text("status") == "succeeded"
            #expect(run.outcome.exitCode == (succeeded ? 0 : 125), "\(method) \(path)")
            #expect(run.names.isEmpty, "\(method) \(path) left a container")
        }
    }
}
