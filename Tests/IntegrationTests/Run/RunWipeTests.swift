import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Wipes of the workspace",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunWipeTests {
    private func pipeline(_ image: String, _ command: String, workspace: String) -> String {
        "stages_order = ['s']\n[workspace]\n\(workspace)\n" + step("s/x", image, command)
    }

    private func exists(_ name: String, in sandbox: RoostSandbox) -> Bool {
        var status = stat()
        return lstat(sandbox.project + "/" + name, &status) == 0
    }

    private func notices(_ events: [EventLine]) -> [String] {
        events.filter { $0.type == "notice" }.compactMap { $0.text("message") }
    }

    @Test("each wipe_when wipes at its own moment, and --wipe before the first step whatever the file says")
    func moments() async throws {
        let image = try await Published.busybox()
        // What the step sees, whether it ends well, and what is left after it.
        let rows: [(moment: String, flags: [String], fails: Bool, sees: Bool, left: Bool)] = [
            ("before", [], false, false, true), ("after", [], true, true, false), ("success", [], false, true, false),
            ("success", [], true, true, true), ("never", [], false, true, true),
            ("never", ["--wipe"], false, false, true),
        ]
        try await RoostSandbox.with { sandbox in
            for row in rows {
                try sandbox.write("old", to: "target/debug/app")
                let (outcome, events) = try await sandbox.run(
                    pipeline(
                        image,
                        "if [ -e target ]; then echo there; else echo gone; fi; mkdir -p target; exit \(row.fails ? 1 : 0)",
                        workspace: "wipe = ['target']\nwipe_when = '\(row.moment)'"
                    ),
                    row.flags
                )
                #expect(outcome.exitCode == (row.fails ? 1 : 0), "\(row)")
                let log = events.first { $0.type == "step.log" }?.text("text")
                #expect(log == (row.sees ? "there" : "gone"), "\(row)")
                #expect(exists("target", in: sandbox) == row.left, "\(row)")
                let told = notices(events).contains { $0.hasPrefix("wiped 1 entry, ") }
                #expect(told == !(row.sees && row.left), "\(row)")
                #expect(events.last?.type == "run.finished")
            }
        }
    }

    @Test("roost wipe --dry-run lists and removes nothing, roost wipe removes the same, and what links lead to stays")
    func wipeVerb() async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            try sandbox.write(pipeline("img", "true", workspace: "wipe = ['target', '**/*.o']"), to: "roost.toml")
            try sandbox.directory.write("alive", to: "outside/canary")
            try sandbox.write("x", to: "target/a/b")
            try sandbox.write("x", to: "src/main.o")
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.project + "/target/link",
                withDestinationPath: sandbox.directory.path("outside")
            )
            let listed = try await sandbox.roost(["wipe", "--dry-run"])
            #expect(listed.exitCode == 0)
            #expect(listed.standardOutput.contains("would remove target (folder, 4 in all"))
            #expect(listed.standardOutput.contains("would wipe 2 entries, "))
            #expect(exists("target/a/b", in: sandbox) && exists("src/main.o", in: sandbox))

            let json = try await sandbox.roost(["wipe", "--dry-run", "--format", "json"])
            let object = try JSONSerialization.jsonObject(with: Data(json.standardOutput.utf8))
            let document = try #require(object as? [String: Any])
            #expect(document["schema"] as? String == "roost.wipe/1")
            #expect(document["dry_run"] as? Bool == true)
            let removed = try #require(document["removed"] as? [[String: Any]])
            #expect(removed.compactMap { $0["path"] as? String } == ["src/main.o", "target"])

            let wiped = try await sandbox.roost(["wipe"])
            #expect(wiped.exitCode == 0)
            #expect(wiped.standardOutput.contains("\nwiped 2 entries, "))
            #expect(!exists("target", in: sandbox) && !exists("src/main.o", in: sandbox))
            #expect(exists("roost.toml", in: sandbox))
            #expect(try String(contentsOfFile: sandbox.directory.path("outside/canary"), encoding: .utf8) == "alive")
        }
    }

    @Test(
        "nothing is wiped under a run that goes on, neither by roost wipe nor by another run, and runs go on side by side"
    )
    func inUse() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            try sandbox.write(pipeline(image, "true", workspace: "wipe = ['target']"), to: "wipes.toml")
            try sandbox.write("stages_order = ['s']\n" + step("s/y", image, "echo beside"), to: "beside.toml")
            let slow = pipeline(
                image,
                "mkdir target; echo waiting; while [ ! -e go ]; do usleep 10000; done; ls -d target",
                workspace: "wipe = ['target']"
            )
            let (outcome, _) = try await sandbox.run(slow) { process in
                try await process.line(on: .output) { $0.contains("waiting") && $0.contains("step.log") }
                let verb = try await sandbox.roost(["wipe", "-f", "wipes.toml"])
                #expect(verb.exitCode == 125)
                #expect(verb.standardError.contains("another run uses this workspace"))
                let run = try await sandbox.roost(["run", "-f", "wipes.toml"])
                #expect(run.exitCode == 125)
                #expect(run.standardError.contains("another run uses this workspace"))
                let beside = try await sandbox.roost(["run", "-f", "beside.toml"])
                #expect(beside.exitCode == 0)
                try sandbox.write("", to: "go")
            }
            #expect(outcome.exitCode == 0)
            let after = try await sandbox.roost(["wipe", "-f", "wipes.toml"])
            #expect(after.exitCode == 0)
            #expect(!exists("target", in: sandbox))
        }
    }

    @Test(
        "roost wipe first removes the container of a killed run, which would write on; without an engine it wipes all the same"
    )
    func afterKill() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            let command = "mkdir -p out; echo up; sleep 600"
            let killed = try await sandbox.run(pipeline(image, command, workspace: "wipe = ['out', 'more']")) {
                process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.kill)
            }
            #expect(killed.outcome.signal == 9)
            try FileManager.default.createDirectory(
                atPath: sandbox.project + "/more",
                withIntermediateDirectories: true
            )
            let dry = try await sandbox.roost(["wipe", "--dry-run"])
            #expect(dry.exitCode == 0)
            #expect(try await sandbox.leftovers().count == 1, "a dry run changes nothing")
            let blind = try await sandbox.roost(["wipe"], environment: ["DOCKER_HOST": "unix:///nowhere/docker.sock"])
            #expect(!exists("more", in: sandbox) && !blind.standardError.contains("can't be looked for"))
            #expect(try await sandbox.leftovers().count == 1)
            let wiped = try await sandbox.roost(["wipe"])
            #expect(wiped.exitCode == 0)
            #expect(wiped.standardError.contains("was cut off"))
            #expect(!exists("out", in: sandbox))
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("a pipeline that names nothing to wipe, or the repository, is refused before anything is removed")
    func refused() async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            try sandbox.write("x", to: ".git/config")
            try sandbox.write(pipeline("img", "true", workspace: "wipe = []"), to: "roost.toml")
            for arguments in [["wipe"], ["run", "--wipe"]] {
                let outcome = try await sandbox.roost(arguments)
                #expect(outcome.exitCode == 2)
                #expect(outcome.standardError.contains("names nothing to wipe"))
            }
            try sandbox.write(pipeline("img", "true", workspace: "wipe = ['.git']"), to: "roost.toml")
            for verb in ["wipe", "validate", "run"] {
                let outcome = try await sandbox.roost([verb])
                #expect(outcome.exitCode == 2)
                #expect((outcome.standardOutput + outcome.standardError).contains("this would wipe .git"))
            }
            #expect(exists(".git/config", in: sandbox))
        }
    }

    @Test(
        "folders of root go through a container where the caller may not remove them, and a link in them leads nowhere",
        .enabled(if: Caller.isPossible, "needs root to be another user")
    )
    func deniedFolders() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            try sandbox.directory.write("alive", to: "outside/canary")
            try sandbox.write(
                pipeline(image, "echo ran", workspace: "wipe = ['target']\nownership = 'keep'"),
                to: "roost.toml"
            )
            let caller = try Caller(sandbox)
            // What a step of root's has left.
            try sandbox.write("x", to: "target/debug/deep/app")
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.project + "/target/debug/link",
                withDestinationPath: sandbox.directory.path("outside")
            )
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.project + "/target/debug/git",
                withDestinationPath: "../../kept"
            )
            try sandbox.write("x", to: "kept/file")
            chmod(sandbox.project + "/target/debug/deep", 0o700)
            let outcome = try await caller.roost(["run", "--format", "json"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(outcome.standardOutput.contains("wiped 1 entry"))
            #expect(!exists("target", in: sandbox))
            #expect(exists("kept/file", in: sandbox))
            #expect(try String(contentsOfFile: sandbox.directory.path("outside/canary"), encoding: .utf8) == "alive")
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test(
        "a workspace that can't be wiped keeps the run from beginning, with the reason",
        .enabled(if: Caller.isPossible, "needs root to be another user")
    )
    func wipeImpossible() async throws {
        // No shell, so that no container can do it either.
        let bare = try await Published.image(
            try TestImage(layers: [try TestLayer(files: [.file("/nothing", "x")])]),
            "bare"
        )
        try await RoostSandbox.with { sandbox in
            try sandbox.write(pipeline(bare, "echo ran", workspace: "wipe = ['target']"), to: "roost.toml")
            let caller = try Caller(sandbox)
            try sandbox.write("x", to: "target/debug/app")
            let outcome = try await caller.roost(["run", "--format", "json"])
            #expect(outcome.exitCode == 125)
            let events = try EventLine.parse(outcome.standardOutput)
            let reason = try #require(events.last?.text("reason"))
            #expect(reason.contains("target/debug: you may not remove it"))
            #expect(reason.contains("no image of the pipeline has a shell"))
            #expect(!events.contains { $0.type == "step.started" })
            #expect(exists("target/debug/app", in: sandbox))
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test(
        "no container enters a workspace in which something is mounted, and roost wipe says so",
        .enabled(if: Caller.isPossible && TestMount.isPossible, "needs root")
    )
    func mountAndDenied() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            try sandbox.write(pipeline(image, "echo ran", workspace: "wipe = ['target', 'cache']"), to: "roost.toml")
            try sandbox.write("x", to: "cache/mine")
            let caller = try Caller(sandbox)
            try sandbox.write("x", to: "target/debug/app")
            let place = sandbox.project + "/cache/mnt"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
            try await TestMount.with(["-t", "tmpfs", "tmpfs"], on: place) {
                try Data("alive".utf8).write(to: URL(filePath: place + "/canary"))
                let outcome = try await caller.roost(["wipe"])
                #expect(outcome.exitCode == 125)
                #expect(outcome.standardOutput.contains("kept cache/mnt: something is mounted there"))
                #expect(outcome.standardOutput.contains("kept target/debug: you may not remove it"))
                #expect(outcome.standardOutput.contains("something is mounted in the workspace"))
                #expect(!exists("cache/mine", in: sandbox))
                #expect(exists("cache/mnt/canary", in: sandbox) && exists("target/debug/app", in: sandbox))
            }
            let outcome = try await caller.roost(["wipe"])
            #expect(outcome.exitCode == 0, "\(outcome.standardOutput)\(outcome.standardError)")
            #expect(!exists("target", in: sandbox) && !exists("cache", in: sandbox))
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }
}
