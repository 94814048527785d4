import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("What a wipe removes", .timeLimit(.minutes(1)))
struct WipeRemovalTests {
    @Test("what is named goes, everything else stays")
    func removes() async throws {
        try await WorkspaceFixture.with { fixture in
            try fixture.write("target/debug/app", String(repeating: "x", count: 100_000))
            try fixture.write("target/.hidden")
            try fixture.write("build/kept.txt/inner")
            try fixture.write("src/main.o")
            try fixture.write("src/main.c")
            let plan = WipePlan(try fixture.listing(["target", "build/**", "**/*.o", "missing"]))
            #expect(plan.removals.map(\.path.description) == ["build/kept.txt", "src/main.o", "target"])
            #expect(plan.removals.last?.entries == 4)
            #expect(plan.size >= ByteCount(100_000))
            #expect(try fixture.wipe(["target", "build/**", "**/*.o", "missing"]).isEmpty)
            #expect(!fixture.exists("target"))
            #expect(fixture.exists("build"))
            #expect(!fixture.exists("build/kept.txt"))
            #expect(!fixture.exists("src/main.o"))
            #expect(fixture.exists("src/main.c"))
        }
    }

    @Test("links go themselves: what they lead to, outside or inside, stays")
    func links() async throws {
        try await WorkspaceFixture.with { fixture in
            try fixture.write("target/inner/file")
            try fixture.write("kept")
            try fixture.link("out", to: fixture.outside)
            try fixture.link("target/out", to: fixture.outside)
            try fixture.link("target/inner/canary", to: "../../../outside/canary")
            try fixture.link("target/git", to: "../.git")
            try fixture.link("loop", to: ".")
            #expect(try fixture.wipe(["target", "out"]).isEmpty)
            #expect(!fixture.exists("target"))
            #expect(!fixture.exists("out"))
            #expect(fixture.canaryLives)
            #expect(fixture.exists(".git/config"))
            // A pattern does not reach through a link either.
            try fixture.link("out", to: fixture.outside)
            #expect(try fixture.listing(["out/**", "out/canary", "**/canary", "loop/kept"]).candidates.isEmpty)
        }
    }

