package import Subprocess
import SystemPackage

/// A running program whose output can be awaited line by line.
package struct RoostProcess: Sendable {
    /// What to run. The environment is the whole environment.
    package struct Command: Sendable {
        package var executable: String
        package var arguments: [String]
        package var environment: [String: String]
        package var workingDirectory: String

        package init(
            executable: String,
            arguments: [String],
            environment: [String: String],
            workingDirectory: String
        ) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
            self.workingDirectory = workingDirectory
        }
    }

    /// A terminal's size in characters.
    package struct TerminalSize: Hashable, Sendable {
        package let rows: Int
        package let columns: Int

        package init(rows: Int, columns: Int) {
            self.rows = rows
            self.columns = columns
        }
    }

    /// Where a program writes. On a terminal everything is ``output``.
    package enum Stream: Hashable, Sendable {
        case output
        case error
    }

    /// How a program ended and what it wrote.
    package struct Outcome: Sendable {
        package enum Ending: Hashable, Sendable {
            case exited(Int)
            case signalled(Int)
        }

        package let ending: Ending
        package let standardOutput: String
        package let standardError: String
        /// ``standardOutput`` before it was read as UTF-8.
        package let standardOutputBytes: [UInt8]

        /// The exit code; nil where a signal ended the program.
        package var exitCode: Int? { if case .exited(let code) = ending { code } else { nil } }
        /// The signal that ended the program.
        package var signal: Int? { if case .signalled(let signal) = ending { signal } else { nil } }
    }

    /// The program ended before it wrote what was waited for.
    package struct EndedEarly: Error, CustomStringConvertible {
        let output: String
        let error: String

        package var description: String {
            "the program ended before it wrote what was waited for\nstdout:\n\(output)\nstderr:\n\(error)"
        }
    }

    package let processID: Int
    private let transcript: ProcessTranscript
    private let terminal: PseudoTerminal?
    private let signal: @Sendable (Signal) throws -> Void

    // MARK: While it runs

    /// Waits for a line, which may have been written already.
    ///
    /// - Parameters:
    ///   - stream: Where to look.
    ///   - predicate: Asked for each line, without its end.
    /// - Returns: The first line that matches.
    /// - Throws: ``EndedEarly``, or `CancellationError`.
    @discardableResult
    package func line(
        on stream: Stream = .error,
        where predicate: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        try await transcript.line(on: stream, where: predicate)
    }

    /// Waits until the text appears anywhere, also within a line that has not ended.
    package func text(_ text: String, on stream: Stream = .output) async throws {
        try await transcript.text(text, on: stream)
    }

    /// What was written so far.
    package func written(on stream: Stream) -> String { transcript.text(of: stream) }

    /// Sends a signal to the program.
    package func send(_ signal: Signal) throws { try self.signal(signal) }

    /// Types text on the program's terminal.
    package func type(_ text: String) async throws { try await terminal?.write(text) }

    /// Changes the terminal's size, and tells the program.
    package func resize(to size: TerminalSize) throws {
        try terminal?.resize(to: size)
        try send(.windowSizeChange)
    }

    // MARK: Running

    /// Runs a program, with pipes or on a terminal, and `body` beside it.
    ///
    /// - Parameters:
    ///   - command: What to run.
    ///   - size: The terminal's size; pipes where there is none.
    ///   - body: Waits for lines and sends signals. Where it throws, the program is ended.
    /// - Returns: How it ended and what it wrote.
    /// - Throws: What `body` throws, or the failure to start the program.
    package static func run(
        _ command: Command,
        terminal size: TerminalSize? = nil,
        body: @escaping @Sendable (RoostProcess) async throws -> Void = { _ in }
    ) async throws -> Outcome {
        if let size { return try await PseudoTerminal.with(size: size) { try await run(command, on: $0, body: body) } }
        let transcript = ProcessTranscript()
        let ended = try await Subprocess.run(
            configuration(command),
            input: .none,
            output: .sequence,
            error: .sequence
        ) { execution in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { transcript.finish(.output) }
                    for try await chunk in execution.standardOutput { transcript.append(bytes(chunk), to: .output) }
                }
                group.addTask {
                    defer { transcript.finish(.error) }
                    for try await chunk in execution.standardError { transcript.append(bytes(chunk), to: .error) }
                }
                group.addTask {
                    let process = RoostProcess(
                        processID: Int(execution.processIdentifier.value),
                        transcript: transcript,
                        terminal: nil,
                        signal: { try execution.send(signal: $0) }
                    )
                    try await ending(execution) { try await body(process) }
                }
                try await group.waitForAll()
            }
        }
        return outcome(ended.terminationStatus, transcript)
    }

    private static func run(
        _ command: Command,
        on terminal: PseudoTerminal,
        body: @escaping @Sendable (RoostProcess) async throws -> Void
    ) async throws -> Outcome {
        let transcript = ProcessTranscript()
        transcript.finish(.error)
        var command = command
        command.environment["TERM"] = command.environment["TERM"] ?? "xterm-256color"
        let slave = terminal.slave
        let ended = try await Subprocess.run(
            configuration(command),
            input: .fileDescriptor(slave, closeAfterSpawningProcess: false),
            output: .fileDescriptor(slave, closeAfterSpawningProcess: false),
            error: .fileDescriptor(slave, closeAfterSpawningProcess: false)
        ) { execution in
            // The program holds the terminal's far side alone from now on, so its end is the end of the output.
            try slave.close()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { transcript.finish(.output) }
                    try await terminal.readToEnd { transcript.append($0, to: .output) }
                }
                group.addTask {
                    let process = RoostProcess(
                        processID: Int(execution.processIdentifier.value),
                        transcript: transcript,
                        terminal: terminal,
                        signal: { try execution.send(signal: $0) }
                    )
                    try await ending(execution) { try await body(process) }
                }
                try await group.waitForAll()
            }
        }
        return outcome(ended.terminationStatus, transcript)
    }

    /// Runs `body`, and ends the program where it throws: it must not outlive its test. Only then do its pipes end too, for
    /// which the tasks beside this one are waiting.
    private static func ending<Input: InputProtocol, Output: OutputProtocol, Failure: OutputProtocol>(
        _ execution: Execution<Input, Output, Failure>,
        _ body: () async throws -> Void
    ) async throws {
        do {
            try await body()
        } catch {
            await execution.teardown(using: [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))])
            throw error
        }
    }

    private static func configuration(_ command: Command) -> Subprocess.Configuration {
        var options = PlatformOptions()
        // A session of its own: what is typed at the tests' terminal is for the tests.
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
        let environment = command.environment.reduce(into: [Environment.Key: String]()) { result, variable in
            guard let key = Environment.Key(rawValue: variable.key) else { return }
            result[key] = variable.value
        }
        return Subprocess.Configuration(
            executable: .path(FilePath(command.executable)),
            arguments: Arguments(command.arguments),
            environment: .custom(environment),
            workingDirectory: FilePath(command.workingDirectory),
            platformOptions: options
        )
    }

    private static func bytes(_ chunk: SubprocessOutputSequence.Buffer) -> [UInt8] {
        chunk.withUnsafeBytes { Array($0) }
    }

    private static func outcome(_ status: TerminationStatus, _ transcript: ProcessTranscript) -> Outcome {
        let ending: Outcome.Ending =
            switch status {
            case .exited(let code): .exited(Int(code))
            case .signaled(let signal): .signalled(Int(signal))
            }
        return Outcome(
            ending: ending,
            standardOutput: transcript.text(of: .output),
            standardError: transcript.text(of: .error),
            standardOutputBytes: transcript.bytes(of: .output)
        )
    }
}
