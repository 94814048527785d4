import Foundation

/// A folder in memory of a test's own, which no other roost looks into; for `XDG_RUNTIME_DIR`.
package enum MemoryFolder {
    /// Makes the folder, runs `body` with its path, and removes it.
    ///
    /// - Throws: What the making and `body` throw.
    package static func with(_ body: (String) async throws -> Void) async throws {
        let path = "/dev/shm/" + UniqueName.make("roost-test")
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }
}
