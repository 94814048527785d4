import Foundation
import NIOCore
import NIOPosix
import Subprocess
import SystemPackage

/// A Docker engine of a test's own, for what the shared one can't be put through: mirrors, death, restarts.
package struct PrivateEngine: Sendable {
    /// The script did not do what it was asked.
    package struct ScriptFailed: Error, CustomStringConvertible {
        let arguments: [String]
        let output: String
        package var description: String { "private-engine \(arguments.joined(separator: " ")) failed:\n\(output)" }
    }

    /// The engine's folder has no pid of a running `dockerd`.
    package struct NotRunning: Error, CustomStringConvertible {
        let directory: String
        package var description: String { "no dockerd runs in \(directory)" }
    }

    private let directory: String
    private let mirrors: [String]
    private let options: [String]

    /// The path of the engine's socket.
    package var socketPath: String { directory + "/docker.sock" }
    /// The engine's address for `DOCKER_HOST`.
    package var host: String { "unix://" + socketPath }
    /// The path of `dockerd`'s log.
    package var logPath: String { directory + "/dockerd.log" }

    /// Starts an engine, runs `body`, and removes the engine with everything in it, whatever happened to it meanwhile.
    ///
    /// - Parameters:
    ///   - mirrors: URLs of registries that are asked for docker.io's images first.
    ///   - options: Further arguments for `dockerd`.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: What to do with the engine.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or ``ScriptFailed``.
    package static func with<Result>(
        mirrors: [String] = [],
        options: [String] = [],
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PrivateEngine) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            let engine = PrivateEngine(directory: directory.path("e"), mirrors: mirrors, options: options)
            let result: Result
            do {
                try await engine.start()
                result = try await body(engine)
            } catch {
                try? await engine.stop()
                throw error
            }
            try await engine.stop()
            return result
        }
    }

    /// Kills `dockerd` outright (SIGKILL), and returns once it is dead. Its containers live on.
    package func kill() async throws {
        let text = try? String(contentsOfFile: directory + "/dockerd.pid", encoding: .utf8)
        guard let pid = text.flatMap({ pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }), pid > 1 else {
            throw NotRunning(directory: directory)
        }
        // The kernel closes a dead process's sockets: the end of this connection is the end of the process.
        let witness = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: socketPath).get()
        guard Foundation.kill(pid, SIGKILL) == 0 else {
            try await witness.close().get()
            throw NotRunning(directory: directory)
        }
        try await witness.closeFuture.get()
    }

    /// Starts the engine again after ``kill()``, with the images and containers it had.
    package func restart() async throws { try await start() }

    private func start() async throws {
        var arguments = ["start", "--dir", directory]
        for mirror in mirrors { arguments += ["--mirror", mirror] }
        for option in options { arguments += ["--option", option] }
        try await Self.script(arguments)
    }

    private func stop() async throws {
        let arguments = ["stop", "--dir", directory]
        // A task of its own, awaited at once: a cancelled test must not leave its engine behind.
        try await Task { try await Self.script(arguments) }.value
    }

    private static func script(_ arguments: [String]) async throws {
        let path = try TestEnvironment.requireScripts() + "/private-engine"
        let ended = try await Subprocess.run(
            .path(FilePath(path)),
            arguments: Arguments(arguments),
            output: .string(limit: 1024 * 1024),
            error: .string(limit: 1024 * 1024)
        )
        guard ended.terminationStatus.isSuccess else {
            throw ScriptFailed(arguments: arguments, output: ended.standardError)
        }
    }
}