    @Test("the repository, the logs and the pipeline's file stay, whatever a plan says and by whatever name")
    func protected() async throws {
        try await WorkspaceFixture.with { fixture in
            try fixture.write("target/file")
            // Another name of the pipeline's file.
            #expect(Glibc.link(fixture.workspace + "/roost.toml", fixture.workspace + "/target/same") == 0)
            let listing = try fixture.listing([".git", ".git/config", ".roost/runs", "*.toml", "target"])
            let plan = WipePlan(listing)
            #expect(plan.removals.map(\.path.description) == ["target"])
            #expect(plan.kept.map(\.path.description) == [".git", ".roost/runs", "roost.toml"])
            #expect(plan.kept.allSatisfy { $0.reason == .protected })
            // A plan that says otherwise is not believed.
            let removal = try WipeRemoval(
                root: try OpenFolder.open(trusted: fixture.workspace),
                protected: WorkspaceFixture.protected
            )
            for candidate in listing.candidates where candidate.path.description != "target" {
                #expect(removal.remove(candidate).map(\.reason) == [.protected])
            }
            #expect(try fixture.wipe(["target"]) == [WipeRemark(WorkspacePath("target/same"), .protected)])
            #expect(
                fixture.exists(".git/config") && fixture.exists(".roost/runs/1/log") && fixture.exists("roost.toml")
            )
            #expect(fixture.exists("target/same"))
            #expect(!fixture.exists("target/file"))
        }
    }

    @Test(
        "a wipe stops at a mount, of another file system or of the same, and removes what is around it",
        .enabled(if: TestMount.isPossible, "needs root to mount"),
        arguments: [true, false]
    )
    func mounts(isOtherDevice: Bool) async throws {
        try await WorkspaceFixture.with { fixture in
            try fixture.write("target/debug/file")
            let place = fixture.workspace + "/target/debug/mnt"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
            let options = isOtherDevice ? ["-t", "tmpfs", "tmpfs"] : ["--bind", fixture.outside]
            try await TestMount.with(options, on: place) {
                try Data("alive".utf8).write(to: URL(filePath: place + "/canary"))
                let plan = WipePlan(try fixture.listing(["target"]))
                let mount = WipeRemark(WorkspacePath("target/debug/mnt"), .mount)
                #expect(plan.kept == [mount])
                #expect(try fixture.wipe(["target"]) == [mount])
                #expect(fixture.exists("target/debug/mnt/canary"))
                #expect(!fixture.exists("target/debug/file"))
                // Named itself, and through it, it stays as well.
                #expect(try fixture.listing(["target/debug/mnt", "target/debug/mnt/**"]).candidates.isEmpty)
                #expect(try fixture.listing(["target/debug/mnt"]).remarks == [mount])
            }
            #expect(fixture.canaryLives)
        }
    }

    @Test("a link that takes a folder's place between look and act leads nowhere")
    func swappedOnce() async throws {
        for victim in ["target", "target/inner", "target/inner/deep"] {
            try await WorkspaceFixture.with { fixture in
                try fixture.write("target/inner/deep/file")
                let path = fixture.workspace + "/" + victim
                let left = try fixture.wipe(["target"]) { looked in
                    guard looked.description == victim else { return }
                    _ = rename(path, fixture.directory.path("aside"))
                    _ = symlink(fixture.outside, path)
                }
                #expect(left.map(\.reason) == [.changed], "\(victim)")
                #expect(fixture.canaryLives)
                #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.outside) == ["canary"])
            }
        }
    }

    @Test("another folder that takes a folder's place between look and act stays")
    func swappedFolder() async throws {
        try await WorkspaceFixture.with { fixture in
            try fixture.write("target/inner/file")
            try fixture.write("precious/file")
            let left = try fixture.wipe(["target"]) { looked in
                guard looked.description == "target/inner" else { return }
                _ = rename(fixture.workspace + "/target/inner", fixture.directory.path("aside"))
                _ = rename(fixture.workspace + "/precious", fixture.workspace + "/target/inner")
            }
            #expect(left == [WipeRemark(WorkspacePath("target/inner"), .changed)])
            #expect(fixture.exists("target/inner/file"))
        }
    }

    @Test("links swapped in and out all the time by somebody else lead nowhere")
    func swappedAllTheTime() async throws {
        try await WorkspaceFixture.with { fixture in
            let isOver = Latch()
            let swaps = Shared(0)
            let folder = fixture.workspace + "/target/inner"
            let outside = fixture.outside
            let aside = fixture.directory.path("aside")
            async let swapping: Void = FileWork.run {
                while !isOver.isOpen {
                    guard rename(folder, aside) == 0 else { continue }
                    if symlink(outside, folder) == 0 { swaps.update { $0 += 1 } }
                    unlink(folder)
                    if rename(aside, folder) != 0 {
                        unlink(aside + "/file")
                        rmdir(aside)
                    }
                }
            }
            while swaps.value < 300 {
                // Both can find that the other has just moved their folder.
                try? fixture.write("target/inner/file")
                _ = try? fixture.wipe(["target"])
                if !fixture.canaryLives { break }
            }
            isOver.open()
            await swapping
            let left = try FileManager.default.contentsOfDirectory(atPath: outside)
            #expect(left.contains("canary"))
            #expect(fixture.canaryLives)
        }
    }

    @Test("folders nested deeper than descriptors reach are counted and removed")
    func deep() async throws {
        try await WorkspaceFixture.with { fixture in
            let depth = 1500
            var folder = open(fixture.workspace, O_RDONLY | O_DIRECTORY)
            for level in 0..<depth {
                let name = level == 0 ? "target" : "d"
                #expect(mkdirat(folder, name, 0o700) == 0)
                let inner = openat(folder, name, O_RDONLY | O_DIRECTORY)
                close(folder)
                folder = inner
            }
            close(folder)
            let entries = try fixture.listing(["target"]).candidates.first?.entries
            #expect(entries == depth)
            let remarks = try fixture.wipe(["target"])
            #expect(remarks.isEmpty)
            #expect(!fixture.exists("target"))
        }
    }

    @Test("names of any bytes are removed")
    func anyBytes() async throws {
        try await WorkspaceFixture.with { fixture in
            try fixture.write("target/ordinary")
            for name in ["\u{1b}[2J", "new\nline", "-rf", "ä"] { try fixture.write("target/" + name) }
            let folder = open(fixture.workspace + "/target", O_RDONLY | O_DIRECTORY)
            let name: [CChar] = [-1, -2, 0]
            let file = openat(folder, name, O_CREAT | O_WRONLY, 0o600)
            #expect(file >= 0)
            close(file)
            close(folder)
            let remarks = try fixture.wipe(["target/*"])
            #expect(remarks.isEmpty)
            let left = try FileManager.default.contentsOfDirectory(atPath: fixture.workspace + "/target")
            #expect(left.isEmpty)
        }
    }

    @Test("what is protected is so in capitals, too")
    func capitals() throws {
        #expect(WorkspaceFixture.protected.covers(WorkspacePath(".GIT/objects")))
        #expect(WorkspaceFixture.protected.covers(WorkspacePath("Roost.toml")))
        #expect(WorkspaceFixture.protected.covers(WorkspacePath("")))
        #expect(!WorkspaceFixture.protected.covers(WorkspacePath("x/.git")))
    }

    @Test("a wipe that is stopped says so, and removes nothing more")
    func stopped() async throws {
        try await WorkspaceFixture.with { fixture in
            try fixture.write("target/file")
            let plan = WipePlan(try fixture.listing(["target"]))
            let removal = try WipeRemoval(
                root: try OpenFolder.open(trusted: fixture.workspace),
                protected: WorkspaceFixture.protected,
                shouldStop: { true }
            )
            #expect(plan.removals.flatMap { removal.remove($0) }.map(\.reason) == [.interrupted])
            #expect(fixture.exists("target/file"))
        }
    }
}
