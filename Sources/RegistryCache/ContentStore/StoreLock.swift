import Glibc
import Synchronization

/// The lock on a store's folder: two stores with their own accounts of it would break its cap.
final class StoreLock: Sendable {
    private let descriptor: Mutex<CInt>

    /// - Parameter folder: The folder, which is there.
    /// - Throws: ``ContentStoreError/inUse(folder:)``, or what the disk says.
    init(folder: String) throws(ContentStoreError) {
        let opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw .file(FileFault(operation: "open", path: folder, code: errno)) }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(opened)
            if code == EWOULDBLOCK { throw .inUse(folder: folder) }
            throw .file(FileFault(operation: "flock", path: folder, code: code))
        }
        descriptor = Mutex(opened)
    }

    deinit { release() }

    /// Lets others open the folder; does nothing the second time.
    func release() {
        let held = descriptor.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
        guard held >= 0 else { return }
        // A process that is being started has a copy of the descriptor until its program is executed, and closing this one leaves
        // the lock with that; unlocking ends it for all copies (flock(2)).
        flock(held, LOCK_UN)
        close(held)
    }
}
