import CWorkspaceFiles
import Foundation
import RoostTesting
import Testing

@testable import Pipeline

/// A workspace of a test's own, beside a folder that nothing may touch.
struct WorkspaceFixture {
    let directory: TemporaryDirectory

    var workspace: String { directory.path("project") }
    var outside: String { directory.path("outside") }
    var canary: String { outside + "/canary" }

    static func with(_ body: (WorkspaceFixture) async throws -> Void) async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write("alive", to: "outside/canary")
            try directory.write("stages_order = []", to: "project/roost.toml")
            try directory.write("[core]", to: "project/.git/config")
            try directory.write("line", to: "project/.roost/runs/1/log")
            try await body(WorkspaceFixture(directory: directory))
        }
    }

    func write(_ name: String, _ text: String = "x") throws { try directory.write(text, to: "project/" + name) }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: workspace + "/" + name, withDestinationPath: target)
    }

    var canaryLives: Bool { (try? String(contentsOfFile: canary, encoding: .utf8)) == "alive" }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return lstat(workspace + "/" + name, &status) == 0
    }

    /// A file or a folder that nobody has made.
    static func status(inode: UInt64, links: UInt64, isFolder: Bool) -> FileStatus {
        var entry = roost_entry()
        entry.device = 1
        entry.inode = inode
        entry.mode = UInt32(isFolder ? S_IFDIR : S_IFREG)
        entry.links = links
        return FileStatus(entry)
    }

    // MARK: - Wipes

    static let protected = ProtectedPaths(fileName: "roost.toml")

    func listing(_ patterns: [String]) throws -> WipeListing {
        try WipeListing.read(
            patterns.map { try WipePattern(parsing: $0) },
            in: try OpenFolder.open(trusted: workspace),
            protected: Self.protected,
            shouldStop: { false }
        )
    }

    /// Removes what patterns name.
    ///
    /// - Returns: What is left of each, and why.
    @discardableResult
    func wipe(
        _ patterns: [String],
        betweenLookAndAct: @escaping (WorkspacePath) -> Void = { _ in }
    ) throws -> [WipeRemark] {
        let plan = WipePlan(try listing(patterns))
        let removal = try WipeRemoval(
            root: try OpenFolder.open(trusted: workspace),
            protected: Self.protected,
            betweenLookAndAct: betweenLookAndAct
        )
        return plan.removals.flatMap { removal.remove($0) }
    }
}
