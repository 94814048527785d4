import Foundation

extension FolderFacts {
    /// Looks whether a folder, or the nearest one above that exists, can be written to. Writes nothing.
    static func examine(_ folder: URL) -> FolderFacts {
        let path = folder.standardizedFileURL.path
        var current = URL(filePath: path)
        while true {
            var isFolder: ObjCBool = false
            // A file refuses to be searched as a folder does that belongs to somebody else.
            if FileManager.default.fileExists(atPath: current.path, isDirectory: &isFolder), !isFolder.boolValue {
                return FolderFacts(path: path, obstacle: Obstacle(path: current.path, kind: .notAFolder))
            }
            if access(current.path, W_OK | X_OK) == 0 { return FolderFacts(path: path) }
            let code = errno
            guard code == ENOENT || code == ENOTDIR, current.path != "/" else {
                return FolderFacts(path: path, obstacle: Obstacle(path: current.path, kind: .init(errno: code)))
            }
            current.deleteLastPathComponent()
        }
    }
}

extension FolderFacts.Obstacle.Kind {
    fileprivate init(errno code: Int32) {
        switch code {
        case EACCES, EPERM: self = .notPermitted
        case EROFS: self = .readOnlyFileSystem
        default: self = .other(String(cString: strerror(code)))
        }
    }
}

extension SocketFacts {
    /// Reads a socket's owner and mode; `nil` where it is missing or can't be looked at.
    static func read(_ path: String) -> SocketFacts? {
        let resolved = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: resolved),
            let mode = attributes[.posixPermissions] as? NSNumber
        else { return nil }
        func name(_ name: FileAttributeKey, _ number: FileAttributeKey) -> String {
            attributes[name] as? String ?? (attributes[number] as? NSNumber)?.stringValue ?? "?"
        }
        return SocketFacts(
            owner: name(.ownerAccountName, .ownerAccountID),
            group: name(.groupOwnerAccountName, .groupOwnerAccountID),
            mode: mode.uint16Value
        )
    }
}

/// Looks for programs without running them.
struct ProgramSearch {
    /// The folders where a service finds programs that names none itself (systemd.exec(5), "`$PATH`").
    private static let serviceFolders = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]
    /// Where dockerd looks for its own helpers before `PATH` (moby, `daemon/config/config_linux.go`, `lookupBinPath`).
    private static let helperFolders = [
        "/usr/local/libexec/docker", "/usr/libexec/docker", "/usr/local/lib/docker", "/usr/lib/docker",
    ]

    private let own: [String]

    init(environment: [String: String]) {
        own = (environment["PATH"] ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
    }

    /// A program that Roost itself would run.
    func find(_ name: String) -> String? { find(name, in: own) }

    /// A program that a service of this machine would run. Services started by hand have a person's `PATH`.
    func findForService(_ name: String) -> String? { find(name, in: Self.serviceFolders + own) }

    /// A program that the engine looks for among its own helpers first.
    func findForEngine(_ name: String) -> String? {
        find(name, in: Self.helperFolders + Self.serviceFolders + own)
    }

    private func find(_ name: String, in folders: [String]) -> String? {
        guard !name.isEmpty else { return nil }
        if name.hasPrefix("/") { return Self.isProgram(name) ? name : nil }
        guard !name.contains("/") else { return nil }
        return folders.lazy.map { "\($0)/\(name)" }.first(where: Self.isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
            && access(path, X_OK) == 0
    }
}
