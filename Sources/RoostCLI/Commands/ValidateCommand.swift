import ArgumentParser
import DockerEngine
import Pipeline
import RoostCore

/// `roost validate`.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check a pipeline's file.",
        discussion: """
            Reports every error and warning at once, each with its file, line and key. No registry is asked, and the \
            engine only for its memory, where the memory_budget is a part of that, as it is by default; without an \
            engine this one thing is not checked, which is said.

            What the operator has to allow is checked against the settings of this machine. To check a file for another \
            machine, allow what that one allows: nothing is run.

            EXAMPLE
              roost validate -f ci/roost.toml
              roost validate --allow-privileged
            """
    )

    @OptionGroup var file: PipelineFileOptions
    @OptionGroup var permissions: PermissionOptions
    @OptionGroup var engine: EngineOptions

    /// How long the engine may take to tell its memory: whoever checks a file does not want to wait for an engine.
    private static let patience = Duration.seconds(2)

    func run() async throws {
        try file.enter()
        let settings = try SettingsLoader.load(permissions: permissions)
        var (pipeline, diagnostics) = try file.check()
        diagnostics += pipeline.map { settings.policy.refusals(of: $0.steps, file: $0.file.shownName) } ?? []
        var remark: String?
        if let pipeline, !diagnostics.hasErrors {
            let budget = pipeline.memoryBudget ?? settings.memoryBudget
            do {
                diagnostics += pipeline.problems(within: budget, onEngineWith: try await total(for: budget))
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                remark =
                    "\(pipeline.file.shownName): whether each step fits in memory_budget, \(budget), was not checked: "
                    + "\(error)\n"
            }
        }
        diagnostics = diagnostics.sortedByPosition()
        for diagnostic in diagnostics { try OutputWriter.standardOutput.enqueue("\(diagnostic)\n") }
        try await OutputWriter.standardOutput.flush()
        guard let pipeline, !diagnostics.hasErrors else { throw ExitCode(2) }
        if let remark { try OutputWriter.standardError.enqueue(remark) }
        let steps = pipeline.steps.count
        try OutputWriter.standardError.enqueue(
            "\(pipeline.file.shownName): valid, \(pipeline.stages.count) stage\(pipeline.stages.count == 1 ? "" : "s"), "
                + "\(steps) step\(steps == 1 ? "" : "s")\n"
        )
        try await OutputWriter.standardError.flush()
    }

    /// What the budget is a part of. The engine is asked only where it is one.
    private func total(for budget: MemoryBudget) async throws -> ByteCount {
        if case .size(let size) = budget { return size }
        let configuration = try engine.configuration()
        return try await withDeadline(Self.patience, "asking \(configuration.endpoint) for its memory") {
            try await EngineClient.with(
                configuration.endpoint,
                requestedVersion: configuration.requestedVersion
            ) { ByteCount(try await $0.info().memoryTotal) }
        }
    }
}
