import DockerEngine
import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Faults during a run",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunFaultTests {
    @Test(
        "a signal stops the containers, cleans up, and ends with the signal's code",
        arguments: [(Signal.interrupt, 130), (Signal.terminate, 143), (Signal.terminalClosed, 129)]
    )
    func signals(_ signal: Signal, _ code: Int) async throws {
        let image = try await Published.busybox("signal")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s', 't']\n"
                + step("s/x", image, "trap 'echo got TERM; exit 0' TERM; echo up; while true; do sleep 0.1; done")
                + step("t/y", image, "true")
            let (outcome, events) = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(signal)
            }
            #expect(outcome.exitCode == code)
            #expect(events.last?.type == "run.finished")
            #expect(events.last?.text("status") == "interrupted")
            #expect(events.contains { $0.text("text") == "got TERM" }, "what it printed while stopping is kept")
            let finished = events.filter { $0.type == "step.finished" }
            #expect(finished.first { $0.step == "s/x" }?.text("status") == "cancelled")
            #expect(finished.first { $0.step == "t/y" }?.text("status") == "skipped")
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("what a stopped step still prints comes whole, also behind lines too long for the engine's log")
    func longLinesBeforeTheStop() async throws {
        let image = try await Published.busybox("long")
        try await RoostSandbox.with { sandbox in
            let long = "head -c 20000 /dev/zero | tr '\\0' x; echo"
            let pipeline =
                "stages_order = ['s']\n"
                + step(
                    "s/x",
                    image,
                    "trap \"echo; echo got TERM; \(long); echo end; exit 0\" TERM\n"
                        + "\(long); \(long); \(long); echo up; while true; do sleep 0.1; done"
                )
            let (_, events) = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.interrupt)
            }
            let x = String(repeating: "x", count: 20_000)
            let expected = [x, x, x, "up", "", "got TERM", x, "end"]
            #expect(events.filter { $0.type == "step.log" }.compactMap { $0.text("text") } == expected)
            let path = try #require(events.first { $0.type == "step.finished" }?.text("log_path"))
            let raw = try String(contentsOfFile: sandbox.project + "/" + path, encoding: .utf8)
            #expect(raw == expected.map { $0 + "\n" }.joined())
        }
    }

    @Test("a second Ctrl-C kills at once, still cleaned up")
    func secondInterrupt() async throws {
        let image = try await Published.busybox("deaf")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n" + step("s/x", image, "trap '' TERM; echo up; while true; do sleep 1; done")
            let (outcome, events) = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.interrupt)
                try await process.line(on: .output) { $0.contains("\"notice\"") }
                try process.send(.interrupt)
            }
            #expect(outcome.exitCode == 130)
            #expect(try await sandbox.leftovers().isEmpty)
            // The grace alone is ten seconds: the second signal did not wait for it.
            let noticed = try #require(events.first { $0.type == "notice" }?.time)
            let finished = try #require(events.first { $0.type == "step.finished" })
            #expect(try #require(finished.time).timeIntervalSince(noticed) < 10)
            #expect(finished.text("status") == "cancelled")
        }
    }

    @Test("an interruption during a pull ends the pull and leaves nothing")
    func interruptDuringPull() async throws {
        let registry = try TestEnvironment.requireRegistry()
        let repository = UniqueName.make("slow").lowercased()
        try await TestImage.busybox(plusRandom: 2 << 20, seed: .random(in: 0...UInt64.max)).push(
            to: registry,
            repository: repository,
            tag: "1"
        )
        try await FaultProxy.with(upstream: "http://\(registry)") { proxy in
            proxy.inject(.hang, path: .blobs)
            try await RoostSandbox.with { sandbox in
                let (outcome, events) = try await sandbox.run(
                    "stages_order = ['s']\n" + step("s/x", "\(proxy.hostAndPort)/\(repository):1", "true")
                ) { process in
                    _ = try await proxy.waitFor { $0.path.contains("/blobs/") }
                    try process.send(.interrupt)
                }
                #expect(outcome.exitCode == 130)
                #expect(events.last?.text("status") == "interrupted")
            }
        }
    }

    @Test("an engine that is killed is lost: never the step's failure, and the next run works")
    func engineKilled() async throws {
        let image = try await Published.busybox("lost")
        try await PrivateEngine.with { engine in
            try await RoostSandbox.with(engine: engine.host) { sandbox in
                let pipeline = "stages_order = ['s']\n" + step("s/x", image, "echo up; sleep 600")
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    try await process.line(on: .output) { $0.contains("\"up\"") }
                    try await engine.kill()
                }
                #expect(outcome.exitCode == 125)
                let finished = try #require(events.first { $0.type == "step.finished" })
                #expect(finished.text("status") == "infrastructure_error")
                #expect(finished.text("reason")?.contains("engine lost") == true)
                #expect(finished.number("exit_code") == nil)
                #expect(events.contains { $0.type == "warning" && $0.text("message")?.contains("docker rm") == true })
                try await engine.restart()
                let next = try await sandbox.run("stages_order = ['s']\n" + step("s/x", image, "echo again"))
                #expect(next.outcome.exitCode == 0)
                for container in try await sandbox.leftovers() {
                    try await sandbox.withEngine { try await $0.removeContainer(container.id) }
                }
            }
        }
    }

    @Test("a container that somebody else removes is an infrastructure error")
    func containerRemoved() async throws {
        let image = try await Published.busybox("removed")
        try await RoostSandbox.with { sandbox in
            let pipeline = "stages_order = ['s']\n" + step("s/x", image, "echo up; sleep 600")
            let (outcome, events) = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                for container in try await sandbox.leftovers() {
                    try await sandbox.withEngine { try await $0.removeContainer(container.id) }
                }
            }
            #expect(outcome.exitCode == 125)
            let finished = try #require(events.first { $0.type == "step.finished" })
            #expect(finished.text("status") == "infrastructure_error")
            #expect(finished.text("reason")?.contains("removed") == true)
        }
    }

    @Test("two runs of one pipeline at once do not get into each other's way")
    func twoRuns() async throws {
        let image = try await Published.busybox("two")
        try await RoostSandbox.with { sandbox in
            try sandbox.write("stages_order = ['s']\n" + step("s/x", image, "sleep 0.5"), to: "roost.toml")
            try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<3 { group.addTask { try await sandbox.roost(["run"]).exitCode } }
                for try await code in group { #expect(code == 0) }
            }
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("no engine: one message that says what to do, exit 125")
    func noEngine() async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            try sandbox.write("stages_order = ['s']\n" + step("s/x", "alpine", "true"), to: "roost.toml")
            let outcome = try await sandbox.roost(["run"])
            #expect(outcome.exitCode == 125)
            #expect(outcome.standardError.contains("there is no socket at /nowhere/docker.sock"))
        }
    }
}
