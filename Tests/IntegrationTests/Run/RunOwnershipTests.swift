import Foundation
import RoostTesting
import Testing

@Suite(
    "Ownership of what steps make",
    .serialized,
    .enabled(if: Integration.isPossible && Caller.isPossible, "\(TestEnvironment.whySkipped), as root"),
    .timeLimit(.minutes(5))
)
struct RunOwnershipTests {
    private func status(_ path: String) throws -> stat {
        var status = stat()
        try #require(lstat(path, &status) == 0, "\(path)")
        return status
    }

    private func owner(_ name: String, _ sandbox: RoostSandbox) throws -> [uid_t] {
        let status = try status(sandbox.project + "/" + name)
        return [status.st_uid, status.st_gid]
    }

    private static let callers: [uid_t] = [Caller.user, Caller.group]

    /// Makes files of root's: plain, hidden, in closed folders, a link, two names of one file.
    private let makes = """
        mkdir -p out/closed/inner; echo x > out/file; echo x > 'out/na me'; echo x > out/closed/inner/file
        chmod 700 out/closed out/closed/inner; ln -s /etc/passwd out/link; ln -s ../../outside/canary out/canary
        echo x > out/one; ln out/one two
        """

    @Test("files that steps make belong to the caller after the run, in closed folders too, and links lead nowhere")
    func restored() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            try sandbox.directory.write("alive", to: "outside/canary")
            try sandbox.write("stages_order = ['s']\n" + step("s/x", image, makes), to: "roost.toml")
            let caller = try Caller(sandbox)
            // Somebody else's, from before the run.
            try sandbox.write("x", to: "others/file")
            #expect(chown(sandbox.directory.path("outside/canary"), 0, 0) == 0)
            let outcome = try await caller.roost(["run", "--format", "json"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            for name in [
                "out", "out/file", "out/na me", "out/closed", "out/closed/inner", "out/closed/inner/file", "out/link",
                "out/canary", "out/one", "two",
            ] {
                #expect(try owner(name, sandbox) == Self.callers, "\(name)")
            }
            #expect(try owner("others/file", sandbox) == [0, 0], "older than the run")
            #expect(try status(sandbox.directory.path("outside/canary")).st_uid == 0)
            #expect(try status("/etc/passwd").st_uid == 0)
            #expect(!outcome.standardOutput.contains("\"warning\""), "\(outcome.standardOutput)")
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("ownership = \"keep\" leaves them as the steps made them")
    func kept() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            try sandbox.write(
                "stages_order = ['s']\n[workspace]\nownership = 'keep'\n" + step("s/x", image, "echo x > file"),
                to: "roost.toml"
            )
            let outcome = try await Caller(sandbox).roost(["run"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(try owner("file", sandbox) == [0, 0])
        }
    }

    @Test("a file that has a name outside the workspace too stays as it is, and is named")
    func sharedFile() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            try sandbox.directory.write("x", to: "outside/shared")
            try sandbox.write(
                "stages_order = ['s']\n" + step("s/x", image, "echo more >> shared; echo x > file"),
                to: "roost.toml"
            )
            let caller = try Caller(sandbox)
            #expect(link(sandbox.directory.path("outside/shared"), sandbox.project + "/shared") == 0)
            #expect(chown(sandbox.project + "/shared", 0, 0) == 0)
            let outcome = try await caller.roost(["run", "--format", "json"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(try owner("shared", sandbox) == [0, 0])
            #expect(try owner("file", sandbox) == Self.callers)
            let warnings = try EventLine.parse(outcome.standardOutput).filter { $0.type == "warning" }
            #expect(
                warnings.contains { $0.text("message")?.hasSuffix("names outside the workspace too: shared") == true }
            )
        }
    }

    @Test(
        "root's own runs leave files as they are, and those by sudo give them to the folder's owner, without a container"
    )
    func sudo() async throws {
        let image = try await Published.busybox()
        try await RoostSandbox.with { sandbox in
            let pipeline = "stages_order = ['s']\n" + step("s/x", image, "mkdir -p d; echo x > d/file; rm -f gone")
            let (first, _) = try await sandbox.run(pipeline)
            #expect(first.exitCode == 0)
            #expect(try owner("d/file", sandbox) == [0, 0])
            #expect(chown(sandbox.project, Caller.user, Caller.group) == 0)
            // Somebody else's sudo.
            let (second, _) = try await sandbox.run(pipeline, environment: ["SUDO_UID": "4321", "SUDO_GID": "4321"])
            #expect(second.exitCode == 0)
            #expect(try owner("d/file", sandbox) == [0, 0])
            let (third, events) = try await sandbox.run(
                "stages_order = ['s']\n" + step("s/x", image, "rm -r d; mkdir d; echo x > d/file"),
                environment: ["SUDO_UID": "\(Caller.user)", "SUDO_GID": "\(Caller.group)"]
            )
            #expect(third.exitCode == 0)
            #expect(try owner("d", sandbox) == Self.callers)
            #expect(try owner("d/file", sandbox) == Self.callers)
            #expect(try owner(".roost/runs", sandbox) == Self.callers)
            #expect(!events.contains { $0.type == "warning" })
        }
    }
}
