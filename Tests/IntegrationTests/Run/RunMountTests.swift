import DockerEngine
import Foundation
import RoostTesting
import Testing

@Suite(
    "Mounts of steps",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunMountTests {
    private func pipeline(_ image: String, _ command: String, _ mounts: String) -> String {
        "stages_order = ['s']\n" + step("s/x", image, command, "mounts = [\(mounts)]")
    }

    /// Runs `body` with a name for a volume, which is removed afterwards.
    private func withVolume(
        of sandbox: RoostSandbox,
        _ body: (_ name: String, _ engine: EngineClient) async throws -> Void
    ) async throws {
        let name = UniqueName.make("cache")
        try await sandbox.withEngine { engine in
            do {
                try await body(name, engine)
            } catch {
                try? await engine.removeVolume("roost-\(name)")
                throw error
            }
            try await engine.removeVolume("roost-\(name)")
        }
    }

    @Test("what a step puts into a volume is there in the next run, survives a reap, and is labelled as kept")
    func volume() async throws {
        let image = try await Published.busybox("volume")
        try await RoostSandbox.with { sandbox in
            try await withVolume(of: sandbox) { name, engine in
                let command = "if [ -f /cache/mark ]; then echo kept; fi; touch /cache/mark"
                let mounts = "'\(name):/cache'"
                let first = try await sandbox.run(pipeline(image, command, mounts))
                #expect(first.outcome.exitCode == 0, "\(first.outcome.standardError)")
                #expect(!first.events.contains { $0.text("text") == "kept" })

                let volume = try #require(try await engine.inspectVolume("roost-\(name)"))
                #expect(volume.labels?["dev.roost.kind"] == "volume")
                #expect(volume.labels?["dev.roost.lifetime"] == "kept")
                #expect(volume.labels?["dev.roost.installation"]?.isEmpty == false)
                #expect(try await sandbox.roost(["reap"]).exitCode == 0)

                let readOnly = "{ volume = '\(name)', target = '/cache', read_only = true }"
                let second = try await sandbox.run(pipeline(image, "ls /cache; ! touch /cache/more", readOnly))
                #expect(second.outcome.exitCode == 0)
                #expect(second.events.contains { $0.text("text") == "mark" })
                let third = try await sandbox.run(pipeline(image, command, mounts))
                #expect(third.events.contains { $0.text("text") == "kept" })
            }
        }
    }

    @Test("a volume that is not Roost's is not mounted, whatever its name")
    func foreignVolume() async throws {
        let image = try await Published.busybox("foreign")
        try await RoostSandbox.with { sandbox in
            try await withVolume(of: sandbox) { name, engine in
                _ = try await engine.createVolume(name: "roost-\(name)", labels: ["owner": "somebody"])
                let (outcome, events) = try await sandbox.run(pipeline(image, "true", "'\(name):/cache'"))
                #expect(outcome.exitCode == 125)
                let end = events.first { $0.type == "step.finished" }
                #expect(end?.text("status") == "infrastructure_error")
                #expect(end?.text("reason")?.contains("roost-\(name) is not Roost's") == true)
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    @Test("a folder of the project is mounted, through links within it, and read-only where that is asked")
    func folder() async throws {
        let image = try await Published.busybox("folder")
        try await RoostSandbox.with { sandbox in
            let files = FileManager.default
            try files.createDirectory(atPath: sandbox.project + "/data", withIntermediateDirectories: true)
            try sandbox.write("inside", to: "data/file")
            try files.createSymbolicLink(atPath: sandbox.project + "/link", withDestinationPath: "data")
            let (outcome, events) = try await sandbox.run(
                pipeline(image, "cat /a/file; echo; ! touch /a/more; touch /b/new", "'./link:/a:ro', './data:/b'")
            )
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(events.contains { $0.text("text") == "inside" })
            #expect(files.fileExists(atPath: sandbox.project + "/data/new"))
        }
    }

    @Test(
        "a link that leads out of the project folder, to a folder or to the engine's socket, is refused at once",
        arguments: [false, true]
    )
    func linkOutside(leadsToSocket: Bool) async throws {
        let image = try await Published.busybox("outside")
        let socket = String(try TestEnvironment.requireEngine().dropFirst("unix://".count))
        try await RoostSandbox.with { sandbox in
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.project + "/sub",
                withDestinationPath: leadsToSocket ? socket : sandbox.directory.path("home")
            )
            let (outcome, events) = try await sandbox.run(pipeline(image, "true", "'./sub:/x'"))
            #expect(outcome.exitCode == 2)
            #expect(outcome.standardError.contains("links lead out of the project folder"))
            #expect(events.allSatisfy { $0.type == "run.finished" })
        }
    }

    @Test("a link that an earlier step makes in the place of a folder is refused before its own step is created")
    func linkOfAStep() async throws {
        let image = try await Published.busybox("swapped")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['a', 'b']\n"
                + step("a/swap", image, "rmdir sub; ln -s / sub")
                + step("b/bind", image, "ls /x", "mounts = ['./sub:/x']")
            try FileManager.default.createDirectory(
                atPath: sandbox.project + "/sub",
                withIntermediateDirectories: true
            )
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 125)
            let end = events.first { $0.type == "step.finished" && $0.step == "b/bind" }
            #expect(end?.text("status") == "infrastructure_error")
            #expect(end?.text("reason")?.contains("links lead out of the project folder, to \"/\"") == true)
            #expect(!events.contains { $0.type == "step.started" && $0.text("stage") == "b" })
        }
    }

    @Test("nothing runs beside a step that mounts a folder of the project, so that nobody swaps it")
    func alone() async throws {
        let image = try await Published.busybox("alone")
        try await RoostSandbox.with { sandbox in
            let command = """
                mkdir -p running; touch running/$HOSTNAME
                echo beside $(ls running | wc -l)
                sleep 0.3; rm running/$HOSTNAME
                """
            try FileManager.default.createDirectory(
                atPath: sandbox.project + "/data",
                withIntermediateDirectories: true
            )
            let pipeline =
                "stages_order = ['s']\n"
                + (0..<4).map { step("s/x\($0)", image, command, "mounts = ['./data:/d']") }.joined()
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 0)
            let counts = events.compactMap { $0.text("text") }.filter { $0.hasPrefix("beside") }
            #expect(counts == Array(repeating: "beside 1", count: 4))
        }
    }
}

