import NIOCore
import NIOHTTP1
import RoostCore

/// How a command that was executed in a running container ended.
package struct ExecOutcome: Sendable {
    package let exitCode: Int
    /// The last bytes that it wrote, both streams in the order of their arrival.
    package let output: [UInt8]
}

extension EngineClient {
    /// The most of a command's output that is kept.
    private static let longestExecOutput = 4096

    /// `POST /containers/{id}/exec`, `POST /exec/{id}/start` and `GET /exec/{id}/json`: runs a command in a running
    /// container to its end.
    ///
    /// A task that is cancelled stops waiting for the command; no engine can stop the command itself.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments; its user, environment and folder are the container's own.
    ///   - id: The container.
    /// - Returns: Its exit code and the end of its output; 126 or 127 where it could not be executed.
    /// - Throws: A status of 409 where the container does not run, of 404 where there is none.
    package func execute(_ command: [String], in id: String) async throws -> ExecOutcome {
        struct Create: Encodable {
            let attachStdout = true
            let attachStderr = true
            let command: [String]
            enum CodingKeys: String, CodingKey {
                case attachStdout = "AttachStdout"
                case attachStderr = "AttachStderr"
                case command = "Cmd"
            }
        }
        struct Created: Decodable {
            let id: String
            enum CodingKeys: String, CodingKey { case id = "Id" }
        }
        struct Start: Encodable {
            let detach = false
            let tty = false
            enum CodingKeys: String, CodingKey {
                case detach = "Detach"
                case tty = "Tty"
            }
        }
        let created: Created = try await call(
            request(.POST, containerPath(id, "exec"), "prepare a command in container \(short(id))")
                .with(json: Create(command: command))
        )
        let path = "/exec/\(PercentEncoding.encode(created.id))"
        let start = try request(.POST, "\(path)/start", "execute a command in container \(short(id))")
            .with(json: Start())
        var output: [UInt8] = []
        var decoder = LogFrameDecoder()
        try await open(start).forEachChunk { chunk in
            do {
                for frame in try decoder.decode(chunk) { output += frame.bytes.readableBytesView }
            } catch {
                throw EngineError.invalidAnswer(operation: start.operation, detail: "\(error)")
            }
            output.removeFirst(max(0, output.count - Self.longestExecOutput))
        }
        return ExecOutcome(exitCode: try await exitCode(ofExec: path, in: id), output: output)
    }

    /// The end of the output may come a moment before the exit is known.
    private func exitCode(ofExec path: String, in id: String) async throws -> Int {
        struct State: Decodable {
            let isRunning: Bool
            let exitCode: Int?
            enum CodingKeys: String, CodingKey {
                case isRunning = "Running"
                case exitCode = "ExitCode"
            }
        }
        let inspect = request(.GET, "\(path)/json", "inspect a command in container \(short(id))")
        return try await withDeadline(deadlines.call, inspect.operation) {
            var pause = Duration.milliseconds(5)
            while true {
                let state: State = try await call(inspect)
                if !state.isRunning, let code = state.exitCode { return code }
                try await ContinuousClock().sleep(for: pause)
                pause = min(pause * 2, .milliseconds(200))
            }
        }
    }
}
