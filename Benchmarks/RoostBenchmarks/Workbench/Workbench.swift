import Foundation
import RoostTesting
import Subprocess
import SystemPackage

/// What all benchmarks share.
struct Workbench {
    let sandbox: RoostSandbox
    let roost: Program
    let docker: Program
    /// In place of each benchmark's own number.
    let rounds: Int?
    /// Little work, once: only shows that the benchmarks work.
    let isQuick: Bool
    /// For a person, while it runs.
    let note: @Sendable (String) -> Void

    /// Both programs see the same environment, where nothing is set but what they need to find the engine.
    init(
        _ sandbox: RoostSandbox,
        rounds: Int?,
        isQuick: Bool,
        note: @escaping @Sendable (String) -> Void
    ) async throws {
        self.sandbox = sandbox
        self.rounds = rounds
        self.isQuick = isQuick
        self.note = note
        roost = Self.program(try TestEnvironment.requireBinary(), sandbox)
        docker = Self.program(try await Self.path(of: "docker"), sandbox)
    }

    /// A program that stands in PATH, with the environment that all have.
    func program(_ name: String) async throws -> Program {
        Self.program(try await Self.path(of: name), sandbox)
    }

    /// Found once, so that the search in PATH is not measured.
    private static func path(of name: String) async throws -> String {
        try await Executable.name(name).resolveExecutablePath(in: .inherit).string
    }

    private static func program(_ executable: String, _ sandbox: RoostSandbox) -> Program {
        Program(
            executable: executable,
            arguments: [],
            environment: sandbox.environment,
            directory: sandbox.project
        )
    }

    /// A shell command that finds Docker's command line as `$0` and these arguments as `$@`.
    func shell(_ command: String, _ arguments: [String]) -> Program {
        Program(
            executable: "/bin/sh",
            arguments: ["-c", command, docker.executable] + arguments,
            environment: sandbox.environment,
            directory: sandbox.project
        )
    }

    func contest(_ name: BenchmarkName, rounds usual: Int, warmUps: Int = 1) -> Contest {
        Contest(rounds: rounds ?? (isQuick ? 1 : usual), warmUps: isQuick ? 0 : warmUps) {
            note("\(name.rawValue): \($0)")
        }
    }

    /// How much of something a benchmark takes.
    func amount(_ usual: Int, quick: Int) -> Int { isQuick ? quick : usual }

    /// Writes a file into the project folder.
    ///
    /// - Returns: `roost run`, or another verb, with that file.
    func roost(_ verb: String, _ pipeline: PipelineText, as file: String) throws -> Program {
        try sandbox.write(pipeline.text, to: file)
        return roost(verb, "--file", file)
    }
}

/// The small C programs that scripts/bench has built.
enum CompiledProgram: String {
    /// Tells the time at its begin and at its end.
    case stamp
    /// Measures another program's memory.
    case peak

    struct Missing: Error, CustomStringConvertible {
        let name: String
        var description: String { "the program \(name) is not there; run the benchmarks with `make bench`" }
    }

    /// - Returns: The program's path.
    /// - Throws: ``Missing`` outside `make bench`.
    func path() throws -> String {
        let folder = ProcessInfo.processInfo.environment["ROOST_BENCHMARK_PROGRAMS"]
        guard let folder, FileManager.default.isExecutableFile(atPath: "\(folder)/\(rawValue)") else {
            throw Missing(name: rawValue)
        }
        return "\(folder)/\(rawValue)"
    }
}
