import CWorkspaceFiles
import Foundation
import RoostCore

/// Which file it is, whatever its name.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
}

/// A time as file systems stamp it.
package struct FileTime: Hashable, Sendable, Comparable {
    let seconds: Int64
    let nanoseconds: UInt32

    /// The time that a change would be stamped with now.
    package static var now: FileTime {
        var seconds: Int64 = 0
        var nanoseconds: UInt32 = 0
        roost_file_clock(&seconds, &nanoseconds)
        return FileTime(seconds: seconds, nanoseconds: nanoseconds)
    }

    package static func < (left: FileTime, right: FileTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

/// What lies at a name; of a link, the link itself.
struct FileStatus: Hashable, Sendable {
    enum Kind: String, Sendable, Hashable { case folder, file, link, other }

    let identity: FileIdentity
    let kind: Kind
    /// The mount that it lies on; 0 where the kernel does not tell.
    let mount: UInt64
    let links: UInt64
    /// On the disk.
    let size: ByteCount
    let permissions: mode_t
    let owner: uid_t
    let group: gid_t
    /// When its content, owner, permissions or number of links last changed.
    let changed: FileTime

    init(_ entry: roost_entry) {
        identity = FileIdentity(device: entry.device, inode: entry.inode)
        switch entry.mode & UInt32(S_IFMT) {
        case UInt32(S_IFDIR): kind = .folder
        case UInt32(S_IFREG): kind = .file
        case UInt32(S_IFLNK): kind = .link
        default: kind = .other
        }
        mount = entry.mount
        links = entry.links
        size = ByteCount(Int64(clamping: entry.allocated))
        permissions = mode_t(entry.mode & 0o7777)
        owner = entry.owner
        group = entry.group
        changed = FileTime(seconds: entry.changed_seconds, nanoseconds: entry.changed_nanoseconds)
    }
}

/// A call of the operating system that failed.
struct FileError: Error, Hashable, CustomStringConvertible {
    let code: Int32

    /// The caller may not do it; somebody with more rights may.
    var isDenied: Bool { code == EACCES || code == EPERM }
    /// What was there is there no more, or is something else by now.
    var isChange: Bool { [ENOENT, ENOTDIR, ELOOP, EISDIR].contains(code) }

    var description: String { String(cString: strerror(code)) }
}
