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

            What the operator has to allow is checked against the settings of this machine. To check a file for another \
            machine, allow what that one allows: nothing is run.

            EXAMPLE
              roost validate -f ci/roost.toml
              roost validate --allow-privileged
            """
    )

    @OptionGroup var file: PipelineFileOptions
    @OptionGroup var permissions: PermissionOptions

    func run() async throws {
        try file.enter()
        let settings = try SettingsLoader.load(permissions: permissions)
        let (pipeline, remarks) = try file.check()
        let refusals = pipeline.map { settings.policy.refusals(of: $0.steps, file: $0.file.shownName) } ?? []
        let diagnostics = (remarks + refusals).sortedByPosition()
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
