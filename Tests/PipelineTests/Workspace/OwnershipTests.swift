import Foundation
import RoostCore
import Testing

@testable import Pipeline

@Suite("Whom the files of steps are given to")
struct OwnershipTests {
    private func decide(_ user: uid_t, sudo: uid_t? = nil, folder: (uid_t, gid_t)) -> OwnershipTarget? {
        OwnershipTarget.decide(
            OwnershipTarget.Caller(user: user, group: user + 1, sudoUser: sudo),
            folder: FileOwner(user: folder.0, group: folder.1)
        )
    }

    @Test("the caller, with the folder's group in a folder of their own; root only on behalf of the folder's owner")
    func targets() {
        #expect(decide(1000, folder: (1000, 50))?.owner == FileOwner(user: 1000, group: 50))
        #expect(decide(1000, folder: (1000, 50))?.isFoldersOwner == true)
        #expect(decide(1000, folder: (0, 0))?.owner == FileOwner(user: 1000, group: 1001))
        #expect(decide(1000, folder: (0, 0))?.isFoldersOwner == false)
        #expect(decide(0, folder: (1000, 1000)) == nil)
        #expect(decide(0, sudo: 0, folder: (0, 0)) == nil)
        #expect(decide(0, sudo: 1000, folder: (1001, 50)) == nil)
        #expect(decide(0, sudo: 1000, folder: (1000, 50))?.owner == FileOwner(user: 1000, group: 50))
        // Only root's word counts.
        #expect(decide(1000, sudo: 1001, folder: (1001, 50))?.owner == FileOwner(user: 1000, group: 1001))
    }

    @Test("a file is given where all of its names were found, and left where one is missing")
    func names() {
        func entry(_ path: String, inode: UInt64, links: UInt64, isFolder: Bool = false) -> ForeignEntry {
            ForeignEntry(
                path: WorkspacePath(path),
                status: WorkspaceFixture.status(inode: inode, links: links, isFolder: isFolder)
            )
        }
        var facts = OwnershipFacts()
        facts.entries = [
            entry("c", inode: 3, links: 2), entry("a", inode: 1, links: 1), entry("b", inode: 2, links: 2),
            entry("d", inode: 2, links: 2), entry("folder", inode: 4, links: 7, isFolder: true),
        ]
        facts.namesFound = [FileIdentity(device: 1, inode: 2): 2, FileIdentity(device: 1, inode: 3): 1]
        facts.closed = [WorkspacePath("z"), WorkspacePath("y")]
        let plan = OwnershipPlan(facts)
        #expect(plan.given.map(\.path.description) == ["a", "b", "d", "folder"])
        #expect(plan.left.map(\.description) == ["c"])
        #expect(plan.closed.map(\.description) == ["y", "z"])
    }

    @Test("a scan finds what has changed since the run began, and looks into no file of a folder that has not")
    func scan() async throws {
        try await WorkspaceFixture.with { fixture in
            try fixture.write("old/file")
            try fixture.write("old/deeper/file")
            let root = try OpenFolder.open(trusted: fixture.workspace)
            func read(since: FileTime) throws -> [String] {
                // Everything here is somebody else's.
                let facts = try OwnershipScan.read(root, owner: geteuid() + 1, since: since, shouldStop: { false })
                return facts.entries.map(\.path.description).sorted()
            }
            let since = FileTime(seconds: FileTime.now.seconds - 1000, nanoseconds: 0)
            #expect(try read(since: since).count == 11)
            #expect(try read(since: FileTime(seconds: FileTime.now.seconds + 1000, nanoseconds: 0)).isEmpty)
            // A mark of the file system's own: what changes after it is newer.
            let mark = try await Self.mark(in: fixture)
            try fixture.write("old/deeper/new")
            let found = try read(since: mark)
            #expect(found.contains("old/deeper/new"))
            #expect(found.contains("old/deeper"))
            #expect(!found.contains("old/file"))
            let nobodyElses = try OwnershipScan.read(root, owner: geteuid(), since: since, shouldStop: { false })
            #expect(nobodyElses == OwnershipFacts())
        }
    }

    /// A time later than all changes so far.
    ///
    /// Two ticks of the file system's clock: a change is stamped finer than the clock ticks, and a tick may be late, so that
    /// the next one can still lie before it.
    private static func mark(in fixture: WorkspaceFixture) async throws -> FileTime {
        for _ in 0..<2 {
            let before = FileTime.now
            while FileTime.now == before { await Task.yield() }
        }
        return .now
    }
}
