package import DockerEngine
package import NIOCore
package import RoostCore

extension FakeEngine {
    /// What a container of the fake engine does instead of running a process: its steps, then the end.
    package struct Program: Sendable {
        package enum Step: Sendable {
            /// Writes bytes; more than 16 KiB take several frames, as the engine cuts them.
            case write(LogFrame.Stream, ByteBuffer)
            /// Copies stdin to stdout until stdin ends.
            case echo
            /// Waits for a line on stdin; the end of stdin ends the container with this code.
            case readLine(codeAtEnd: Int)
            /// Goes on when the test opens the latch.
            case wait(Latch)
            /// From here on the stop signal and its like do nothing.
            case ignoreSignals
            /// Runs until a signal ends it.
            case waitForSignal
            /// Ends with this code.
            case exit(Int)
            /// Ends as if the kernel had killed its first process for want of memory.
            case exitOutOfMemory
            /// The same on an engine that learns of the exit before it learns of the kill: only its event tells, the
            /// container's state never does.
            case exitOutOfMemoryUntold
        }

        /// Why the engine refuses to start the container.
        package struct StartFailure: Sendable {
            package let status: Int
            package let message: String
            package let exitCode: Int
        }

        package var steps: [Step]
        /// The code with which TERM, INT, HUP or QUIT end it, unless they are ignored.
        package var codeAfterSignal = 143
        package var startFailure: StartFailure?

        /// A program of these steps; after the last it exits with 0.
        package init(_ steps: Step...) {
            self.steps = steps
        }

        /// Prints lines, then exits.
        package static func printing(
            _ lines: [String] = [],
            stderr: [String] = [],
            exit code: Int = 0
        ) -> Program {
            Program(.lines(lines), .lines(stderr, .stderr), .exit(code))
        }

        /// Never starts: what an engine says of a command that is not there.
        package static func failingToStart(
            status: Int = 400,
            message: String = "exec: \"missing\": executable file not found in $PATH: unknown",
            exitCode: Int = 127
        ) -> Program {
            var program = Program()
            program.startFailure = StartFailure(status: status, message: message, exitCode: exitCode)
            return program
        }
    }
}

extension FakeEngine.Program.Step {
    /// Writes lines, each with a line break.
    package static func lines(_ lines: [String], _ stream: LogFrame.Stream = .stdout) -> Self {
        .write(stream, ByteBuffer(string: lines.map { $0 + "\n" }.joined()))
    }

    /// Writes one line.
    package static func line(_ line: String, _ stream: LogFrame.Stream = .stdout) -> Self {
        lines([line], stream)
    }
}
