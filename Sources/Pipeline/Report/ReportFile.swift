package import Foundation

/// Where a report goes: the file that a path stands for, through the links that it may be.
package struct ReportFile: Sendable {
    package enum Form: Sendable, Hashable {
        /// A regular file, or none yet: replaced in one move.
        case replaced
        /// A device, or what this process or another has open (`/dev/stdout`): written to at its end.
        case written
        /// A folder, a named pipe or a socket.
        case unusable
    }

    package let url: URL
    package let form: Form

    /// As many links as Linux follows (path_resolution(7)).
    private static let mostLinks = 40

    /// Looks at what is there now. A symbolic link stands for its target, which need not exist; of a ring of links one
    /// is taken, which can't be used.
    package init(_ path: String) {
        var url = URL(filePath: path)
        var links = 0
        while let next = try? FileManager.default.destinationOfSymbolicLink(atPath: Self.place(url)) {
            // The links in /proc to what a process has open are no paths: a pipe has none, and a file would be cut off
            // from the descriptor by being replaced.
            let folder = url.deletingLastPathComponent()
            links += 1
            guard !Self.place(folder.resolvingSymlinksInPath()).hasPrefix("/proc/"), links <= Self.mostLinks else {
                break
            }
            // A relative target is relative to the link's own folder, as the system finds it.
            url = next.hasPrefix("/") ? URL(filePath: next) : folder.appending(path: next)
        }
        self.url = url
        let kind = try? FileManager.default.attributesOfItem(atPath: Self.place(url))[.type] as? FileAttributeType
        form =
            switch kind {
            case .typeRegular?, nil: .replaced
            case .typeCharacterSpecial?: .written
            case .typeSymbolicLink? where links <= Self.mostLinks: .written
            default: .unusable
            }
    }

    /// The folder in which the file is or will be.
    package var folder: String { Self.place(url.deletingLastPathComponent()) }

    private static func place(_ url: URL) -> String {
        // A trailing slash would follow the link.
        let path = url.path(percentEncoded: false)
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// - Throws: The file system's error.
    func write(_ data: Data) throws {
        switch form {
        case .replaced: try data.write(to: url, options: .atomic)
        case .written, .unusable:
            let descriptor = open(Self.place(url), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY)
            guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
            defer { try? handle.close() }
            try handle.write(contentsOf: data)
        }
    }
}
