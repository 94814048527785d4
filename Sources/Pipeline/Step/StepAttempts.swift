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
    ///   - slots: The networks of its stage.
    ///   - turn: When it may run. As long as that is still to come, its container is parked.
    ///   - onPassed: Told as soon as the command has ended well.
    /// - Returns: How the last attempt ended, with those before it; `nil` where its turn never came.
    func run(
        _ step: StepDefinition,
        imageID: String?,
        slots: NetworkSlots,
        turn: StepTurn,
        onPassed: @escaping @Sendable () async -> Void
    ) async -> StepReport? {
        let first: @Sendable (ParkedStep?) async -> Ended? = { parked in
            guard case .begun(let timeline) = await turn.wait() else { return nil }
            return await attempt(step, imageID, slots, 1, parked, timeline, onPassed)
        }
        let ended =
            turn.isAhead
            ? await runner.parking(step, imageID: imageID, slots: slots, turn: turn, body: first) : await first(nil)
        guard var ended else { return nil }
        var earlier: [AttemptReport] = []
        while true {
            let number = earlier.count + 1
            ended.report.earlierAttempts = earlier
            guard !interruption.end(for: step).isOpen,
                let pause = step.retries.pause(after: number, endedWith: ended.report.status)
            else { return ended.report }
            let over = AttemptReport(
                number: number,
                status: ended.report.status,
                exitCode: ended.report.exitCode,
                reason: ended.report.reason,
                duration: ended.ran,
                logPath: ended.report.logPath
            )
            await emit(
                .stepRetrying(StepRetry(id: step.id, attempt: over, attempts: step.retries.attempts, pause: pause))
            )
            guard await waited(pause, for: step) else { return ended.report }
            earlier.append(over)
            ended = await attempt(step, imageID, slots, number + 1, nil, ended.timeline, onPassed)
        }
    }

    /// One attempt that is over.
    struct Ended: Sendable {
        var report: StepReport
        let timeline: StepTimeline
        let ran: Duration
    }

    private func attempt(
        _ step: StepDefinition,
        _ imageID: String?,
        _ slots: NetworkSlots,
        _ number: Int,
        _ parked: ParkedStep?,
        _ start: StepTimeline,
        _ onPassed: @escaping @Sendable () async -> Void
    ) async -> Ended {
        var timeline = start
        let admission = await memory.admit(step)
        timeline.end(.wait)
        var report: StepReport
        if case .interrupted = admission.outcome {
            report = StepReport(id: step.id, image: step.imageText, status: .cancelled)
            report.reason = "the run was interrupted while the step waited for memory"
            report.attempts = number - 1
            report.memoryLimit = step.memory
            report.phases = timeline.phases
            report.offset = timeline.offset
        } else {
            report = await runner.run(
                step,
                imageID: imageID,
                attempt: number,
                parked: parked,
                slots: slots,
                timeline: &timeline,
                onPassed: {
                    await onPassed()
                    // Its processes are gone: what it was promised is free for others.
                    await memory.release(admission)
                }
            )
            await memory.release(admission)
        }
        let ran = (timeline.phases[.run] ?? .zero) - (start.phases[.run] ?? .zero)
        return Ended(report: report, timeline: timeline, ran: ran)
    }

    /// - Returns: False where the run was interrupted meanwhile.
    private func waited(_ pause: Duration, for step: StepDefinition) async -> Bool {
        (try? await interruption.end(for: step).cancelling { try await ContinuousClock().sleep(for: pause) }) != nil
    }
}
