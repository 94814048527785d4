import DockerEngine
import Foundation
import NIOHTTP1
import RoostCore
import RoostTesting
import Subprocess
import Testing

@Suite(
    "roost run --watch",
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(1))
)
struct RunWatchTests {
    private let pipeline = "stages_order = ['s']\n" + step("s/x", "img:1", "true")
    private static let starts = FakeEngine.CallPattern(.POST, "/containers/*/start")

    /// Watches a pipeline of one step on an engine whose containers print a line and end.
    private func watch(
        _ arguments: [String] = [],
        files: [String: String] = [:],
        inRepository: Bool = false,
        program: @escaping @Sendable (RoostSandbox, FakeEngine) -> FakeEngine.Program = { _, _ in .printing(["hello"])
        },
        _ body: @escaping @Sendable (RoostSandbox, FakeEngine, RoostProcess) async throws -> Void
    ) async throws -> (outcome: RoostProcess.Outcome, runs: Int) {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            return try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                fake.run { _ in program(sandbox, fake) }
                try sandbox.write(pipeline, to: "roost.toml")
                for (name, text) in files { try sandbox.write(text, to: name) }
                if inRepository {
                    let made = try await Subprocess.run(
                        .name("git"),
                        arguments: ["init", "-q", sandbox.project],
                        output: .discarded,
                        error: .discarded
                    )
                    #expect(made.terminationStatus.isSuccess)
                }
                let outcome = try await sandbox.roost(["run", "--watch"] + arguments) { process in
                    try await body(sandbox, fake, process)
                }
                return (outcome, fake.calls(Self.starts).count)
            }
        }
    }

    /// Waits until it has said so often that it waits.
    private func waiting(_ process: RoostProcess, times: Int = 1) async throws {
        let count = Shared(0)
        try await process.line { line in
            if line.contains("waiting for changes in ") { count.update { $0 += 1 } }
            return count.value == times
        }
    }

    @Test("a change runs it again and is named; Ctrl-C ends the waiting at once, with 130, and leaves nothing")
    func changes() async throws {
        let watched = try await watch(files: ["src/main.c": "1"]) { sandbox, fake, process in
            try await waiting(process)
            try sandbox.write("2", to: "src/main.c")
            try await process.line { $0.contains("changed: src/main.c; running again") }
            _ = try await fake.waitForCall(Self.starts, count: 2)
            try await waiting(process, times: 2)
            // In a folder that came later.
            try sandbox.write("3", to: "later/deep/file")
            try await process.line { $0.contains("changed: later") }
            try await waiting(process, times: 3)
            try sandbox.write("4", to: "later/deep/file")
            try await process.line { $0.contains("changed: later/deep/file") }
            try await waiting(process, times: 4)
            try process.send(.interrupt)
        }
        #expect(watched.outcome.exitCode == 130)
        #expect(watched.runs == 4)
        #expect(watched.outcome.standardError.contains("Ctrl-C ends"))
    }

    @Test("what a run makes, and what Roost writes, does not run it again; a file that it rewrites does so once")
    func ownOutput() async throws {
        let arguments = ["--report", "report.json", "--junit", "out.xml", "--format", "json"]
        let watched = try await watch(arguments, files: ["counter": "0"]) { sandbox, fake in
            // While the container is made, which is during the run.
            let runs = fake.calls(Self.starts).count
            _ = try? sandbox.write("\(runs)", to: "target/debug/app")
            _ = try? sandbox.write("\(runs)", to: "target/app-\(runs)")
            _ = try? sandbox.write("\(runs)", to: "counter")
            return .printing(["hello"])
        } _: { sandbox, fake, process in
            // The first run rewrites the counter, which could be anybody's change. The second shows whose it is.
            try await process.line { $0.contains("changed: counter; running again") }
            try await process.line { $0.contains("counts only between them: counter") }
            try await waiting(process)
            try sandbox.write("by hand", to: "src.c")
            try await process.line { $0.contains("changed: src.c; running again") }
            try await waiting(process, times: 2)
            try process.send(.interrupt)
        }
        #expect(watched.runs == 3)
        let events = try EventLine.parse(watched.outcome.standardOutput)
        #expect(events.count { $0.type == "run.started" } == 3)
        #expect(events.count { $0.type == "run.finished" } == 3)
        #expect(events.last?.type == "run.finished")
    }

    @Test(
        "on a real engine, what containers make and what Roost does to its owner afterwards does not run it again",
        .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)")
    )
    func realEngine() async throws {
        let image = try await Published.busybox("watch")
        let command = "mkdir -p out/deep; date >> out/deep/log; : > out/$(cat n); echo made $(cat n)"
        try await RoostSandbox.with { sandbox in
            try sandbox.write("stages_order = ['s']\n" + step("s/x", image, command), to: "roost.toml")
            try sandbox.write("1", to: "n")
            let outcome = try await sandbox.roost(["run", "--watch"]) { process in
                for number in 2...4 {
                    try await waiting(process, times: number - 1)
                    try sandbox.write("\(number)", to: "n")
                    try await process.line { $0.hasSuffix("made \(number)") }
                }
                try await waiting(process, times: 4)
                try process.send(.interrupt)
            }
            #expect(outcome.exitCode == 130)
            let changed = outcome.standardError.split(separator: "\n").filter { $0.contains("changed: ") }
            #expect(changed.count == 3)
            #expect(changed.allSatisfy { $0.hasSuffix("changed: n; running again") }, "\(changed)")
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("a change during a run waits until it has ended, and is not lost")
    func duringRun() async throws {
        let mayEnd = Latch()
        let watched = try await watch(files: ["src.c": "1"]) { _, _ in
            .init(.line("up"), .wait(mayEnd))
        } _: { sandbox, fake, process in
            try await process.line { $0.contains("up") }
            try sandbox.write("2", to: "src.c")
            mayEnd.open()
            try await process.line { $0.contains("changed: src.c; running again") }
            try await waiting(process)
            try process.send(.interrupt)
        }
        #expect(watched.runs == 2)
    }

    @Test("Ctrl-C during a run stops it and ends the watching")
    func interruptedRun() async throws {
        let watched = try await watch { _, _ in
            .init(.line("up"), .waitForSignal)
        } _: { _, fake, process in
            try await process.line { $0.contains("up") }
            try process.send(.interrupt)
        }
        #expect(watched.outcome.exitCode == 130)
        #expect(watched.runs == 1)
        #expect(!watched.outcome.standardError.contains("waiting for changes"))
    }

    @Test("a broken file is told with its place and mended by the next change; so is a step that fails")
    func brokenFile() async throws {
        let watched = try await watch { _, fake in
            .printing(exit: fake.calls(Self.starts).count == 0 ? 7 : 0)
        } _: { sandbox, fake, process in
            try await waiting(process)
            try sandbox.write("stages_order = 5\n", to: "roost.toml")
            try await process.line { $0.hasPrefix("roost.toml:1:") && $0.contains("error: stages_order: ") }
            try await waiting(process, times: 2)
            try sandbox.write(pipeline, to: "roost.toml")
            try await process.line { $0.contains("succeeded") }
            try await waiting(process, times: 3)
            try process.send(.terminate)
        }
        #expect(watched.outcome.exitCode == 143)
        #expect(watched.runs == 2)
        #expect(watched.outcome.standardError.contains("failed"))
    }

    @Test("what git ignores does not count, also where it comes later")
    func gitIgnores() async throws {
        let watched = try await watch(files: [".gitignore": "*.log\nbuild/\n", "a.log": "1"], inRepository: true) {
            sandbox,
            _,
            process in
            try await waiting(process)
            try sandbox.write("2", to: "a.log")
            try sandbox.write("2", to: "new.log")
            try sandbox.write("2", to: "build/x")
            try sandbox.write("2", to: "src.c")
            try await process.line { $0.contains("changed: src.c; running again") }
            try await waiting(process, times: 2)
            try process.send(.interrupt)
        }
        #expect(watched.runs == 2)
    }

    @Test(
        "what makes no sense, or no change of a file mends, is refused",
        arguments: [
            "--dry-run", "--rerun-failed", "--max-parallel=0", "--report=none/report.json", "--host=x://y",
            "--env-file=/dev/null",
        ]
    )
    func refused(flag: String) async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            try sandbox.write(pipeline, to: "roost.toml")
            let outcome = try await sandbox.roost(["run", "--watch", flag])
            #expect(outcome.exitCode == 2)
            #expect(!outcome.standardError.contains("waiting for changes"))
        }
    }
}
