import Foundation

/// A home of its own for the program under test: it sees none of the user's files and settings.
package struct RoostSandbox: Sendable {
    package let directory: TemporaryDirectory
    /// The project folder, where the program is started.
    package let project: String
    /// The environment in full; nothing is inherited.
    package var environment: [String: String]

    /// Makes a sandbox for `body` and deletes it afterwards.
    ///
    /// - Parameters:
    ///   - host: The engine's address, as in `DOCKER_HOST`.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: What to do in it.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or the failure to make the folders.
    package static func with<Result>(
        engine host: String? = TestEnvironment.engine,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (RoostSandbox) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            for folder in ["home", "roost", "docker", "project", "tmp", "run"] {
                try FileManager.default.createDirectory(
                    atPath: directory.path(folder),
                    withIntermediateDirectories: false,
                    attributes: [.posixPermissions: 0o700]
                )
            }
            let home = directory.path("home")
            var environment = [
                "HOME": home,
                "XDG_CONFIG_HOME": home + "/.config",
                "XDG_STATE_HOME": home + "/.local/state",
                "XDG_CACHE_HOME": home + "/.cache",
                "XDG_RUNTIME_DIR": directory.path("run"),
                "ROOST_HOME": directory.path("roost"),
                "DOCKER_CONFIG": directory.path("docker"),
                "TMPDIR": directory.path("tmp"),
                "LANG": "C.UTF-8",
            ]
            // PATH finds credential helpers and unpigz; a toolchain outside the system's folders needs the other.
            for name in ["PATH", "LD_LIBRARY_PATH"] {
                environment[name] = ProcessInfo.processInfo.environment[name]
            }
            environment["DOCKER_HOST"] = host
            return try await body(
                RoostSandbox(directory: directory, project: directory.path("project"), environment: environment)
            )
        }
    }

    /// Writes a file into the project folder.
    ///
    /// - Returns: Its absolute path.
    @discardableResult
    package func write(_ contents: String, to name: String) throws -> String {
        try directory.write(contents, to: "project/" + name)
    }

    /// Writes Docker's `config.json`, where logins and credential helpers stand.
    package func writeDockerConfiguration(_ json: String) throws {
        try directory.write(json, to: "docker/config.json")
    }

    /// Runs the program to its end.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - environment: Variables beside or over the sandbox's own.
    ///   - terminal: The size of a terminal to run it on; pipes where there is none.
    /// - Returns: How it ended and what it wrote.
    /// - Throws: ``TestEnvironment/Missing`` outside `make test`, or the failure to start the program.
    package func roost(
        _ arguments: [String],
        environment: [String: String] = [:],
        terminal: RoostProcess.TerminalSize? = nil
    ) async throws -> RoostProcess.Outcome {
        try await roost(arguments, environment: environment, terminal: terminal) { _ in }
    }

    /// Runs the program, and `body` beside it.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - environment: Variables beside or over the sandbox's own.
    ///   - terminal: The size of a terminal to run it on; pipes where there is none.
    ///   - body: Waits for lines and sends signals. Where it throws, the program is ended.
    /// - Returns: How it ended and what it wrote, once it has ended by itself or by a signal that `body` sent.
    /// - Throws: What `body` throws, ``TestEnvironment/Missing`` outside `make test`, or the failure to start the program.
    package func roost(
        _ arguments: [String],
        environment: [String: String] = [:],
        terminal: RoostProcess.TerminalSize? = nil,
        body: @escaping @Sendable (RoostProcess) async throws -> Void
    ) async throws -> RoostProcess.Outcome {
        try await RoostProcess.run(
            RoostProcess.Command(
                executable: try TestEnvironment.requireBinary(),
                arguments: arguments,
                environment: self.environment.merging(environment) { _, new in new },
                workingDirectory: project
            ),
            terminal: terminal,
            body: body
        )
    }
}
