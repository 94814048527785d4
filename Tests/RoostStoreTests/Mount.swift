import Foundation
import RoostTesting
import Subprocess
import SystemPackage
import Testing

/// A small disk of a test's own, which needs root.
struct Mount {
    struct Failed: Error, CustomStringConvertible {
        let arguments: [String]
        let output: String
        var description: String { "\(arguments.joined(separator: " ")) failed: \(output)" }
    }

    static var isPossible: Bool { geteuid() == 0 && access("/bin/mount", X_OK) == 0 }

    let url: URL

    static func with(megabytes: Int, _ body: (Mount) async throws -> Void) async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.path("disk")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try await call("/bin/mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path])
            do {
                try await body(Mount(url: URL(filePath: path, directoryHint: .isDirectory)))
            } catch {
                try? await call("/bin/umount", ["-l", path])
                throw error
            }
            try await call("/bin/umount", ["-l", path])
        }
    }

    /// Writes until nothing fits any more.
    func fill() throws {
        let descriptor = open(url.appending(path: "ballast").path(percentEncoded: false), O_CREAT | O_WRONLY, 0o600)
        guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        var block = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, &block, block.count) > 0 {}
    }

    func makeReadOnly() async throws {
        try await Self.call("/bin/mount", ["-o", "remount,ro", url.path(percentEncoded: false)])
    }

    private static func call(_ program: String, _ arguments: [String]) async throws {
        let ended = try await Subprocess.run(
            .path(FilePath(program)),
            arguments: Arguments(arguments),
            output: .discarded,
            error: .string(limit: 4096)
        )
        guard ended.terminationStatus.isSuccess else {
            throw Failed(arguments: [program] + arguments, output: ended.standardError)
        }
    }
}
