import Foundation

/// Why a workspace can't be watched.
package enum WatchFailure: Error, Hashable, CustomStringConvertible {
    /// More folders than the kernel watches for one user.
    case tooManyFolders
    /// More programs that watch than the kernel allows one user.
    case tooManyWatchers
    case unreadable(String, code: Int32)
    /// The workspace itself has been removed or moved away.
    case gone(String)

    init(_ code: Int32, at path: String) {
        self =
            switch code {
            case ENOSPC: .tooManyFolders
            case EMFILE: .tooManyWatchers
            default: .unreadable(path, code: code)
            }
    }

    package var description: String {
        switch self {
        case .tooManyFolders:
            "the project folder has more folders than the kernel watches for you: raise fs.inotify.max_user_watches, such "
                + "as by 'sysctl fs.inotify.max_user_watches=1048576', or have .gitignore or [workspace] wipe name those "
                + "that need not be watched"
        case .tooManyWatchers:
            "the kernel lets you watch no more: end other programs that watch files, or raise "
                + "fs.inotify.max_user_instances, such as by 'sysctl fs.inotify.max_user_instances=1024'"
        case .unreadable(let path, let code): "\(path) can't be watched: \(String(cString: strerror(code)))"
        case .gone(let path): "\(path) is not there any more: there is nothing to watch"
        }
    }
}

/// The kernel's queue of what happens in folders: inotify(7).
final class Inotify: Sendable {
    struct Event {
        let watch: Int32
        let mask: UInt32
        /// Empty where the event is about the folder itself.
        let name: String

        func has(_ flags: Int32...) -> Bool { flags.contains { mask & UInt32(bitPattern: $0) != 0 } }
        var isFolder: Bool { mask & UInt32(IN_ISDIR) != 0 }
        var isOverflow: Bool { mask & UInt32(IN_Q_OVERFLOW) != 0 }
    }

    /// Writing is noticed when the writer closes the file: whoever writes in pieces has finished then. Changed attributes are
    /// none: what a run gives back to its owner has not changed.
    private static let mask = UInt32(
        bitPattern: Int32(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
            | Int32(IN_DELETE_SELF | IN_MOVE_SELF) | Int32(bitPattern: UInt32(IN_ONLYDIR))
            | Int32(bitPattern: UInt32(IN_DONT_FOLLOW)) | Int32(bitPattern: UInt32(IN_EXCL_UNLINK))
    )

    let descriptor: Int32

    init() throws(WatchFailure) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        if descriptor < 0 { throw WatchFailure(errno, at: "inotify") }
    }

    deinit { close(descriptor) }

    /// Watches a folder, but no link to one.
    ///
    /// - Returns: The watch's number; `nil` where there is no such folder, or none that may be read.
    func watch(_ path: String) throws(WatchFailure) -> Int32? {
        let watch = inotify_add_watch(descriptor, path, Self.mask)
        if watch >= 0 { return watch }
        switch errno {
        case ENOENT, ENOTDIR, ELOOP, EACCES, ENAMETOOLONG: return nil
        case let code: throw WatchFailure(code, at: path)
        }
    }

    func forget(_ watch: Int32) { inotify_rm_watch(descriptor, watch) }

    /// What has happened since the last time, in its order; empty where nothing has. Does not wait.
    func read() throws(WatchFailure) -> [Event] {
        var events: [Event] = []
        let size = 64 * 1024
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: size,
            alignment: MemoryLayout<inotify_event>.alignment
        )
        defer { buffer.deallocate() }
        let count = Foundation.read(descriptor, buffer.baseAddress, size)
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return [] }
            throw WatchFailure(errno, at: "inotify")
        }
        var place = 0
        let header = MemoryLayout<inotify_event>.size
        while place + header <= count {
            let event = buffer.loadUnaligned(fromByteOffset: place, as: inotify_event.self)
            let name = buffer[(place + header)..<min(place + header + Int(event.len), count)].prefix { $0 != 0 }
            events.append(Event(watch: event.wd, mask: event.mask, name: String(decoding: name, as: UTF8.self)))
            place += header + Int(event.len)
        }
        return events
    }
}
