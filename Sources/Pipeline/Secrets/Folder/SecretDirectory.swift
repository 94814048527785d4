import Foundation

/// An open folder on the way to the files of secrets, closed with its last reference.
///
/// Everything in it is reached by one name relative to the descriptor and never through a link.
final class SecretDirectory {
    private let descriptor: Int32
    private let path: String

    private init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

    /// Opens a folder that belongs to this user, and is open to no other.
    static func openOwn(_ path: String) throws(SecretFolderError) -> SecretDirectory {
        try own(open(path, flags), path)
    }

    /// Opens such a folder, made where it is missing.
    static func makeOwn(_ path: String) throws(SecretFolderError) -> SecretDirectory {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw .system(operation: "make", path: path, code: errno) }
        return try openOwn(path)
    }

    /// As ``makeOwn(_:)``, in this folder.
    func makeOwn(_ name: String) throws(SecretFolderError) -> SecretDirectory {
        let inner = "\(path)/\(name)"
        if mkdirat(descriptor, name, 0o700) != 0, errno != EEXIST {
            throw .system(operation: "make", path: inner, code: errno)
        }
        return try Self.own(openat(descriptor, name, Self.flags), inner)
    }

    private static func own(_ descriptor: Int32, _ path: String) throws(SecretFolderError) -> SecretDirectory {
        guard descriptor >= 0 else {
            let code = errno
            // Linux says ENOTDIR of a link where O_DIRECTORY is asked for as well.
            throw code == ELOOP || code == ENOTDIR
                ? .notOwn(path: path) : .system(operation: "open", path: path, code: code)
        }
        let folder = SecretDirectory(descriptor, path)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw .notOwn(path: path)
        }
        return folder
    }

    /// Makes a folder that was not there.
    func makeNew(_ name: String) throws(SecretFolderError) -> SecretDirectory {
        let inner = "\(path)/\(name)"
        guard mkdirat(descriptor, name, 0o700) == 0 else {
            throw .system(operation: "make", path: inner, code: errno)
        }
        return try Self.own(openat(descriptor, name, Self.flags), inner)
    }

    /// Makes a file that anyone may read who reaches it.
    func write(_ bytes: [UInt8], to name: String) throws(SecretFolderError) {
        let file = openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard file >= 0 else { throw .system(operation: "make", path: "\(path)/\(name)", code: errno) }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else {
                throw .system(operation: "write", path: "\(path)/\(name)", code: errno)
            }
            rest = rest.dropFirst(max(count, 0))
        }
        // Whatever the umask says.
        guard fchmod(file, 0o444) == 0 else {
            throw .system(operation: "write", path: "\(path)/\(name)", code: errno)
        }
    }

    /// Lets everyone who reaches the folder look into it.
    func share() throws(SecretFolderError) {
        guard fchmod(descriptor, 0o755) == 0 else { throw .system(operation: "share", path: path, code: errno) }
    }

    /// What is in the folder; nothing where it can't be read.
    func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

    /// Removes a folder in this one with what is in it; one that is gone already is no error.
    ///
    /// - Parameter depth: How many folders lie in each other at most.
    func removeTree(_ name: String, depth: Int) throws(SecretFolderError) {
        let inner = openat(descriptor, name, Self.flags)
        guard inner >= 0 else {
            if errno == ENOENT { return }
            throw .system(operation: "open", path: "\(path)/\(name)", code: errno)
        }
        let folder = SecretDirectory(inner, "\(path)/\(name)")
        for entry in folder.names() {
            if unlinkat(inner, entry, 0) == 0 || errno == ENOENT { continue }
            guard errno == EISDIR, depth > 1 else {
                throw .system(operation: "remove", path: "\(folder.path)/\(entry)", code: errno)
            }
            try folder.removeTree(entry, depth: depth - 1)
        }
        try removeFolder(name)
    }

    /// Removes an empty folder in this one.
    ///
    /// - Returns: False where something is in it.
    @discardableResult
    func removeFolder(_ name: String) throws(SecretFolderError) -> Bool {
        if unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
        if errno == ENOTEMPTY || errno == EEXIST { return false }
        throw .system(operation: "remove", path: "\(path)/\(name)", code: errno)
    }
}
