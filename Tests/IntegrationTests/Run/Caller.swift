import Foundation
import RoostTesting
import Testing

/// Runs the program as a user without any rights but those to the sandbox and the engine's socket.
struct Caller {
    static let user: uid_t = 1234
    static let group: gid_t = 5678

    static var isPossible: Bool { geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0 }

    private let sandbox: RoostSandbox

    /// Hands the sandbox over to the user, with what is in it so far, and lets it reach the engine.
    init(_ sandbox: RoostSandbox) throws {
        self.sandbox = sandbox
        let root = sandbox.directory.path
        try #require(chown(root, Self.user, Self.group) == 0)
        for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
            try #require(lchown(root + "/" + name, Self.user, Self.group) == 0)
        }
        // The folders on the way can be passed through, though not listed; the socket is for one group, which nobody has.
        let socket = String(try #require(sandbox.environment["DOCKER_HOST"]).dropFirst("unix://".count))
        try #require(chown(socket, 0, Self.group) == 0)
        for path in [root, socket] {
            var folder = URL(filePath: path).deletingLastPathComponent()
            while folder.path != "/" {
                var status = stat()
                try #require(stat(folder.path, &status) == 0)
                if status.st_mode & 0o001 == 0 { chmod(folder.path, status.st_mode & 0o7777 | 0o011) }
                folder.deleteLastPathComponent()
            }
        }
    }

    func roost(_ arguments: [String]) async throws -> RoostProcess.Outcome {
        try await RoostProcess.run(
            RoostProcess.Command(
                executable: "/usr/bin/setpriv",
                arguments: [
                    "--reuid", String(Self.user), "--regid", String(Self.group), "--clear-groups",
                    try TestEnvironment.requireBinary(),
                ] + arguments,
                environment: sandbox.environment,
                workingDirectory: sandbox.project
            )
        ) { _ in }
    }
}
