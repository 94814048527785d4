import Foundation
import SystemPackage

/// Tells each time that any process has read from a file, as inotify(7) does.
final class FileReads: Sendable {
    private let descriptor: Int32

    /// - Parameter path: The file; links on the way to it are followed.
    /// - Throws: `Errno`, where the system does not watch the file.
    init(of path: String) throws {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        guard inotify_add_watch(descriptor, path, UInt32(IN_ACCESS)) >= 0 else {
            throw Errno(rawValue: errno)
        }
    }

    deinit { close(descriptor) }

    /// Waits for at least one read after the one that the last call told of.
    func next() async throws {
        // One event at a time: the file's own have no name.
        var event = inotify_event()
        while read(descriptor, &event, MemoryLayout<inotify_event>.size) < 0 {
            guard errno == EAGAIN || errno == EINTR else { throw Errno(rawValue: errno) }
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
