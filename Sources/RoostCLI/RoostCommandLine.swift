import ArgumentParser
import DockerEngine
import Foundation
import ImagePull
import Pipeline
import RoostCore

/// What `main` runs: parses the arguments, runs the verb, and turns whatever happens into an exit code.
package enum RoostCommandLine {
    /// - Parameter arguments: Without the program's name.
    /// - Returns: The exit code: 0 succeeded, 1 a step failed, 2 wrong usage or configuration, 124 timed out, 125 the engine
    ///   or a registry failed, 137 out of memory, 128 + n ended by signal n.
    package static func run(_ arguments: [String]) async -> Int32 {
        OutputWriter.ignoreBrokenPipes()
        DescriptorLimit.raise()
        do {
            var command = try RootCommand.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return 0
        } catch let exit as ExitCode {
            return exit.rawValue
        } catch let error as any ExitCoded {
            await complain("\(error)")
            return error.exitCode
        } catch {
            return await describe(error)
        }
    }

    /// Help and version go to standard output and succeed; wrong usage goes to standard error with 2.
    private static func describe(_ error: any Error) async -> Int32 {
        let code = RootCommand.exitCode(for: error)
        if code == .success {
            try? OutputWriter.standardOutput.enqueue(RootCommand.fullMessage(for: error) + "\n")
            try? await OutputWriter.standardOutput.flush()
            return 0
        }
        if code == .validationFailure {
            try? OutputWriter.standardError.enqueue(RootCommand.fullMessage(for: error) + "\n")
            try? await OutputWriter.standardError.flush()
            return 2
        }
        await complain("\(error)")
        return unforeseen
    }

    /// The exit code of an error that names none: 1 would say that a step failed.
    static let unforeseen: Int32 = 125

    /// Says what went wrong, on standard error.
    static func complain(_ message: String) async {
        // A message may quote what an engine or a registry said, which is not trusted.
        let lines = TextSanitizer.plainLines(message).joined(separator: "\n")
        try? OutputWriter.standardError.enqueue("roost: \(lines)\n")
        try? await OutputWriter.standardError.flush()
    }
}

/// An error that decides the process's exit code.
protocol ExitCoded: Error {
    var exitCode: Int32 { get }
}

/// Wrong usage or configuration: exit code 2.
struct UsageError: ExitCoded, CustomStringConvertible {
    let description: String
    let exitCode: Int32 = 2
}

extension EngineError: ExitCoded {
    package var exitCode: Int32 {
        switch self {
        case .badAddress, .badConfiguration: 2
        case .unsupportedVersion(let mismatch) where mismatch.requested != nil: 2
        default: 125
        }
    }
}

extension PullFailures: ExitCoded {
    var exitCode: Int32 { 125 }
}

extension PullFailure: ExitCoded {
    var exitCode: Int32 { 125 }
}

extension ServicesBeyondBudget: ExitCoded {
    var exitCode: Int32 { 2 }
}

extension StepsBeyondBudget: ExitCoded {
    var exitCode: Int32 { 2 }
}

extension SecretFilesElsewhere: ExitCoded {
    package var exitCode: Int32 { 2 }
}

extension SecretFolderError: ExitCoded {
    package var exitCode: Int32 { 125 }
}

extension MountsRefused: ExitCoded {
    var exitCode: Int32 { 2 }
}

extension LogFileError: ExitCoded {
    var exitCode: Int32 { 125 }
}

extension Installation.Unavailable: ExitCoded {
    var exitCode: Int32 { 125 }
}

extension OutputError: ExitCoded {
    /// As a process ended by SIGPIPE, where nobody reads any more.
    var exitCode: Int32 {
        if case .closed = self { 141 } else { 125 }
    }
}
