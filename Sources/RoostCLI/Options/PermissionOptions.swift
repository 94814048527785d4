import ArgumentParser
import Pipeline
import RoostCore

/// What a pipeline may do that it can't allow itself.
struct PermissionOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Let the pipeline have privileged steps, devices, every capability, and no seccomp.",
            discussion: "Such a step can become root on the host."
        )
    )
    var allowPrivileged = false

    @Flag(help: "Let the pipeline have steps in the host's own network.")
    var allowHostNetwork = false

    /// Prints what of the steps that were chosen the operator does not allow.
    ///
    /// - Parameters:
    ///   - definition: The steps, and the file that they come from.
    ///   - settings: With these options in them.
    /// - Throws: ``UsageError`` where there is any.
    static func check(_ definition: PipelineDefinition, _ settings: Settings) throws {
        let refusals = settings.policy.refusals(of: definition.steps, file: definition.file.shownName)
        guard !refusals.isEmpty else { return }
        for refusal in refusals { try OutputWriter.standardError.enqueue("\(refusal)\n") }
        throw UsageError(description: "the pipeline asks for more than the settings of this machine allow")
    }
}
