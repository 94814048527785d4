import Foundation

/// An entry that a walk has come to.
struct WalkedEntry {
    let folder: OpenFolder
    let folderPath: WorkspacePath
    let name: EntryName
    let status: FileStatus

    var path: WorkspacePath { folderPath.appending(name) }
}

/// Why a walk leaves something out.
enum WalkRefusal: Hashable, Sendable {
    /// Another file system, or the same one once more, is mounted there.
    case mount
    /// It was another thing a moment before.
    case changed
    case failed(FileError)
}

/// What is done on a walk.
protocol FolderVisitor {
    /// True ends the walk where it is.
    var shouldStop: Bool { get }
    /// Whether to look at an entry at all, decided by its name alone.
    mutating func wants(_ entry: FolderEntry, in folder: WorkspacePath) -> Bool
    /// An entry that is no folder.
    mutating func visit(_ entry: WalkedEntry)
    /// Whether to go into a folder.
    mutating func enter(_ entry: WalkedEntry) -> Bool
    /// All in a folder has been seen; called once for each that was gone into.
    mutating func leave(_ entry: WalkedEntry)
    /// Something is left out.
    ///
    /// - Parameters:
    ///   - path: Where it is.
    ///   - refusal: Why.
    ///   - entered: Whether ``enter(_:)`` was called for it, and ``leave(_:)`` will not be.
    mutating func refuse(_ path: WorkspacePath, _ refusal: WalkRefusal, entered: Bool)
}

extension FolderVisitor {
    var shouldStop: Bool { false }
    mutating func wants(_: FolderEntry, in _: WorkspacePath) -> Bool { true }
    mutating func leave(_: WalkedEntry) {}
}

/// Goes through a folder and what is below it, without following a link and without entering a mount.
struct FolderWalk {
    /// What the workspace lies on.
    let boundary: Boundary
    /// Called between looking at an entry and acting on it: where somebody else could change it.
    var betweenLookAndAct: (WorkspacePath) -> Void = { _ in }

    /// The file system and the mount that a walk stays on.
    struct Boundary: Hashable, Sendable {
        let device: UInt64
        let mount: UInt64

        init(_ status: FileStatus) {
            device = status.identity.device
            mount = status.mount
        }

        func contains(_ status: FileStatus) -> Bool {
            guard status.mount == mount else { return false }
            // A layered file system may number its files' devices otherwise than its folders'.
            return status.kind != .folder || status.identity.device == device
        }
    }

    /// At most this many folders are open at once; those further up are opened anew, and known by their identity.
    private static let mostOpen = 64

    private struct Frame {
        var folder: OpenFolder?
        let identity: FileIdentity
        let path: WorkspacePath
        let name: EntryName
        let status: FileStatus
        var entries: [FolderEntry]
    }

    /// Walks through an open folder.
    ///
    /// - Parameters:
    ///   - root: The folder; it is neither entered nor left.
    ///   - path: Where it is.
    ///   - visitor: What is done.
    func walk(_ root: OpenFolder, at path: WorkspacePath, _ visitor: inout some FolderVisitor) {
        let first: Frame
        do {
            let status = try root.status()
            first = Frame(
                folder: root,
                identity: status.identity,
                path: path,
                name: EntryName("."),
                status: status,
                entries: try root.entries()
            )
        } catch {
            return visitor.refuse(path, .failed(error), entered: false)
        }
        var frames = [first]
        while let last = frames.indices.last, let folder = frames[last].folder {
            if visitor.shouldStop { return }
            guard let entry = frames[last].entries.popLast() else {
                let done = frames.removeLast()
                guard let above = frames.indices.last else { return }
                do {
                    let outer = try frames[above].folder ?? folder.parent(frames[above].identity)
                    frames[above].folder = outer
                    visitor.leave(
                        WalkedEntry(folder: outer, folderPath: frames[above].path, name: done.name, status: done.status)
                    )
                } catch {
                    // The way back has gone: what is above can't be reached safely any more.
                    return visitor.refuse(frames[above].path, .changed, entered: true)
                }
                continue
            }
            guard visitor.wants(entry, in: frames[last].path) else { continue }
            if let inner = step(entry.name, in: folder, at: frames[last].path, &visitor) {
                frames.append(inner)
                if frames.count > Self.mostOpen { frames[frames.count - Self.mostOpen].folder = nil }
            }
        }
    }

    /// Looks at one entry, and goes into it where it is a folder that the visitor wants to see.
    private func step(
        _ name: EntryName,
        in folder: OpenFolder,
        at path: WorkspacePath,
        _ visitor: inout some FolderVisitor
    ) -> Frame? {
        let status: FileStatus
        do {
            status = try folder.status(of: name)
        } catch {
            if error.code != ENOENT { visitor.refuse(path.appending(name), .failed(error), entered: false) }
            return nil
        }
        let entry = WalkedEntry(folder: folder, folderPath: path, name: name, status: status)
        guard boundary.contains(status) else {
            visitor.refuse(entry.path, .mount, entered: false)
            return nil
        }
        betweenLookAndAct(entry.path)
        guard status.kind == .folder else {
            visitor.visit(entry)
            return nil
        }
        guard visitor.enter(entry) else { return nil }
        do {
            let inner = try folder.folder(name)
            let opened = try inner.status()
            guard opened.identity == status.identity else {
                visitor.refuse(entry.path, .changed, entered: true)
                return nil
            }
            guard boundary.contains(opened) else {
                visitor.refuse(entry.path, .mount, entered: true)
                return nil
            }
            return Frame(
                folder: inner,
                identity: opened.identity,
                path: entry.path,
                name: name,
                status: opened,
                entries: try inner.entries()
            )
        } catch {
            visitor.refuse(entry.path, error.isChange ? .changed : .failed(error), entered: true)
            return nil
        }
    }
}
