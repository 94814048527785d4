import Foundation
import Subprocess
import SystemPackage

/// Something mounted for as long as a test needs it, which takes root.
package enum TestMount {
    package struct Failed: Error, CustomStringConvertible {
        package let description: String
    }

    package static var isPossible: Bool { geteuid() == 0 && access("/bin/mount", X_OK) == 0 }

    /// Mounts, runs `body`, and unmounts, whatever happened meanwhile.
    ///
    /// - Parameters:
    ///   - options: The arguments of `mount` before the place.
    ///   - place: The folder to mount on.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: What to do with it.
    /// - Throws: ``Failed``, or what `body` throws.
    package static func with(
        _ options: [String],
        on place: String,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Void
    ) async throws {
        try await call("/bin/mount", options + [place])
        do {
            try await body()
        } catch {
            try? await call("/bin/umount", ["-l", place])
            throw error
        }
        try await call("/bin/umount", ["-l", place])
    }

    private static func call(_ program: String, _ arguments: [String]) async throws {
        let ended = try await Subprocess.run(
            .path(FilePath(program)),
            arguments: Arguments(arguments),
            output: .discarded,
            error: .string(limit: 4096)
        )
        guard ended.terminationStatus.isSuccess else {
            throw Failed(description: "\(program) \(arguments.joined(separator: " ")): \(ended.standardError)")
        }
    }
}
