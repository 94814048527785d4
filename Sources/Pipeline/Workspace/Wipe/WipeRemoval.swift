import Foundation
import RoostCore

/// Removes what a plan says, looking at each thing once more just before.
struct WipeRemoval {
    let root: OpenFolder
    let protected: ProtectedPaths
    var walk: FolderWalk
    var shouldStop: () -> Bool

    /// - Parameters:
    ///   - root: The workspace.
    ///   - protected: What stays, whatever a plan says; its identities are looked up anew.
    ///   - shouldStop: True ends the removal where it is.
    ///   - betweenLookAndAct: Called between looking at an entry and acting on it.
    /// - Throws: ``FileError`` where the workspace can't be looked at.
    init(
        root: OpenFolder,
        protected: ProtectedPaths,
        shouldStop: @escaping () -> Bool = { false },
        betweenLookAndAct: @escaping (WorkspacePath) -> Void = { _ in }
    ) throws(FileError) {
        self.root = root
        self.protected = protected.identified(in: root)
        self.shouldStop = shouldStop
        walk = FolderWalk(boundary: .init(try root.status()), betweenLookAndAct: betweenLookAndAct)
    }

    /// Removes one candidate.
    ///
    /// - Returns: What is left of it, and why; empty where it has gone.
    func remove(_ candidate: WipeCandidate) -> [WipeRemark] {
        func keep(_ reason: KeepReason) -> [WipeRemark] { [WipeRemark(candidate.path, reason)] }
        if shouldStop() { return keep(.interrupted) }
        guard let (folders, name) = candidate.path.split, !protected.covers(candidate.path) else {
            return keep(.protected)
        }
        do {
            var folder = root
            for part in folders {
                folder = try folder.folder(part)
                guard walk.boundary.contains(try folder.status()) else { return keep(.mount) }
            }
            let status = try folder.status(of: name)
            guard walk.boundary.contains(status) else { return keep(.mount) }
            if protected.covers(status.identity) { return keep(.protected) }
            guard status.identity == candidate.identity else { return keep(.changed) }
            walk.betweenLookAndAct(candidate.path)
            guard status.kind == .folder else {
                try folder.unlink(name)
                return []
            }
            let inner = try folder.folder(name)
            guard try inner.status().identity == candidate.identity else { return keep(.changed) }
            var visitor = Remover(protected: protected, stop: shouldStop)
            walk.walk(inner, at: candidate.path, &visitor)
            if shouldStop() { return visitor.remarks + keep(.interrupted) }
            if visitor.remarks.isEmpty { try folder.removeFolder(name) }
            return visitor.remarks
        } catch {
            // Somebody else has removed it: that is what was wanted.
            return error.code == ENOENT ? [] : keep(Remover.reason(error))
        }
    }
}

/// Removes everything on its way.
private struct Remover: FolderVisitor {
    let protected: ProtectedPaths
    let stop: () -> Bool
    private(set) var remarks: [WipeRemark] = []
    /// For each folder on the way, how many remarks there were when it was entered.
    private var marks: [Int] = []

    init(protected: ProtectedPaths, stop: @escaping () -> Bool) {
        self.protected = protected
        self.stop = stop
    }

    var shouldStop: Bool { stop() }

    static func reason(_ error: FileError) -> KeepReason {
        switch error.code {
        case EACCES, EPERM: .denied
        case EBUSY: .mount
        case ENOTEMPTY, EEXIST: .changed
        default: error.isChange ? .changed : .failed(error.description)
        }
    }

    mutating func visit(_ entry: WalkedEntry) {
        guard !protected.covers(entry.status.identity) else {
            return remarks.append(WipeRemark(entry.path, .protected))
        }
        attempt(entry) { () throws(FileError) in try entry.folder.unlink(entry.name) }
    }

    mutating func enter(_ entry: WalkedEntry) -> Bool {
        guard !protected.covers(entry.status.identity) else {
            remarks.append(WipeRemark(entry.path, .protected))
            return false
        }
        marks.append(remarks.count)
        return true
    }

    mutating func leave(_ entry: WalkedEntry) {
        // What stays within has said why its folder stays.
        guard marks.removeLast() == remarks.count else { return }
        attempt(entry) { () throws(FileError) in try entry.folder.removeFolder(entry.name) }
    }

    mutating func refuse(_ path: WorkspacePath, _ refusal: WalkRefusal, entered: Bool) {
        if entered, !marks.isEmpty { marks.removeLast() }
        if case .failed(let error) = refusal {
            note(path, Self.reason(error))
        } else {
            note(path, KeepReason(refusal))
        }
    }

    /// Tries once more where the folder is the caller's own and only its permissions are in the way, as in the read-only
    /// folders that package managers make.
    private mutating func attempt(_ entry: WalkedEntry, _ remove: () throws(FileError) -> Void) {
        do {
            try removeInsistently(entry, remove)
        } catch {
            // Nobody may remove from a folder that is another's: the folder is named, not each of its entries.
            if error.isDenied { return note(entry.folderPath, .denied) }
            if error.code != ENOENT { note(entry.path, Self.reason(error)) }
        }
    }

    private func removeInsistently(
        _ entry: WalkedEntry,
        _ remove: () throws(FileError) -> Void
    ) throws(FileError) {
        do {
            try remove()
        } catch {
            guard error.code == EACCES else { throw error }
            let status = try entry.folder.status()
            guard status.owner == geteuid(), status.permissions & 0o300 != 0o300 else { throw error }
            try entry.folder.setPermissions(status.permissions | 0o700)
            try remove()
        }
    }

    private mutating func note(_ path: WorkspacePath, _ reason: KeepReason) {
        let remark = WipeRemark(path, reason)
        if remarks.last != remark { remarks.append(remark) }
    }
}
