import Glibc

/// The disk itself.
struct SystemFiles: StoreFiles {
    func makeFolder(_ path: String) throws(FileFault) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw fault("mkdir", path) }
    }

    func openForWriting(_ path: String) throws(FileFault) -> CInt {
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw fault("open", path) }
        return descriptor
    }

    func openForReading(_ path: String) throws(FileFault) -> CInt {
        // Without waiting: a pipe in a file's place would be waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw fault("open", path) }
        return descriptor
    }

    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: Int64) throws(FileFault) {
        guard let start = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, start + done, bytes.count - done, off_t(offset) + done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw fault("write", "") }
            done += count
        }
    }

    func cut(_ descriptor: CInt, to size: Int64) throws(FileFault) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw fault("ftruncate", "") }
    }

    func sync(_ descriptor: CInt) throws(FileFault) {
        guard fsync(descriptor) == 0 else { throw fault("fsync", "") }
    }

    func syncFolder(_ path: String) throws(FileFault) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw fault("fsync", path) }
    }

    func rename(_ path: String, to newPath: String) throws(FileFault) {
        guard Glibc.rename(path, newPath) == 0 else { throw fault("rename", path) }
    }

    func remove(_ path: String) throws(FileFault) {
        guard unlink(path) == 0 || errno == ENOENT else { throw fault("unlink", path) }
    }

    func willRecord() throws(FileFault) {}

    func freeSpace(at path: String) throws(FileFault) -> Int64 {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw fault("statvfs", path) }
        let (size, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : Int64(clamping: size)
    }

    private func fault(_ operation: String, _ path: String) -> FileFault {
        FileFault(operation: operation, path: path, code: errno)
    }
}
