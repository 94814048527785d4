package import Foundation

/// A folder that exists as long as a test needs it.
package struct TemporaryDirectory: Sendable {
    package let url: URL

    /// The folder's absolute path, without symbolic links in it.
    package var path: String { url.path }

    /// The path of `name` in the folder.
    package func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Writes a file, making the folders above it.
    ///
    /// - Returns: The file's absolute path.
    @discardableResult
    package func write(_ contents: String, to name: String) throws -> String {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(contents.utf8).write(to: file)
        return file.path
    }

    /// Runs `body` with a new folder, and deletes the folder with all that is in it.
    ///
    /// The path is short, since a unix socket's path holds 107 bytes at most.
    ///
    /// - Parameters:
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: What to do with the folder.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, else ``FolderRemoval/Failed`` where the folder is still there.
    package static func with<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TemporaryDirectory) async throws -> Result
    ) async throws -> Result {
        let name = UniqueName.make("roost")
        let url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: url,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        let result: Result
        do {
            result = try await body(TemporaryDirectory(url: url))
        } catch {
            do {
                try FolderRemoval.remove(url.path)
            } catch let left {
                // The test fails for its own reason, and yet whoever looks at what is left wants to know why.
                FileHandle.standardError.write(Data("\(left)\n".utf8))
            }
            throw error
        }
        try FolderRemoval.remove(url.path)
        return result
    }
}

/// Names that no other test, and no other run of the tests, uses.
package enum UniqueName {
    /// `prefix` with a random suffix of eight characters, fit for repositories, containers, files and host names.
    package static func make(_ prefix: String) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        let suffix = (0..<8).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }
        return "\(prefix)-\(String(suffix))"
    }
}
