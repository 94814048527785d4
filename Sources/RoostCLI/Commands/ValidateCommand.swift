import ArgumentParser
import Pipeline
import RoostCore

/// `roost validate`.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check a pipeline's file.",
        discussion: """
            Reports every error and warning at once, each with its file, line and key, without asking the engine or a \
            registry.

            EXAMPLE
              roost validate -f ci/roost.toml
            """
    )

    @OptionGroup var file: PipelineFileOptions

    func run() async throws {
        try file.enter()
        let (pipeline, diagnostics) = try file.check()
        for diagnostic in diagnostics { try OutputWriter.standardOutput.enqueue("\(diagnostic)\n") }
        try await OutputWriter.standardOutput.flush()
        guard let pipeline, !diagnostics.hasErrors else { throw ExitCode(2) }
        let steps = pipeline.steps.count
        try OutputWriter.standardError.enqueue(
            "\(pipeline.file.shownName): valid, \(pipeline.stages.count) stage\(pipeline.stages.count == 1 ? "" : "s"), "
                + "\(steps) step\(steps == 1 ? "" : "s")\n"
        )
        try await OutputWriter.standardError.flush()
    }
}
