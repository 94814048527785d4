import CWorkspaceFiles
import Foundation

/// An open folder, closed with its last reference.
///
/// Everything in it is reached by one name relative to the descriptor and never through a link, so that nobody who
/// changes names meanwhile can lead a call elsewhere.
final class OpenFolder: Sendable {
    let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC

    /// Opens the folder at a path that is trusted: links on the way are followed.
    static func open(trusted path: String) throws(FileError) -> OpenFolder {
        let descriptor = Glibc.open(path, flags)
        guard descriptor >= 0 else { throw FileError(code: errno) }
        return OpenFolder(descriptor)
    }

    /// Opens a folder in this one; a link in its place is an error.
    func folder(_ name: EntryName) throws(FileError) -> OpenFolder {
        let inner = name.withCString { openat(descriptor, $0, Self.flags | O_NOFOLLOW) }
        guard inner >= 0 else { throw FileError(code: errno) }
        return OpenFolder(inner)
    }

    /// The folder that this one lies in, where that is still the one it was.
    func parent(_ identity: FileIdentity) throws(FileError) -> OpenFolder {
        let outer = try folder(EntryName(".."))
        guard try outer.status().identity == identity else { throw FileError(code: ENOENT) }
        return outer
    }

    func status() throws(FileError) -> FileStatus { try look("") }

    func status(of name: EntryName) throws(FileError) -> FileStatus {
        var entry = roost_entry()
        let code = name.withCString { roost_look(descriptor, $0, &entry) }
        guard code == 0 else { throw FileError(code: code) }
        return FileStatus(entry)
    }

    private func look(_ name: String) throws(FileError) -> FileStatus {
        var entry = roost_entry()
        let code = roost_look(descriptor, name, &entry)
        guard code == 0 else { throw FileError(code: code) }
        return FileStatus(entry)
    }

    /// What is in the folder, in no order, without `.` and `..`.
    func entries() throws(FileError) -> [FolderEntry] {
        // The stream owns its descriptor, and its position is shared with no other.
        let own = openat(descriptor, ".", Self.flags)
        guard own >= 0 else { throw FileError(code: errno) }
        guard let stream = fdopendir(own) else {
            let code = errno
            close(own)
            throw FileError(code: code)
        }
        defer { closedir(stream) }
        guard let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name) else { return [] }
        var entries: [FolderEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw FileError(code: errno) }
                return entries
            }
            // The kernel's entry ends with its name: it may be shorter than the type.
            let start = (UnsafeRawPointer(entry) + nameOffset).assumingMemoryBound(to: UInt8.self)
            let name = EntryName(UnsafeBufferPointer(start: start, count: strlen(UnsafePointer(OpaquePointer(start)))))
            if name.bytes == [46] || name.bytes == [46, 46] { continue }
            let mayBeFolder = entry.pointee.d_type == UInt8(DT_DIR) || entry.pointee.d_type == UInt8(DT_UNKNOWN)
            entries.append(FolderEntry(name: name, mayBeFolder: mayBeFolder))
        }
    }

    /// Removes an entry that is no folder; a link goes itself.
    func unlink(_ name: EntryName) throws(FileError) {
        guard name.withCString({ unlinkat(descriptor, $0, 0) }) == 0 else { throw FileError(code: errno) }
    }

    /// Removes an empty folder.
    func removeFolder(_ name: EntryName) throws(FileError) {
        guard name.withCString({ unlinkat(descriptor, $0, Int32(AT_REMOVEDIR)) }) == 0 else {
            throw FileError(code: errno)
        }
    }

    func setPermissions(_ permissions: mode_t) throws(FileError) {
        guard fchmod(descriptor, permissions) == 0 else { throw FileError(code: errno) }
    }

    /// Gives an entry to another owner, where it is still the one that was looked at.
    ///
    /// - Returns: False where it is another by now, or has more or fewer links.
    func give(_ name: EntryName, _ expected: FileStatus, to owner: FileOwner) throws(FileError) -> Bool {
        let pinned = name.withCString { roost_pin(descriptor, $0) }
        guard pinned >= 0 else { throw FileError(code: errno) }
        defer { close(pinned) }
        var entry = roost_entry()
        let looked = roost_look(pinned, "", &entry)
        guard looked == 0 else { throw FileError(code: looked) }
        let now = FileStatus(entry)
        guard now.identity == expected.identity, now.links == expected.links, now.mount == expected.mount else {
            return false
        }
        let given = roost_give(pinned, owner.user, owner.group)
        guard given == 0 else { throw FileError(code: given) }
        return true
    }
}

/// A name in a folder.
struct FolderEntry: Hashable, Sendable {
    let name: EntryName
    /// False where the file system says that it is none.
    let mayBeFolder: Bool
}

/// A user and a group, as numbers.
struct FileOwner: Hashable, Sendable {
    let user: uid_t
    let group: gid_t
}
