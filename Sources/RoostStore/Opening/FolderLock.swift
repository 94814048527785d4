import Foundation

/// A lock on a whole folder, for what two processes must not do at once to the files in it.
enum FolderLock {
    /// Runs `body` while no other process holds the lock; blocks until then.
    ///
    /// - Parameters:
    ///   - folder: The folder, which is there.
    ///   - patience: How long to wait at most.
    ///   - file: The file that the error names.
    ///   - body: What to do.
    /// - Returns: What `body` returns.
    /// - Throws: ``StoreError/locked(file:limit:holders:)``, or what `body` throws.
    static func with<Value>(
        _ folder: URL,
        patience: Duration,
        file: String,
        body: () throws -> Value
    ) throws -> Value {
        let path = folder.path(percentEncoded: false)
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StoreError.noFolder(path: path, cause: POSIXError(.init(rawValue: errno) ?? .EIO))
        }
        defer { close(descriptor) }
        let deadline = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw StoreError.noFolder(path: path, cause: POSIXError(.init(rawValue: errno) ?? .EIO))
            }
            guard ContinuousClock.now < deadline else {
                throw StoreError.locked(file: file, limit: patience, holders: LockHolders.find([path]))
            }
            usleep(10_000)
        }
        return try body()
    }
}
