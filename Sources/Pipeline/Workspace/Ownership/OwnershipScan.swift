import Foundation

/// An entry of the workspace that belongs to somebody else.
struct ForeignEntry: Hashable, Sendable {
    let path: WorkspacePath
    let status: FileStatus
}

/// What changed in a workspace since a run began and does not belong to whom it should: facts.
struct OwnershipFacts: Hashable, Sendable {
    var entries: [ForeignEntry] = []
    /// Changed folders of others that the caller may not look into.
    var closed: [WorkspacePath] = []
    /// How many names of each file with several were found.
    var namesFound: [FileIdentity: Int] = [:]
}

/// Walks through a workspace for what others own.
///
/// A folder whose last change is older than the run has got no new entry in it: its files are not looked at one by one,
/// which is what makes the walk cheap.
struct OwnershipScan: FolderVisitor {
    private let owner: uid_t
    private let since: FileTime
    /// Looks at every file: finds the other names of files that have several.
    private let looksAtAll: Bool
    private var isChanged: [Bool]
    private(set) var facts = OwnershipFacts()
    private let stop: () -> Bool

    private init(owner: uid_t, since: FileTime, looksAtAll: Bool, rootChanged: Bool, stop: @escaping () -> Bool) {
        self.owner = owner
        self.since = since
        self.looksAtAll = looksAtAll
        self.stop = stop
        isChanged = [rootChanged]
    }

    /// Looks at a workspace.
    ///
    /// - Parameters:
    ///   - root: The workspace, which is itself left out.
    ///   - owner: Whose files are of no interest.
    ///   - since: Nor are those that have not changed since.
    ///   - shouldStop: True ends the look where it is.
    /// - Returns: What belongs to others.
    /// - Throws: ``FileError`` where the workspace itself can't be looked at.
    static func read(
        _ root: OpenFolder,
        owner: uid_t,
        since: FileTime,
        shouldStop: @escaping () -> Bool
    ) throws(FileError) -> OwnershipFacts {
        let status = try root.status()
        let walk = FolderWalk(boundary: .init(status))
        func scan(all: Bool) -> OwnershipFacts {
            let changed = all || status.changed >= since
            var scan = OwnershipScan(
                owner: owner,
                since: since,
                looksAtAll: all,
                rootChanged: changed,
                stop: shouldStop
            )
            walk.walk(root, at: .root, &scan)
            return scan.facts
        }
        let facts = scan(all: false)
        // The other names of a file may lie where nothing else has changed.
        let isIncomplete = facts.entries.contains { entry in
            entry.status.hasOtherNames && facts.namesFound[entry.status.identity] ?? 0 < Int(entry.status.links)
        }
        return isIncomplete ? scan(all: true) : facts
    }

    var shouldStop: Bool { stop() }

    mutating func wants(_ entry: FolderEntry, in _: WorkspacePath) -> Bool {
        entry.mayBeFolder || isChanged[isChanged.count - 1]
    }

    mutating func visit(_ entry: WalkedEntry) { note(entry) }

    mutating func enter(_ entry: WalkedEntry) -> Bool {
        note(entry)
        isChanged.append(looksAtAll || entry.status.changed >= since)
        return true
    }

    mutating func leave(_: WalkedEntry) { isChanged.removeLast() }

    mutating func refuse(_ path: WorkspacePath, _ refusal: WalkRefusal, entered: Bool) {
        if entered, isChanged.count > 1 { isChanged.removeLast() }
        if case .failed(let error) = refusal, error.isDenied, facts.entries.last?.path == path {
            facts.closed.append(path)
        }
    }

    private mutating func note(_ entry: WalkedEntry) {
        let status = entry.status
        guard status.owner != owner else { return }
        if status.hasOtherNames { facts.namesFound[status.identity, default: 0] += 1 }
        if status.changed >= since { facts.entries.append(ForeignEntry(path: entry.path, status: status)) }
    }
}

extension FileStatus {
    /// Whether a file has several names; folders count their own `.` and `..`.
    var hasOtherNames: Bool { kind != .folder && links > 1 }
}
