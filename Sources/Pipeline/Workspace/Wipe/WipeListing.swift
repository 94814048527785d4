package import RoostCore

/// Why something stays where it is.
package enum KeepReason: Hashable, Sendable {
    /// A mount: another file system, or a bind of the same.
    case mount
    /// The repository, the logs, or the pipeline's file.
    case protected
    /// It changed while the wipe went on.
    case changed
    /// The caller may not remove it, and no container did.
    case denied
    /// The caller may not look into it.
    case unreadable
    /// The wipe was interrupted.
    case interrupted
    /// What the operating system said.
    case failed(String)

    package var description: String {
        switch self {
        case .mount: "something is mounted there; a wipe stops at mounts"
        case .protected: "it is protected from wipes"
        case .changed: "it changed while the wipe went on"
        case .denied: "you may not remove it"
        case .unreadable: "you may not look into it"
        case .interrupted: "the wipe was interrupted"
        case .failed(let problem): problem
        }
    }

    /// Whether a wipe that leaves something for this reason has done what it should.
    var isOrderly: Bool { self == .mount || self == .protected }
}

/// A place that is left as it is, and why.
package struct WipeRemark: Hashable, Sendable {
    package let path: WorkspacePath
    package let reason: KeepReason

    init(_ path: WorkspacePath, _ reason: KeepReason) {
        self.path = path
        self.reason = reason
    }
}

/// Something that a pattern names, as it was when it was looked at.
package struct WipeCandidate: Hashable, Sendable {
    package let path: WorkspacePath
    let kind: FileStatus.Kind
    let identity: FileIdentity
    /// Itself and all below it, as far as the caller may look.
    package var entries = 1
    /// On the disk; what has several names counts once.
    package var size: ByteCount
    /// What is below it and stays, or can't be looked into.
    var remarks: [WipeRemark] = []

    init(_ path: WorkspacePath, _ status: FileStatus) {
        self.path = path
        kind = status.kind
        identity = status.identity
        size = status.size
    }
}

/// What is in a workspace that patterns name: the facts that a ``WipePlan`` is made from.
package struct WipeListing: Hashable, Sendable {
    /// In the order of their paths; none lies in another.
    var candidates: [WipeCandidate] = []
    /// Places that a pattern could reach into and the walk could not.
    var remarks: [WipeRemark] = []
    /// What is protected, with its identities.
    var protected: ProtectedPaths

    init(candidates: [WipeCandidate] = [], protected: ProtectedPaths) {
        self.candidates = candidates
        self.protected = protected
    }

    /// Looks at a workspace.
    ///
    /// - Parameters:
    ///   - patterns: What to look for.
    ///   - root: The workspace.
    ///   - protected: What no pattern may reach.
    ///   - shouldStop: True ends the look where it is.
    /// - Returns: What was found.
    /// - Throws: ``FileError`` where the workspace itself can't be looked at.
    static func read(
        _ patterns: [WipePattern],
        in root: OpenFolder,
        protected: ProtectedPaths,
        shouldStop: @escaping () -> Bool
    ) throws(FileError) -> WipeListing {
        let walk = FolderWalk(boundary: .init(try root.status()))
        var search = WipeSearch(patterns: patterns, walk: walk, stop: shouldStop)
        walk.walk(root, at: .root, &search)
        var listing = WipeListing(protected: protected.identified(in: root))
        listing.candidates = search.candidates.sorted { $0.path < $1.path }
        listing.remarks = search.remarks.sorted { $0.path < $1.path }
        return listing
    }
}

/// Finds what patterns match; goes only into folders that a pattern can match within.
private struct WipeSearch: FolderVisitor {
    let patterns: [WipePattern]
    let walk: FolderWalk
    let stop: () -> Bool
    private var states: [[WipePattern.State]]
    /// Of the entry that is being looked at.
    private var next: [WipePattern.State] = []
    private(set) var candidates: [WipeCandidate] = []
    private(set) var remarks: [WipeRemark] = []

    init(patterns: [WipePattern], walk: FolderWalk, stop: @escaping () -> Bool) {
        self.patterns = patterns
        self.walk = walk
        self.stop = stop
        states = [patterns.map(\.start)]
    }

    var shouldStop: Bool { stop() }

    private var isMatch: Bool { zip(patterns, next).contains { $0.isMatch($1) } }

    mutating func wants(_ entry: FolderEntry, in _: WorkspacePath) -> Bool {
        next = zip(patterns, states[states.count - 1]).map { $0.advance($1, by: entry.name) }
        return next.contains { !$0.isEmpty } && (entry.mayBeFolder || isMatch)
    }

    mutating func visit(_ entry: WalkedEntry) {
        if isMatch { candidates.append(WipeCandidate(entry.path, entry.status)) }
    }

    mutating func enter(_ entry: WalkedEntry) -> Bool {
        guard isMatch else {
            states.append(next)
            return true
        }
        var candidate = WipeCandidate(entry.path, entry.status)
        candidate.measure(entry, walk, stop)
        candidates.append(candidate)
        return false
    }

    mutating func leave(_: WalkedEntry) { states.removeLast() }

    mutating func refuse(_ path: WorkspacePath, _ refusal: WalkRefusal, entered: Bool) {
        if entered { states.removeLast() }
        remarks.append(WipeRemark(path, KeepReason(refusal)))
    }
}

extension WipeCandidate {
    /// Adds up what is below a folder.
    fileprivate mutating func measure(_ entry: WalkedEntry, _ walk: FolderWalk, _ stop: @escaping () -> Bool) {
        do {
            let folder = try entry.folder.folder(entry.name)
            guard try folder.status().identity == entry.status.identity else { return }
            var measure = WipeMeasure(stop: stop)
            walk.walk(folder, at: entry.path, &measure)
            entries += measure.entries
            size = size + measure.size
            remarks = measure.remarks
        } catch {
            remarks = [WipeRemark(entry.path, KeepReason(error.isChange ? .changed : .failed(error)))]
        }
    }
}

private struct WipeMeasure: FolderVisitor {
    let stop: () -> Bool
    private(set) var entries = 0
    private(set) var size = ByteCount(0)
    private(set) var remarks: [WipeRemark] = []
    private var seen: Set<FileIdentity> = []

    init(stop: @escaping () -> Bool) { self.stop = stop }

    var shouldStop: Bool { stop() }

    mutating func visit(_ entry: WalkedEntry) { add(entry.status) }

    mutating func enter(_ entry: WalkedEntry) -> Bool {
        add(entry.status)
        return true
    }

    mutating func refuse(_ path: WorkspacePath, _ refusal: WalkRefusal, entered _: Bool) {
        remarks.append(WipeRemark(path, KeepReason(refusal)))
    }

    private mutating func add(_ status: FileStatus) {
        entries += 1
        guard status.links < 2 || status.kind == .folder || seen.insert(status.identity).inserted else { return }
        size = size + status.size
    }
}

extension KeepReason {
    init(_ refusal: WalkRefusal) {
        switch refusal {
        case .mount: self = .mount
        case .changed: self = .changed
        case .failed(let error): self = error.isDenied ? .unreadable : .failed(error.description)
        }
    }
}
