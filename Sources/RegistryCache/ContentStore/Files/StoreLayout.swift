import Glibc
import OCIDistribution

/// Where in its folder the store keeps what. Paths are made of digests, which are parsed strictly, and of nothing else.
struct StoreLayout: Sendable {
    /// Without a slash at its end.
    let folder: String

    init(folder: String) {
        let trimmed = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        self.folder = trimmed
    }

    var blobs: String { "\(folder)/blobs" }
    /// What is being fetched, and what can be gone on with.
    var partials: String { "\(folder)/partial" }
    /// Files that are not what their names say.
    var quarantine: String { "\(folder)/quarantine" }
    var index: String { "\(folder)/index.sqlite" }

    /// One of the 256 folders of an algorithm.
    func shelf(_ algorithm: Digest.Algorithm, _ prefix: some StringProtocol) -> String {
        "\(blobs)/\(algorithm)/\(prefix)"
    }

    func shelf(of digest: Digest) -> String { shelf(digest.algorithm, digest.hex.prefix(2)) }
    func blob(_ digest: Digest) -> String { "\(shelf(of: digest))/\(digest.hex)" }
    func partial(_ digest: Digest) -> String { "\(partials)/\(Self.flatName(digest))" }
    func quarantined(_ digest: Digest) -> String { "\(quarantine)/\(Self.flatName(digest))" }

    /// A digest as the name of a file in a folder of both algorithms.
    static func flatName(_ digest: Digest) -> String { "\(digest.algorithm)-\(digest.hex)" }

    /// Reads a ``flatName(_:)``; `nil` where it is none.
    static func digest(flatName: String) -> Digest? {
        guard let dash = flatName.firstIndex(of: "-") else { return nil }
        return try? Digest(parsing: flatName[..<dash] + ":" + flatName[flatName.index(after: dash)...])
    }

    /// The 256 prefixes of hashes.
    static let prefixes: [String] = {
        let digits = Array("0123456789abcdef")
        return digits.flatMap { high in digits.map { low in "\(high)\(low)" } }
    }()

    /// The names in a folder, without `.` and `..`, in no order.
    ///
    /// - Throws: ``FileFault``; a folder that is missing has no names.
    static func names(in path: String) throws(FileFault) -> [String] {
        guard let stream = opendir(path) else {
            if errno == ENOENT { return [] }
            throw FileFault(operation: "opendir", path: path, code: errno)
        }
        defer { closedir(stream) }
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return [] }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw FileFault(operation: "readdir", path: path, code: errno) }
                return names
            }
            // The kernel's entry ends with its name: it may be shorter than the type.
            let start = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
            let name = String(cString: start)
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// The size in bytes of what is at a path; `nil` where there is no regular file.
    static func size(of path: String) -> Int64? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(status.st_size)
    }

    /// The size in bytes of an open file; `nil` where it is no regular file.
    static func size(of descriptor: CInt) -> Int64? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(status.st_size)
    }
}
