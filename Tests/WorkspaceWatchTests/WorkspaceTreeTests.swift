import Foundation
import Pipeline
import RoostTesting
import Subprocess
import Testing

@testable import WorkspaceWatch

/// On the kernel's own queue: what has happened in a folder is in it by the time that the call which did it returns.
@Suite("A watched workspace", .timeLimit(.minutes(1)))
struct WorkspaceTreeTests {
    private func with(
        _ rules: WatchRules = WatchRules(pipelineFile: "roost.toml"),
        files: [String] = ["roost.toml", "src/main.c"],
        _ body: (TemporaryDirectory, WorkspaceWatch) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            for file in files {
                try directory.write("x", to: file)
                waitUntilWritten(directory.path(file))
            }
            try await body(directory, try WorkspaceWatch(directory.path, rules: rules))
        }
    }

    private func overwrite(_ path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        #expect(descriptor >= 0 && Foundation.write(descriptor, "y", 1) == 1)
        close(descriptor)
        waitUntilWritten(path)
    }

    /// A process that another test is starting has, until its program is executed, a copy of each descriptor of this one; and
    /// only with the last copy is a file closed. The kernel gives a lease for reading where nobody has it open for writing.
    private func waitUntilWritten(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        #expect(descriptor >= 0)
        defer { close(descriptor) }
        while fcntl(descriptor, 1024 /* F_SETLEASE */, F_RDLCK) != 0, errno == EAGAIN { sched_yield() }
        #expect(fcntl(descriptor, 1024, F_UNLCK) == 0)
    }

    @Test(
        "writing, making, moving and removing are told, with whether something was there; reading and attributes are not"
    )
    func kinds() async throws {
        try await with(files: ["roost.toml", "src/main.c", "a", "b", "c"]) { directory, watch in
            #expect(try watch.take().isEmpty)
            _ = try String(contentsOfFile: directory.path("src/main.c"), encoding: .utf8)
            #expect(chmod(directory.path("a"), 0o600) == 0)
            #expect(try watch.take().isEmpty)
            overwrite(directory.path("src/main.c"))
            #expect(try watch.take() == [Change("src/main.c", wasThere: true)])
            overwrite(directory.path("src/new.c"))
            #expect(try watch.take() == [Change("src/new.c", wasThere: false)])
            #expect(unlink(directory.path("a")) == 0)
            #expect(rename(directory.path("b"), directory.path("b2")) == 0)
            #expect(rename(directory.path("b2"), directory.path("c")) == 0)
            #expect(
                try watch.take() == [
                    Change("a", wasThere: true), Change("b", wasThere: true), Change("b2", wasThere: false),
                    Change("c", wasThere: true),
                ]
            )
        }
    }

    @Test(
        "folders that come are watched with all that they hold, those that go are not, and one that moves has its new name"
    )
    func folders() async throws {
        try await with { directory, watch in
            #expect(watch.folders == 2)
            try FileManager.default.createDirectory(
                atPath: directory.path("one/two/three"),
                withIntermediateDirectories: true
            )
            #expect(Set(try watch.take().map(\.path)) == ["one", "one/two", "one/two/three"])
            #expect(watch.folders == 5)
            overwrite(directory.path("one/two/three/file"))
            #expect(try watch.take() == [Change("one/two/three/file", wasThere: false)])
            #expect(rename(directory.path("one"), directory.path("moved")) == 0)
            _ = try watch.take()
            overwrite(directory.path("moved/two/three/file"))
            #expect(try watch.take() == [Change("moved/two/three/file", wasThere: true)])
            try FileManager.default.removeItem(atPath: directory.path("moved"))
            _ = try watch.take()
            #expect(watch.folders == 2)
        }
    }

    @Test("links are not followed, be it to a folder elsewhere or to one above")
    func links() async throws {
        try await TemporaryDirectory.with { elsewhere in
            try elsewhere.write("x", to: "deep/file")
            try await with { directory, watch in
                #expect(symlink(elsewhere.path, directory.path("away")) == 0)
                #expect(symlink(directory.path, directory.path("src/up")) == 0)
                #expect(Set(try watch.take().map(\.path)) == ["away", "src/up"])
                #expect(watch.folders == 2)
                overwrite(elsewhere.path("deep/file"))
                #expect(try watch.take().isEmpty)
                let again = try WorkspaceWatch(directory.path, rules: WatchRules(pipelineFile: "roost.toml"))
                #expect(again.folders == 2)
            }
        }
    }

    @Test("what the rules leave out is not watched, also where they change")
    func rules() async throws {
        var rules = WatchRules(pipelineFile: "roost.toml")
        rules.wipe = [try WipePattern(parsing: "target")]
        try await with(rules, files: ["roost.toml", "src/main.c", "target/a/b", "big/1/x"]) { directory, watch in
            #expect(watch.folders == 4)
            overwrite(directory.path("target/a/b"))
            try directory.write("x", to: ".git/objects/1")
            #expect(try watch.take().isEmpty)
            var other = WatchRules(pipelineFile: "roost.toml")
            other.ignoredByGit = ["big"]
            try watch.use(other)
            #expect(watch.folders == 4)
            overwrite(directory.path("big/1/x"))
            #expect(try watch.take().isEmpty)
            overwrite(directory.path("target/a/b"))
            #expect(try watch.take() == [Change("target/a/b", wasThere: true)])
        }
    }

    @Test("a queue that overflows counts as a change of everything, and all is watched afterwards")
    func overflow() async throws {
        let text = try String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
        let limit = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        try await TemporaryDirectory.with { directory in
            for name in ["a", "b"] { try directory.write("x", to: name) }
            // Nobody reads the queue meanwhile.
            let inotify = try Inotify()
            var tree = try WatchedTree(
                root: directory.path,
                inotify: inotify,
                rules: WatchRules(pipelineFile: "roost.toml")
            )
            // Neighbours that are equal would be one event. A file can't always be opened where other tests hold many.
            for number in 0..<(limit + limit / 4) { overwrite(directory.path(number.isMultiple(of: 2) ? "a" : "b")) }
            try FileManager.default.createDirectory(
                atPath: directory.path("late"),
                withIntermediateDirectories: false
            )
            #expect(try tree.read().contains(.everything))
            #expect(tree.count == 2)
            overwrite(directory.path("late/file"))
            #expect(try tree.read().first == Change("late/file", wasThere: false))
        }
    }

    @Test("who waits is woken by a change, and by nothing else before its time")
    func wakes() async throws {
        try await with { directory, watch in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await watch.waitForNews() }
                overwrite(directory.path("src/main.c"))
            }
            let woken = try watch.take()
            #expect(woken == [Change("src/main.c", wasThere: true)])
            await watch.waitForNews(until: .now + .milliseconds(5))
            let later = try watch.take()
            #expect(later.isEmpty)
        }
    }

    @Test("a workspace that is removed or moved away is told")
    func gone() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.path("project")
            try directory.write("x", to: "project/file")
            let watch = try WorkspaceWatch(path, rules: WatchRules(pipelineFile: "roost.toml"))
            #expect(rename(path, directory.path("other")) == 0)
            #expect(throws: WatchFailure.gone(path)) { try watch.take() }
            #expect(throws: WatchFailure.gone(path)) {
                try WorkspaceWatch(path, rules: WatchRules(pipelineFile: "roost.toml"))
            }
        }
    }

    @Test("the kernel's limits are told with the settings that raise them")
    func limits() {
        #expect(WatchFailure(ENOSPC, at: "/x").description.contains("sysctl fs.inotify.max_user_watches="))
        #expect(WatchFailure(EMFILE, at: "/x").description.contains("sysctl fs.inotify.max_user_instances="))
        #expect(WatchFailure(EIO, at: "/x").description.contains("/x can't be watched: "))
    }

    @Test(
        "git tells what it ignores, folders as a whole, and of paths that are not there; without a repository nothing is"
    )
    func git() async throws {
        try await TemporaryDirectory.with { directory in
            let git = GitIgnore(root: directory.path)
            #expect(await git.present().isEmpty)
            // More than a pipe holds, which git does not read.
            #expect(await git.ignored(among: (0..<20_000).map { "\($0).log" }).isEmpty)
            _ = try await Subprocess.run(
                .name("git"),
                arguments: ["init", "-q", directory.path],
                output: .discarded,
                error: .discarded
            )
            for file in ["a.log", "keep.log", "node_modules/x/y.js", "src/main.c", "sub/out/1"] {
                try directory.write("x", to: file)
            }
            try directory.write("*.log\n!keep.log\nnode_modules/\n", to: ".gitignore")
            try directory.write("out\n", to: "sub/.gitignore")
            #expect(await git.present() == ["a.log", "node_modules", "sub/out"])
            #expect(
                await git.ignored(among: ["", "new.log", "keep.log", "src/main.c", "node_modules/z", "sub/out/2"])
                    == ["new.log", "node_modules/z", "sub/out/2"]
            )
        }
    }
}