/// A real engine ignores nothing of this.
@Suite(
    "An engine that ignores what it is asked for",
    .serialized,
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunIgnoredSettingsTests {
    @Test(
        "a step does not start where the engine has ignored a setting, which is named; its container is removed",
        arguments: [
            ("CapDrop", "capabilities (has", ""), ("CapAdd", "capabilities (lacks", ""),
            ("SecurityOpt", "no-new-privileges", ""), ("PidsLimit", "pids limit", ""), ("Memory", "memory limit", ""),
            ("MemorySwap", "limit of memory and swap", ""), ("Mounts", "mount at /workspace", ""),
            ("NetworkMode", "network (asked for none", "network = 'none'"),
            ("Privileged", "ignored what it was asked for: privileged", "security = { privileged = true }"),
            ("ReadonlyRootfs", "read-only root", "security = { read_only = true }"),
        ]
    )
    func ignored(setting: String, message: String, key: String) async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.ignore(setting)
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let (outcome, events) = try await sandbox.run(
                    "stages_order = ['s']\n" + step("s/x", "img:1", "true", key),
                    ["--allow-privileged"]
                )
                #expect(outcome.exitCode == 125)
                let end = events.first { $0.type == "step.finished" }
                #expect(end?.text("status") == "infrastructure_error")
                #expect(end?.text("reason")?.contains(message) == true, "\(end?.text("reason") ?? "")")
                #expect(!events.contains { $0.type == "step.started" })
                #expect(fake.containerNames.isEmpty)
            }
        }
    }
}
