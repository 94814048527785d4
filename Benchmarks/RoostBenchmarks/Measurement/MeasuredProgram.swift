import Foundation
import RoostCore
import RoostTesting
import Subprocess

/// A program whose peak memory is measured: ``CompiledProgram/peak`` runs it.
struct MeasuredProgram {
    /// What one run took.
    struct Cost {
        let time: Duration
        /// The largest resident set of the program, or of a child that it waited for.
        let peak: ByteCount
    }

    /// The figure could not be read.
    struct NoFigure: Error, CustomStringConvertible {
        let file: String
        var description: String { "\(file) holds no number of bytes" }
    }

    private let program: Program
    private let figure: String

    /// - Parameters:
    ///   - program: What to run.
    ///   - workbench: Gives the place for the figure.
    ///   - output: The file for all that the program writes; `nil` throws it away.
    /// - Throws: ``CompiledProgram/Missing``.
    init(_ program: Program, on workbench: Workbench, into output: String? = nil) throws {
        let figure = workbench.sandbox.directory.path("peak")
        self.figure = figure
        let redirection = output == nil ? "2>&1" : #"> "$0" 2>&1"#
        self.program = Program(
            executable: try CompiledProgram.peak.path(),
            // The shell becomes the program, so that there is no other process between.
            arguments: [figure, "/bin/sh", "-c", #"exec "$@" "# + redirection, output ?? "sh", program.executable]
                + program.arguments,
            environment: program.environment,
            directory: program.directory
        )
    }

    /// Runs the program to its end.
    ///
    /// - Throws: ``Program/Failed``, or ``NoFigure``.
    func run() async throws -> Cost {
        let time = try await program.time()
        return Cost(time: time, peak: try readFigure())
    }

    /// Runs the program, reading all that it writes at some pace.
    ///
    /// - Throws: ``Program/Failed``, or ``NoFigure``.
    func run(reading: @escaping @Sendable (SubprocessOutputSequence) async throws -> Void) async throws -> Cost {
        let start = ContinuousClock.now
        try await program.run(reading: reading)
        return Cost(time: .now - start, peak: try readFigure())
    }

    private func readFigure() throws -> ByteCount {
        let text = try String(contentsOfFile: figure, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let bytes = Int64(text) else { throw NoFigure(file: figure) }
        return ByteCount(bytes)
    }
}
