import DockerEngine
import RoostCore

/// Finds out how a step's container has ended, and fills in the step's report.
struct StepSettlement: Sendable {
    let engine: EngineClient
    let context: RunContext
    let outOfMemory: OutOfMemoryWatch
    let emit: @Sendable (RunEvent.Kind) async -> Void

    /// Reads the engine's verdict and fills in the report.
    ///
    /// - Returns: How long the container ran, by the engine's word; `nil` where it has none.
    @discardableResult
    func settle(
        _ container: String,
        _ step: StepDefinition,
        _ outcome: StepSupervision.Outcome,
        _ output: StepOutput.Result,
        _ report: inout StepReport
    ) async -> Duration? {
        if case .exited(let code) = outcome.end { await record(code, of: step, attempt: report.attempts) }
        let findings = await ContainerSettlement(engine: engine, outOfMemory: outOfMemory).settle(
            container,
            outcome.end,
            outcome.memory,
            isEndedByRoost: outcome.endedBy != nil
        )
        let verdict = StepVerdict(
            end: findings.end,
            kernelCode: outcome.kernelCode,
            endedBy: outcome.endedBy,
            wasOOMKilled: findings.wasOOMKilled,
            step: step
        )
        report.status = verdict.status
        report.exitCode = verdict.exitCode
        report.reason = verdict.reason
        report.warning = String(problems: [output.problem, findings.problem, verdict.warning])
        // The kernel kills at the limit: whatever was seen before, this much was used.
        report.peakMemory = findings.wasOOMKilled ? step.memory : outcome.memory.peak
        if verdict.status != .succeeded { report.lastLines = output.tail.lines }
        return findings.ran
    }

    /// Written down before the container is removed, so that whoever comes after a crash knows it all the same.
    private func record(_ code: Int, of step: StepDefinition, attempt: Int) async {
        guard let journal = context.records?.journal else { return }
        let exit = StepExit(stage: step.id.stage, step: step.id.step, attempt: attempt, exitCode: code)
        do {
            try await journal.record(exit, of: context.runID.description)
        } catch {
            await emit(.warning("the exits of this run's steps can't be written down: \(error)"))
        }
    }

    /// A start that failed: the command's fault where the engine gives it the code of one, else the engine's.
    ///
    /// - Returns: Whether it was the command's.
    func describeFailedStart(_ container: String, _ error: any Error, _ report: inout StepReport) async -> Bool {
        // The engine sets 127 for a command that isn't there and 126 for one that can't be executed, as shells do
        // (moby, daemon/start.go, translateContainerdStartErr).
        let code = try? await engine.inspectContainer(container)?.state.exitCode
        if let code, code == 126 || code == 127, (error as? EngineError)?.isEngineUnavailable == false {
            report.status = .failed
            report.exitCode = code
            report.reason = "its command could not be started (exit code \(code)): \(error)"
            return true
        }
        report.reason = "its container could not be started: \(error)"
        return false
    }
}
