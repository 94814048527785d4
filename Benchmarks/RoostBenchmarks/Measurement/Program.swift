import Foundation
import Subprocess
import SystemPackage

/// A program to run to its end, Roost or its peer: both are started in the same way.
struct Program: Sendable {
    /// A measured program that fails measures nothing.
    struct Failed: Error, CustomStringConvertible {
        let command: String
        let status: String
        let output: String
        var description: String { "\(command): \(status)\n\(output)" }
    }

    let executable: String
    var arguments: [String]
    /// The environment in full; nothing is inherited.
    let environment: [String: String]
    let directory: String

    /// Runs the program and throws its output away.
    ///
    /// - Returns: The wall time from its start until it has ended and its output is closed.
    /// - Throws: ``Failed`` for any exit code but 0.
    func time() async throws -> Duration {
        let start = ContinuousClock.now
        _ = try await output()
        return .now - start
    }

    /// Runs the program.
    ///
    /// - Returns: What it wrote on standard output.
    /// - Throws: ``Failed`` for any exit code but 0.
    func output() async throws -> String {
        let ended = try await Subprocess.run(
            configuration,
            output: .string(limit: 4 << 20),
            error: .string(limit: 4 << 20)
        )
        try check(ended.terminationStatus, output: ended.standardOutput + ended.standardError)
        return ended.standardOutput
    }

    /// Runs the program, and `reading` on its standard output beside it.
    ///
    /// - Throws: ``Failed`` for any exit code but 0.
    func run(reading: @escaping @Sendable (SubprocessOutputSequence) async throws -> Void) async throws {
        let ended = try await Subprocess.run(
            configuration,
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            try await reading(execution.standardOutput)
        }
        try check(ended.terminationStatus, output: "")
    }

    private func check(_ status: TerminationStatus, output: String) throws {
        guard !status.isSuccess else { return }
        throw Failed(
            command: ([executable] + arguments).joined(separator: " "),
            status: "\(status)",
            output: output
        )
    }

    private var configuration: Subprocess.Configuration {
        let variables = environment.reduce(into: [Environment.Key: String]()) { result, variable in
            guard let key = Environment.Key(rawValue: variable.key) else { return }
            result[key] = variable.value
        }
        return Subprocess.Configuration(
            executable: .path(FilePath(executable)),
            arguments: Arguments(arguments),
            environment: .custom(variables),
            workingDirectory: FilePath(directory)
        )
    }

    /// The same program with other arguments.
    func callAsFunction(_ arguments: String...) -> Program {
        var program = self
        program.arguments = arguments
        return program
    }
}
