import DockerEngine
import Foundation
import RoostTesting
import Testing

@Suite(
    "Running a part of a pipeline",
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunSelectionTests {
    private let pipeline =
        "stages_order = ['build', 'test', 'ship']\n" + step("build/compile", "img:1", "true")
        + step("build/lint", "img:1", "true", "needs = [\"compile\"]") + step("test/unit", "img:1", "true")
        + step("test/cleanup", "img:1", "true") + step("ship/push", "img:1", "true")

    /// Runs `body` with an engine on which the steps in `failing` fail.
    private func withEngine(
        _ body: (RoostSandbox, _ failing: Shared<Set<String>>, FakeEngine) async throws -> Void
    ) async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            let failing = Shared<Set<String>>([])
            fake.run { request in
                let fails = failing.value.contains(request.labels["dev.roost.step"] ?? "")
                return .printing(["hello"], exit: fails ? 3 : 0)
            }
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                try await body(sandbox, failing, fake)
            }
        }
    }

    private func started(_ events: [EventLine]) -> [String] {
        events.filter { $0.type == "step.started" }.compactMap(\.step)
    }

    @Test("only what is selected runs, and a name that is not there ends the program before the engine is asked")
    func steps() async throws {
        try await withEngine { sandbox, _, fake in
            let lint = try await sandbox.run(pipeline, ["--step", "lint"])
            #expect(lint.outcome.exitCode == 0)
            #expect(started(lint.events) == ["build/lint"])
            let late = try await sandbox.run(pipeline, ["--from", "test", "--max-parallel", "1"])
            #expect(started(late.events) == ["test/unit", "test/cleanup", "ship/push"])
            let calls = fake.calls.count
            let unknown = try await sandbox.run(pipeline, ["--step", "unti", "--stage", "ships"])
            #expect(unknown.outcome.exitCode == 2)
            #expect(unknown.outcome.standardError.contains("no step \"unti\"; did you mean \"unit\"?"))
            #expect(unknown.outcome.standardError.contains("no stage \"ships\"; did you mean \"ship\"?"))
            #expect(fake.calls.count == calls)
        }
    }

    @Test("what failed is run again with what comes after it, until all has succeeded")
    func rerun() async throws {
        try await withEngine { sandbox, failing, _ in
            let none = try await sandbox.run(pipeline, ["--rerun-failed"])
            #expect(none.outcome.exitCode == 2)
            #expect(none.outcome.standardError.contains("nothing to run again"))
            failing.update { $0 = ["unit"] }
            let first = try await sandbox.run(pipeline)
            #expect(first.outcome.exitCode == 1)
            let second = try await sandbox.run(pipeline, ["--rerun-failed"])
            #expect(second.outcome.exitCode == 1)
            #expect(started(second.events) == ["test/unit"])
            failing.update { $0 = [] }
            let third = try await sandbox.run(pipeline, ["--rerun-failed"])
            #expect(third.outcome.exitCode == 0)
            #expect(started(third.events) == ["test/unit", "ship/push"])
            let fourth = try await sandbox.run(pipeline, ["--rerun-failed"])
            #expect(fourth.outcome.exitCode == 2)
            #expect(fourth.outcome.standardError.contains("all steps of the run"))
            // Another file of the same project has no run of its own.
            try sandbox.write(pipeline, to: "other.toml")
            let other = try await sandbox.roost(["run", "-f", "other.toml", "--rerun-failed"])
            #expect(other.exitCode == 2)
            #expect(other.standardError.contains("no run of other.toml"))
        }
    }

    @Test("a dry run shows the plan of the same flags, asks nobody and makes nothing")
    func dryRun() async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            try sandbox.write(pipeline, to: "roost.toml")
            let flags = ["--stage", "test", "--step", "lint"]
            let dry = try await sandbox.roost(["run", "--dry-run", "--max-parallel", "4"] + flags)
            #expect(dry.exitCode == 0)
            #expect(dry.standardOutput.contains("Stage 1 of 2: build, 1 step\n"))
            #expect(dry.standardOutput.contains("Stage 2 of 2: test, 2 steps"))
            #expect(!dry.standardOutput.contains("push"))
            let plan = try await sandbox.roost(["plan"] + flags)
            #expect(plan.standardOutput == dry.standardOutput)
            let json = try await sandbox.roost(["run", "--dry-run", "--format", "json"] + flags)
            #expect(json.standardOutput.contains("\"roost.plan/1\""))
            #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.project) == ["roost.toml"])
        }
    }

    @Test("the caller's variables reach every step, and answer what the file leaves to the caller; no value is shown")
    func variables() async throws {
        try await withEngine { sandbox, _, fake in
            let seen = Shared<[String: [String]]>([:])
            fake.run { request in
                seen.update { $0[request.labels["dev.roost.step"] ?? ""] = request.environment }
                return nil
            }
            try sandbox.write("A=file\nB=file\n", to: "variables")
            let (outcome, _) = try await sandbox.run(
                "stages_order = ['s']\n" + step("s/x", "img:1", "true", "env = [\"TOKEN\", \"A=pipeline\"]")
                    + step("s/y", "img:1", "true"),
                ["--env-file", "variables", "--env", "B=flag", "--env", "TOKEN=s3cret"]
            )
            #expect(outcome.exitCode == 0)
            let x = try #require(seen.value["x"]), y = try #require(seen.value["y"])
            for variable in ["A=file", "B=flag", "TOKEN=s3cret"] {
                #expect(x.contains(variable) && y.contains(variable), "\(variable)")
            }
            #expect(!(outcome.standardOutput + outcome.standardError).contains("s3cret"))
            let missing = try await sandbox.roost(["run", "--env-file", "none"])
            #expect(missing.exitCode == 2)
            #expect(missing.standardError.contains("--env-file none"))
        }
    }

    @Test("another folder can be named to begin with, and every other path is seen from there")
    func folder() async throws {
        try await withEngine { sandbox, _, _ in
            try FileManager.default.createDirectory(
                atPath: sandbox.project + "/inner",
                withIntermediateDirectories: false
            )
            try sandbox.write(pipeline, to: "inner/roost.toml")
            let run = try await sandbox.roost(["run", "-C", "inner", "--report", "report.json"])
            #expect(run.exitCode == 0)
            #expect(FileManager.default.fileExists(atPath: sandbox.project + "/inner/report.json"))
            for verb in [["plan"], ["validate"], ["runs", "ls"], ["runs", "show"]] {
                let outcome = try await sandbox.roost(verb + ["-C", "inner"])
                #expect(outcome.exitCode == 0, "\(verb)")
            }
            let missing = try await sandbox.roost(["plan", "-C", "none"])
            #expect(missing.exitCode == 2)
            #expect(missing.standardError.contains("can't change to the folder none: No such file or directory"))
        }
    }
}
