import Glibc

/// A control socket can't be opened.
package struct ControlSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// The unix socket of a cache, bound: of mode 0600 from its first moment on, and in a folder that nobody else can change.
struct ControlSocket {
    let path: String
    /// Bound and listening; whoever takes it closes it.
    let descriptor: CInt

    /// Binds it. What an earlier cache has left at the path is replaced.
    ///
    /// - Parameter path: Absolute. Its folder is made, of mode 0700, where it is not there.
    /// - Throws: ``ControlSocketError``.
    init(binding path: String) throws(ControlSocketError) {
        self.path = path
        guard path.utf8.count < Self.longestPath else {
            throw Self.failure(
                path,
                "the path is longer than \(Self.longestPath - 1) bytes: set --control to a shorter one"
            )
        }
        try Self.prepareFolder(of: path)
        try Self.clear(path)
        let opened = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard opened >= 0 else { throw Self.failure(path) }
        // Linux makes the file with the mode of the descriptor (unix(7) leaves it at that, less the umask).
        guard fchmod(opened, 0o600) == 0,
            Self.withAddress(path, { Glibc.bind(opened, $0, $1) }) == 0,
            listen(opened, 64) == 0
        else {
            let failure = Self.failure(path)
            Glibc.close(opened)
            throw failure
        }
        descriptor = opened
    }

    /// Removes the file.
    func remove() { unlink(path) }

    /// Where nobody has taken it.
    func close() { Glibc.close(descriptor) }

    private static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path)

    private static func prepareFolder(of path: String) throws(ControlSocketError) {
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw failure(path, "expected an absolute path in a folder of its own")
        }
        let folder = String(path[..<slash])
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure(folder) }
        var facts = stat()
        // systemd has the cache's folder behind a link.
        guard stat(folder, &facts) == 0 else { throw failure(folder) }
        guard facts.st_mode & S_IFMT == S_IFDIR, facts.st_uid == geteuid(), facts.st_mode & 0o022 == 0 else {
            throw failure(folder, "others may change this folder: give it to the cache's user alone (chmod 700)")
        }
    }

    private static func clear(_ path: String) throws(ControlSocketError) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFSOCK else { throw failure(path, "something else is there: remove it") }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { throw failure(path) }
        defer { Glibc.close(probe) }
        guard withAddress(path, { connect(probe, $0, $1) }) != 0 else {
            throw failure(path, "another cache listens there: set --control to another path")
        }
        guard unlink(path) == 0 else { throw failure(path) }
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            // The rest, at least one byte of it, stays zero.
            place.copyBytes(from: path.utf8.prefix(place.count - 1))
        }
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func failure(_ path: String, _ reason: String? = nil) -> ControlSocketError {
        let reason = reason ?? String(cString: strerror(errno))
        return ControlSocketError(description: "the control socket: \(path): \(reason)")
    }
}
