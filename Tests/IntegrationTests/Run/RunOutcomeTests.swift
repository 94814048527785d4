import DockerEngine
import Foundation
import RoostTesting
import Testing

@Suite(
    "Outcomes of a run",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunOutcomeTests {
    @Test("stages hand files on through the workspace, and nothing is left of the run")
    func success() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['one', 'two']\n"
                + step("one/write", image, "echo from-one > handed-on; echo to stderr >&2")
                + step("two/read", image, "cat handed-on")
            let (outcome, events) = try await sandbox.run(pipeline, ["--report", "report.json"])
            #expect(outcome.exitCode == 0)
            #expect(events.first?.type == "run.started")
            #expect(events.last?.type == "run.finished")
            let logs = events.filter { $0.type == "step.log" }
            #expect(logs.contains { $0.step == "two/read" && $0.text("text") == "from-one" })
            #expect(logs.contains { $0.text("stream") == "stderr" && $0.text("text") == "to stderr" })
            #expect(try await sandbox.leftovers().isEmpty)

            let data = try Data(contentsOf: URL(filePath: sandbox.project + "/report.json"))
            let report = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            #expect(report["schema"] as? String == "roost.report/1")
            #expect(report["status"] as? String == "succeeded")
            #expect(report["exit_code"] as? Int == 0)
            let id = try #require(report["run_id"] as? String)
            let raw = sandbox.project + "/.roost/runs/\(id)/two/read.1.log"
            #expect(try String(contentsOfFile: raw, encoding: .utf8) == "from-one\n")
        }
    }

    @Test("a failed step ends the run with 1, lets its stage finish, and skips the rest with the reason")
    func failure() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['one', 'two']\n"
                + step("one/bad", image, "echo going down; exit 7")
                + step("one/good", image, "sleep 0.5; echo finished")
                + step("two/never", image, "echo no")
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 1)
            let finished = events.filter { $0.type == "step.finished" }
            let status = Dictionary(uniqueKeysWithValues: finished.map { ($0.step ?? "", $0.text("status") ?? "") })
            #expect(status == ["one/bad": "failed", "one/good": "succeeded", "two/never": "skipped"])
            let skipped = try #require(finished.first { $0.step == "two/never" })
            #expect(skipped.text("reason") == "one/bad failed")
            #expect(finished.first { $0.step == "one/bad" }?.number("exit_code") == 7)
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("string commands replace the entry point, arrays keep it, and entrypoint overrides it")
    func commands() async throws {
        let image = try await Published.image(
            try TestImage(
                layers: [.busybox()],
                configuration: .init(entrypoint: ["/bin/echo", "entry"], command: ["default"])
            ),
            "entrypoint"
        )
        try await RoostSandbox.with { sandbox in
            let pipeline = """
                stages_order = ["s"]
                [stages.s.steps.string]
                image = "\(image)"
                command = "echo shell $((1+1))"
                [stages.s.steps.array]
                image = "\(image)"
                command = ["given", "two words"]
                [stages.s.steps.none]
                image = "\(image)"
                [stages.s.steps.override]
                image = "\(image)"
                entrypoint = ["/bin/echo", "mine"]
                command = ["x"]
                [stages.s.steps.cleared]
                image = "\(image)"
                entrypoint = []
                command = ["/bin/echo", "bare"]
                """
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 0)
            let lines = events.filter { $0.type == "step.log" }.map { "\($0.step ?? ""): \($0.text("text") ?? "")" }
            #expect(
                Set(lines) == [
                    "s/string: shell 2", "s/array: entry given two words", "s/none: entry default",
                    "s/override: mine x", "s/cleared: bare",
                ]
            )
        }
    }

    @Test("environment, user and working directory are the step's")
    func settings() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            let pipeline =
                """
                stages_order = ["s"]
                [pipeline]
                workdir = "/work"

                """
                + step(
                    "s/x",
                    image,
                    "echo \"$A|$B\"; pwd; id -u; id -g",
                    "user = \"1234:5678\"\nenv = { A = \"one two\", B = \"\" }"
                )
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 0)
            let lines = events.filter { $0.type == "step.log" }.compactMap { $0.text("text") }
            #expect(lines == ["one two|", "/work", "1234", "5678"])
        }
    }

    @Test("a command that isn't there is the step's failure with 127, not the engine's")
    func commandNotFound() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(
                """
                stages_order = ["s"]
                [stages.s.steps.x]
                image = "\(image)"
                command = ["/no/such/program"]
                """
            )
            #expect(outcome.exitCode == 1)
            let finished = try #require(events.first { $0.type == "step.finished" })
            #expect(finished.text("status") == "failed")
            #expect(finished.number("exit_code") == 127)
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("a step that runs too long is stopped, killed after the grace where it ignores TERM, and named with 124")
    func timeout() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(
                "stages_order = ['s']\n"
                    + step("s/deaf", image, "trap '' TERM; echo up; while true; do sleep 1; done", "timeout = \"1s\"")
            )
            #expect(outcome.exitCode == 124)
            let finished = try #require(events.first { $0.type == "step.finished" })
            #expect(finished.text("status") == "timed_out")
            #expect(finished.text("reason")?.contains("timeout") == true)
            #expect(finished.number("exit_code") == 137)
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("processes that a step left in the background are gone with it")
    func grandchildren() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            // The forked process would write the file after the step has ended; the second stage outlives that moment.
            let (outcome, _) = try await sandbox.run(
                "stages_order = ['one', 'two']\n"
                    + step("one/fork", image, "(sleep 1; echo alive > ghost) >/dev/null 2>&1 & exit 0")
                    + step("two/wait", image, "sleep 2; test ! -e ghost")
            )
            #expect(outcome.exitCode == 0)
        }
    }

    @Test("a step that runs out of memory is named with its limit and 137")
    func outOfMemory() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(
                "stages_order = ['s']\n"
                    + step(
                        "s/hog",
                        image,
                        "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo $x",
                        "memory = \"16mb\""
                    )
            )
            let finished = try #require(events.first { $0.type == "step.finished" })
            #expect(finished.text("status") == "oom_killed")
            #expect(finished.text("reason")?.contains("16 MiB") == true)
            #expect(finished.number("peak_memory_bytes") == 16 << 20)
            #expect(outcome.exitCode == 137)
        }
    }

    /// Whether this machine's kernel keeps the most memory that a control group used.
    private static var keepsPeak: Bool {
        let root = "/sys/fs/cgroup"
        let groups = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return (["memory/memory.max_usage_in_bytes"] + groups.map { "\($0)/memory.peak" }).contains {
            FileManager.default.fileExists(atPath: "\(root)/\($0)")
        }
    }

    @Test("the most memory that a short step used is known", .enabled(if: keepsPeak, "the kernel does not keep it"))
    func peakMemory() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            // On a loaded machine the container may be up long before anything can look at it, and end before it looks
            // again: the step waits for both.
            let command =
                "until [ -e watched ]; do sleep 0.01; done; dd if=/dev/zero of=/dev/null bs=30M count=1; : >used; "
                + "until [ -e seen ]; do sleep 0.01; done"
            let (outcome, events) = try await sandbox.run("stages_order = ['s']\n" + step("s/x", image, command)) {
                process in
                let folder = "/proc/\(process.processID)/fd/"
                func peakFile() throws -> String? {
                    try FileManager.default.contentsOfDirectory(atPath: folder).map { folder + $0 }.first {
                        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: $0)
                        return target?.contains("/memory.") == true
                    }
                }
                var file: String?
                while file == nil {
                    file = try peakFile()
                    await Task.yield()
                }
                try sandbox.write("", to: "watched")
                while !FileManager.default.fileExists(atPath: sandbox.project + "/used") { await Task.yield() }
                let reads = try FileReads(of: try #require(file))
                // The first that is told of may have begun before.
                try await reads.next()
                try await reads.next()
                try sandbox.write("", to: "seen")
            }
            #expect(outcome.exitCode == 0)
            let peak = try #require(events.first { $0.type == "step.finished" }?.number("peak_memory_bytes"))
            #expect((30 << 20..<60 << 20).contains(peak))
        }
    }

    @Test("anonymous volumes go with their container")
    func volumes() async throws {
        let image = try await Published.image(
            try TestImage(layers: [.busybox()], configuration: .init(volumes: ["/data"])),
            "volume"
        )
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(
                "stages_order = ['s']\n" + step("s/x", image, "grep ' /data ' /proc/self/mountinfo")
            )
            #expect(outcome.exitCode == 0)
            // The mount's root on the host ends with …/volumes/<name>/_data.
            let mount = try #require(events.first { $0.type == "step.log" }?.text("text"))
            let name = try #require(
                mount.split(separator: "/").first { $0.count == 64 && $0.allSatisfy(\.isHexDigit) }
            )
            let volume = try await sandbox.withEngine { try await $0.inspectVolume(String(name)) }
            #expect(volume == nil)
        }
    }

    @Test("unknown images, bad files and wrong usage end with 2 and name the place")
    func usage() async throws {
        try await RoostSandbox.with { sandbox in
            try sandbox.write(
                "stages_order = [\"s\"]\n[stages.s.steps.x]\nimage = \"--privileged\"\n",
                to: "roost.toml"
            )
            let bad = try await sandbox.roost(["run"])
            #expect(bad.exitCode == 2)
            #expect(bad.standardError.contains("roost.toml:3:"))
            let unknown = try await sandbox.roost(["run", "--no-such-flag"])
            #expect(unknown.exitCode == 2)
            let missing = try await sandbox.roost(["run", "-f", "nowhere.toml"])
            #expect(missing.exitCode == 2)
            #expect(missing.standardError.contains("nowhere.toml"))
        }
    }
}
