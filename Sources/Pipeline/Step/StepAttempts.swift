import RoostCore

/// Runs a step until it succeeds, its attempts are used up, or the run ends: waits for its memory each time, and pauses
/// between the attempts.
struct StepAttempts: Sendable {
    let runner: StepRunner
    let memory: StepMemoryAdmission
    let interruption: Interruption
    let emit: @Sendable (RunEvent.Kind) async -> Void

    /// - Parameters:
    ///   - step: The step.
    ///   - imageID: Its image on the engine; `nil` for one that has to be looked for first.
    ///   - network: The network that it joins; `nil` for the engine's default.
    ///   - timeline: What the step has waited for so far.
    ///   - onPassed: Told as soon as the command has ended well.
    /// - Returns: How the last attempt ended, with those before it.
    func run(
        _ step: StepDefinition,
        imageID: String?,
        network: String? = nil,
        timeline: StepTimeline,
        onPassed: @escaping @Sendable () -> Void
    ) async -> StepReport {
        var timeline = timeline
        var earlier: [AttemptReport] = []
        while true {
            let number = earlier.count + 1
            let ranBefore = timeline.phases[.run] ?? .zero
            var report = await attempt(step, imageID: imageID, network, number, &timeline, onPassed)
            report.earlierAttempts = earlier
            guard !end(for: step).isOpen,
                let pause = step.retries.pause(after: number, endedWith: report.status)
            else { return report }
            let ended = AttemptReport(
                number: number,
                status: report.status,
                exitCode: report.exitCode,
                reason: report.reason,
                duration: (timeline.phases[.run] ?? .zero) - ranBefore,
                logPath: report.logPath
            )
            await emit(
                .stepRetrying(StepRetry(id: step.id, attempt: ended, attempts: step.retries.attempts, pause: pause))
            )
            guard await waited(pause, for: step) else { return report }
            earlier.append(ended)
        }
    }

    private func attempt(
        _ step: StepDefinition,
        imageID: String?,
        _ network: String?,
        _ number: Int,
        _ timeline: inout StepTimeline,
        _ onPassed: @escaping @Sendable () -> Void
    ) async -> StepReport {
        let admission: StepMemoryAdmission.Outcome = await memory.admit(step)
        timeline.end(.wait)
        if case .interrupted = admission {
            var report = StepReport(id: step.id, image: step.imageText, status: .cancelled)
            report.reason = "the run was interrupted while the step waited for memory"
            report.attempts = number - 1
            report.memoryLimit = step.memory
            report.phases = timeline.phases
            report.offset = timeline.offset
            return report
        }
        let report = await runner.run(
            step,
            imageID: imageID,
            network: network,
            attempt: number,
            timeline: &timeline,
            onPassed: onPassed
        )
        await memory.release(admission)
        return report
    }

    /// What ends a step before its time: a step that always runs goes on after a first interruption.
    private func end(for step: StepDefinition) -> Latch {
        step.schedule.isAlways ? interruption.kill : interruption.stop
    }

    /// - Returns: False where the run was interrupted meanwhile.
    private func waited(_ pause: Duration, for step: StepDefinition) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await ContinuousClock().sleep(for: pause)) != nil }
            group.addTask { !(await end(for: step).wait()) }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }
}
