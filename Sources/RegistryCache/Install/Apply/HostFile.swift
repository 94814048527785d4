import Foundation

/// Files of the host, read and replaced as a whole.
enum HostFile {
    private static let longest = 1 << 20
    private static let attempts = 100

    /// - Returns: The file's bytes; `nil` where there is none.
    /// - Throws: ``InstallFailure``.
    static func read(_ path: String) throws(InstallFailure) -> [UInt8]? {
        // A pipe that nobody writes to would hold up the opening.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(path, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path, errno: EINVAL) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(path, errno: errno) }
            if count == 0 { return content }
            content += buffer.prefix(count)
            guard content.count <= longest else { throw .tooLong(path) }
        }
    }

    /// Puts a file in place of another, whole or not at all, also where the machine loses power. It gets the mode and the owner
    /// of the one before.
    ///
    /// - Parameters:
    ///   - path: The file, which may not be there yet.
    ///   - bytes: What it has then.
    ///   - model: Whose mode and owner it gets where it is not there itself; else it is root's to write and all may read it.
    /// - Throws: ``InstallFailure``.
    static func replace(_ path: String, _ bytes: [UInt8], like model: String? = nil) throws(InstallFailure) {
        let folder = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(folder, errno: EACCES)
        }
        let (temporary, descriptor) = try create(beside: path)
        var isDone = false
        defer {
            close(descriptor)
            if !isDone { unlink(temporary) }
        }
        var status = stat()
        let hasModel = stat(path, &status) == 0 || model.map { stat($0, &status) == 0 } ?? false
        guard !hasModel || fchown(descriptor, status.st_uid, status.st_gid) == 0,
            fchmod(descriptor, hasModel ? status.st_mode & 0o7777 : 0o644) == 0
        else { throw .unwritable(path, errno: errno) }
        try write(bytes, to: descriptor, path)
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw .unwritable(path, errno: errno) }
        isDone = true
        try synchronize(folder)
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// - Throws: ``InstallFailure``.
    static func remove(_ path: String) throws(InstallFailure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .unwritable(path, errno: errno) }
        let folder = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        if access(folder, F_OK) == 0 { try synchronize(folder) }
    }

    private static func create(beside path: String) throws(InstallFailure) -> (String, Int32) {
        for _ in 0..<attempts {
            let name = "\(path).\(UInt32.random(in: 0...UInt32.max)).new"
            let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if descriptor >= 0 { return (name, descriptor) }
            guard errno == EEXIST else { throw .unwritable(path, errno: errno) }
        }
        throw .unwritable(path, errno: EEXIST)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(InstallFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .unwritable(path, errno: errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// A rename lasts once its folder is on the disk.
    private static func synchronize(_ folder: String) throws(InstallFailure) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unwritable(folder, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .unwritable(folder, errno: errno) }
    }
}
