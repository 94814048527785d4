import DockerEngine
import Foundation
import RoostCore
import RoostTesting
import Subprocess
import Testing

@Suite(
    "What is kept of runs",
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunRecordsTests {
    private let pipeline =
        "stages_order = ['s', 't']\n[pipeline]\nname = 'demo'\n" + step("s/bad", "img:1", "bad")
        + step("s/good", "img:1", "good") + step("t/later", "img:1", "later")

    private func withEngine(_ body: (RoostSandbox, FakeEngine) async throws -> Void) async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { request in
                switch request.labels["dev.roost.step"] {
                case "bad": .printing(["\u{1B}[2Jwiped", "::error::no"], stderr: ["##[error]no"], exit: 3)
                default: .printing(["fine"])
                }
            }
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                try sandbox.write(pipeline, to: "roost.toml")
                try await body(sandbox, fake)
            }
        }
    }

    private func folders(_ sandbox: RoostSandbox) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: sandbox.project + "/.roost/runs").sorted()
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("a run is listed and shown later as it was printed, and its report is that of --report")
    func shown() async throws {
        try await withEngine { sandbox, _ in
            let none = try await sandbox.roost(["runs"])
            #expect(none.standardOutput == "no runs\n")
            #expect(try await sandbox.roost(["runs", "show"]).exitCode == 2)
            let run = try await sandbox.roost(["run", "--report", "report.json"])
            #expect(run.exitCode == 1)
            let id = try #require(try folders(sandbox).first)

            let listed = try await sandbox.roost(["runs", "ls"])
            #expect(listed.standardOutput.contains("\(id)  "))
            #expect(listed.standardOutput.contains("demo"))
            let json = try object(try await sandbox.roost(["runs", "ls", "--format", "json"]).standardOutput)
            #expect(json["schema"] as? String == "roost.runs/1")
            let row = try #require((json["runs"] as? [[String: Any]])?.first)
            #expect(row["run_id"] as? String == id && row["status"] as? String == "failed")
            #expect(row["exit_code"] as? Int == 1 && row["file"] as? String == "roost.toml")

            let shown = try await sandbox.roost(["runs", "show", id])
            // The bars are drawn from milliseconds there, and may differ by a column.
            func table(_ text: String) -> [Substring] {
                let lines = text.split(separator: "\n").drop { !$0.contains("timeline of") }
                return lines.filter { !$0.contains("slowest path") }.map { $0.prefix(44) }
            }
            #expect(table(shown.standardOutput) == table(run.standardError))
            #expect(shown.standardOutput.hasSuffix("✘ demo failed: s/bad exited with 3; exit code 1\n"))
            let report = try await sandbox.roost(["runs", "show", "--format", "json"])
            #expect(
                report.standardOutput == (try String(contentsOfFile: sandbox.project + "/report.json", encoding: .utf8))
            )
        }
    }

    @Test("logs come raw through a pipe, and safe to show on a terminal")
    func logs() async throws {
        try await withEngine { sandbox, _ in
            _ = try await sandbox.roost(["run"])
            let raw = try await sandbox.roost(["runs", "logs", "s/bad"])
            #expect(raw.standardOutput == "\u{1B}[2Jwiped\n::error::no\n##[error]no\n")
            let all = try await sandbox.roost(["runs", "logs"])
            #expect(all.standardOutput == raw.standardOutput + "fine\n")
            let terminal = try await sandbox.roost(
                ["runs", "logs", "latest", "bad"],
                terminal: .init(rows: 24, columns: 80)
            )
            #expect(terminal.standardOutput.contains("\\x1b[2Jwiped"))
            #expect(!terminal.standardOutput.contains("\u{1B}[2J"))
            let missing = try await sandbox.roost(["runs", "logs", "latest", "godo"])
            #expect(missing.exitCode == 2)
            #expect(missing.standardError.contains("did you mean \"good\"?"))
        }
    }

    @Test("names that are no run's lead nowhere")
    func names() async throws {
        try await withEngine { sandbox, _ in
            _ = try await sandbox.roost(["run"])
            try sandbox.write("precious", to: "kept")
            for name in ["..", "../..", "../../kept", "/etc", "20260131-081530-4f2a6c/../..", ""] {
                for verb in ["show", "rm", "logs"] {
                    let outcome = try await sandbox.roost(["runs", verb, name])
                    #expect(outcome.exitCode == 2, "\(verb) \(name)")
                }
            }
            #expect(try folders(sandbox).count == 1)
            #expect(FileManager.default.fileExists(atPath: sandbox.project + "/kept"))
            #expect(try await sandbox.roost(["runs", "rm"]).exitCode == 2)
            #expect(try await sandbox.roost(["runs", "rm", "--all", "--keep", "1"]).exitCode == 2)
            #expect(try await sandbox.roost(["runs", "rm", "--older-than", "soon"]).exitCode == 2)
        }
    }

    @Test("a run that goes on is neither removed nor tidied away; once it is killed it was cut off, and can be removed")
    func goingOn() async throws {
        try await withEngine { sandbox, fake in
            let never = Latch()
            let long = "stages_order = ['s']\n" + step("s/long", "img:1", "long")
            try sandbox.write(long, to: "long.toml")
            fake.run { $0.labels["dev.roost.step"] == "long" ? .init(.line("up"), .wait(never)) : nil }
            let killed = try await sandbox.roost(["run", "-f", "long.toml"]) { process in
                try await process.line { $0.contains("up") }
                let id = try #require(try folders(sandbox).first)
                _ = try await sandbox.roost(["run", "--keep-runs", "1"])
                #expect(try folders(sandbox).contains(id))
                let removed = try await sandbox.roost(["runs", "rm", "--all"])
                #expect(removed.exitCode == 0)
                #expect(try folders(sandbox) == [id])
                let named = try await sandbox.roost(["runs", "rm", id])
                #expect(named.exitCode == 2)
                #expect(named.standardError.contains("still goes on, in process \(process.processID)"))
                #expect(try await sandbox.roost(["runs", "show"]).exitCode == 2)
                try process.send(.kill)
            }
            #expect(killed.signal == 9)
            let listed = try await sandbox.roost(["runs", "ls", "--format", "json"])
            #expect(listed.standardOutput.contains("\"cut_off\""))
            #expect(try await sandbox.roost(["runs", "logs"]).standardOutput == "up\n")
            let removed = try await sandbox.roost(["runs", "rm", "--older-than", "0s"])
            #expect(removed.standardOutput.hasPrefix("removed "))
            #expect(try folders(sandbox) == [])
        }
    }

    @Test("after a run only as many are kept as the setting says")
    func retention() async throws {
        try await withEngine { sandbox, _ in
            // Names of earlier runs, without waiting for a second to pass between two.
            for day in 1...4 {
                let folder = sandbox.project + "/.roost/runs/2020010\(day)-000000-00000\(day)"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
            let environment = ["ROOST_KEEP_RUNS": "3", "ROOST_KEEP_RUNS_FOR": "30000d"]
            _ = try await sandbox.roost(["run"], environment: environment)
            #expect(try folders(sandbox).prefix(2) == ["20200103-000000-000003", "20200104-000000-000004"])
            #expect(try folders(sandbox).count == 3)
            let dry = try await sandbox.roost(["runs", "rm", "--keep", "1", "--dry-run"])
            #expect(dry.standardOutput == "would remove 20200103-000000-000003\nwould remove 20200104-000000-000004\n")
            _ = try await sandbox.roost(["run"])
            // Thirty days by default.
            #expect(try folders(sandbox).count == 2)
        }
    }

    @Test(
        "a JUnit report is written for failed, interrupted and unbegun runs, and refused before the run where it can't be"
    )
    func junit() async throws {
        try await withEngine { sandbox, fake in
            let path = sandbox.project + "/junit.xml"
            _ = try await sandbox.roost(["run", "--junit", "junit.xml"])
            let failed = try String(contentsOfFile: path, encoding: .utf8)
            #expect(failed.contains("<failure message=\"exited with 3\" type=\"failed\">"))
            #expect(failed.contains("<system-out>wiped\n::error::no\n##[error]no</system-out>"))
            #expect(failed.contains("<skipped message=\"s/bad failed\"/>"))

            fake.run { _ in .init(.line("up"), .waitForSignal) }
            let interrupted = try await sandbox.roost(["run", "--junit", "junit.xml"]) { process in
                try await process.line { $0.contains("up") }
                try process.send(.interrupt)
            }
            #expect(interrupted.exitCode == 130)
            #expect(try String(contentsOfFile: path, encoding: .utf8).contains("type=\"cancelled\""))

            let unbegun = try await sandbox.roost(
                ["run", "--junit", "junit.xml"],
                environment: ["DOCKER_HOST": "unix:///nowhere/docker.sock"]
            )
            #expect(unbegun.exitCode == 125)
            #expect(try String(contentsOfFile: path, encoding: .utf8).contains("type=\"infrastructure_error\""))

            let calls = fake.calls.count
            for arguments in [["--junit", "none/x.xml"], ["--junit", "-"], ["--junit", "x", "--report", "./x"]] {
                #expect(try await sandbox.roost(["run"] + arguments).exitCode == 2, "\(arguments)")
            }
            #expect(fake.calls.count == calls)
        }
    }

    @Test("on GitHub a stage is a group and a failed step a remark, and no step can speak to the runner")
    func gitHub() async throws {
        try await withEngine { sandbox, _ in
            let run = try await sandbox.roost(
                ["run"],
                environment: ["GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": sandbox.project, "CI": "true"]
            )
            #expect(run.exitCode == 1)
            let commands = run.standardError.split(separator: "\n").filter {
                $0.drop(while: \.isWhitespace).hasPrefix("::") || $0.contains("##[")
            }
            #expect(
                commands == [
                    "::group::stage s (1 of 2): bad, good", "::endgroup::", "::group::stage t (2 of 2): later",
                    "::endgroup::", "::error file=roost.toml,line=4,title=s/bad failed::exited with 3",
                ]
            )
            #expect(run.standardError.contains("s/bad   │ ::error::no"))
            #expect(run.standardError.contains("s/bad   ║ ## [error]no"))
        }
    }
}
