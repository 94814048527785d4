package import Foundation

extension RunReport {
    /// The report of a run that ended before it had begun, such as for want of an engine: every step is skipped.
    ///
    /// - Parameters:
    ///   - plan: What would have run.
    ///   - runID: The run's name.
    ///   - startedAt: When connecting began.
    ///   - duration: How long it went on.
    ///   - interruption: What ended it from outside; `nil` where the engine or this machine failed.
    ///   - exitCode: What the process ends with.
    ///   - reason: What happened, for people.
    /// - Returns: The report, with every step skipped.
    package static func unbegun(
        _ plan: PipelinePlan,
        runID: RunID,
        startedAt: Date,
        duration: Duration,
        interruption: InterruptionCause?,
        exitCode: Int32,
        reason: String
    ) -> RunReport {
        var report = RunReport(
            runID: runID.description,
            pipeline: plan.name,
            status: interruption == nil ? .infrastructureError : .interrupted,
            exitCode: exitCode,
            startedAt: startedAt,
            duration: duration,
            stages: skippedStages(of: plan)
        )
        report.file = plan.definition.file.url.lastPathComponent
        report.reason = reason
        return report
    }

    /// The stages of a plan of which nothing was run.
    static func skippedStages(of plan: PipelinePlan) -> [StageReport] {
        plan.stages.map { stage in
            StageReport(
                name: stage.name,
                status: .skipped,
                duration: .zero,
                steps: stage.steps.map { step in
                    var report = StepReport(id: step.id, image: step.imageText, status: .skipped)
                    report.reason = "the run did not begin"
                    return report
                }
            )
        }
    }
}
