import ArgumentParser
import RoostTesting
import Subprocess
import SystemPackage

/// Which benchmark.
enum BenchmarkName: String, CaseIterable, ExpressibleByArgument {
    case pull
    case wide
    case start
}

/// What all benchmarks share.
struct Workbench {
    let sandbox: RoostSandbox
    let roost: Program
    let docker: Program
    /// In place of each benchmark's own number.
    let rounds: Int?
    /// For a person, while it runs.
    let note: @Sendable (String) -> Void

    /// Both programs see the same environment, where nothing is set but what they need to find the engine.
    init(_ sandbox: RoostSandbox, rounds: Int?, note: @escaping @Sendable (String) -> Void) async throws {
        self.sandbox = sandbox
        self.rounds = rounds
        self.note = note
        func program(_ executable: String) -> Program {
            Program(
                executable: executable,
                arguments: [],
                environment: sandbox.environment,
                directory: sandbox.project
            )
        }
        roost = program(try TestEnvironment.requireBinary())
        // Found once, so that the search in PATH is not measured.
        docker = program(try await Executable.name("docker").resolveExecutablePath(in: .inherit).string)
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
        Contest(rounds: rounds ?? usual, warmUps: warmUps) { note("\(name.rawValue): \($0)") }
    }
}
