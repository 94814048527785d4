import DockerEngine
import ParkedContainers
import RoostCore

/// Runs one attempt of a step: in its parked container where it has one, else create, start, follow, wait, inspect, remove.
///
/// Never throws and is never cancelled by an interruption: whatever happens ends in a report, and the container is gone
/// or named in a warning.
struct StepRunner: Sendable {
    let engine: EngineClient
    let context: RunContext
    let interruption: Interruption
    let creation: StepCreation
    /// How many containers may be starting at once: an engine starts four at once faster than twenty.
    let starts: StartQueue
    /// `nil` for an engine on another machine.
    let exits: ExitWatch?
    let settlement: StepSettlement
    let emit: @Sendable (RunEvent.Kind) async -> Void

    /// After the container has ended, how long its output may stall before it is given up.
    private static let outputStall = Duration.seconds(10)
    /// What the engine may need beyond the step's timeout and grace until it says that the container has ended.
    private static let waitMargin = Duration.seconds(60)

    /// One attempt, and what comes of it.
    private struct Attempt {
        let step: StepDefinition
        let number: Int
        let slots: NetworkSlots
        let onPassed: @Sendable () async -> Void
        var report: StepReport
        var timeline: StepTimeline
        /// One for all containers of the attempt: only the last of them can have written to it.
        var log: RawLog?

        mutating func cancel() {
            report.status = .cancelled
            report.reason = "the run was interrupted before it started"
        }
    }

    /// - Parameters:
    ///   - step: The step.
    ///   - imageID: Its image on the engine; `nil` for one that has to be looked for first.
    ///   - number: The attempt, counted from 1.
    ///   - parked: Its container, where it has one already.
    ///   - slots: The networks of its stage.
    ///   - timeline: What the step has waited for so far; its phases go on in it.
    ///   - onPassed: Told as soon as the command has ended well.
    /// - Returns: How it ended.
    func run(
        _ step: StepDefinition,
        imageID: String?,
        attempt number: Int,
        parked: ParkedStep?,
        slots: NetworkSlots,
        timeline: inout StepTimeline,
        onPassed: @escaping @Sendable () async -> Void
    ) async -> StepReport {
        var report = StepReport(id: step.id, image: step.imageText, status: .infrastructureError)
        report.attempts = number
        report.memoryLimit = step.memory
        report.offset = timeline.offset
        var attempt = Attempt(
            step: step,
            number: number,
            slots: slots,
            onPassed: {
                // Nothing of the container runs any more.
                slots.finish(step.id)
                await onPassed()
            },
            report: report,
            timeline: timeline
        )
        if interruption.end(for: step).isOpen {
            attempt.cancel()
        } else if let parked, await run(parked, &attempt) {
            await parked.finish()
            attempt.timeline.end(.cleanup)
        } else {
            await parked?.finish()
            await runPlain(imageID, &attempt)
        }
        slots.finish(step.id)
        attempt.log?.close(addingTo: &attempt.report.warning)
        timeline = attempt.timeline
        attempt.report.phases = timeline.phases
        return attempt.report
    }

    private func supervision(of container: String, _ attempt: Attempt) -> StepSupervision {
        StepSupervision(
            engine: engine,
            container: container,
            step: attempt.step,
            interruption: interruption,
            waitLimit: attempt.step.timeout + attempt.step.stopGrace + Self.waitMargin,
            outputStall: Self.outputStall,
            exits: exits,
            onPassed: attempt.onPassed
        )
    }

    func output(of step: StepDefinition, attempt: Int) -> StepOutput {
        StepOutput(
            id: step.id,
            attempt: attempt,
            attempts: step.retries.attempts,
            mask: context.secrets.mask,
            emit: emit
        )
    }

    private func openLog(of attempt: inout Attempt, for output: StepOutput) async {
        let (id, number) = (attempt.step.id, attempt.number)
        let log: RawLog
        if let opened = attempt.log {
            log = opened
        } else {
            log = await RawLog.open(for: id, emit: emit) { try context.logs?.file(for: id, attempt: number) }
        }
        attempt.log = log
        attempt.report.logPath = log.path
        log.keep(output)
    }

    /// What tells that the attempt's command has started, and lets its output be told from then on.
    private func tellStart(
        of container: String,
        _ attempt: Attempt,
        _ output: StepOutput
    ) -> @Sendable () async -> Void {
        let start = StepStart(
            id: attempt.step.id,
            image: attempt.step.imageText,
            attempt: attempt.number,
            attempts: attempt.step.retries.attempts,
            containerID: container
        )
        return {
            await emit(.stepStarted(start))
            output.mayEmit.open()
        }
    }

    // MARK: - Parked

    /// Why a parked container did not take its command; nothing of that has run.
    private struct NotReleased: Error {}

    /// - Returns: False where nothing of the command has run: a plain start is what remains.
    private func run(_ parked: ParkedStep, _ attempt: inout Attempt) async -> Bool {
        let step = attempt.step
        guard await parked.container.waitUntilParked() else { return false }
        // Who waited for its start may have been interrupted there.
        if interruption.end(for: step).isOpen {
            attempt.cancel()
            return true
        }
        guard attempt.slots.release(step) else { return false }
        await creation.tellWarnings(of: parked.made)
        await openLog(of: &attempt, for: parked.output)
        var timeline = attempt.timeline
        let outcome: StepSupervision.Outcome
        do {
            outcome = try await supervision(of: parked.container.id, attempt).run(
                parked.output,
                start: {
                    guard await parked.container.release(parked.payload) else { throw NotReleased() }
                    timeline.end(.start)
                    return parked.container.firstProcess
                },
                tellStart: tellStart(of: parked.container.id, attempt, parked.output)
            )
        } catch {
            attempt.slots.finish(step.id)
            return false
        }
        parked.endOutput()
        let output = await parked.output.finished()
        switch Self.verdict(parked.container.end, outcome, hasMark: output.hasCommandBegun) {
        case .neverBegan:
            attempt.slots.finish(step.id)
            return false
        case .unknown:
            timeline.end(.run, at: outcome.endedAt)
            attempt.report.reason =
                "the connection to its container was lost when its command was to begin; whether it ran is not known"
        case .began:
            timeline.end(.run, at: outcome.endedAt)
            await settlement.settle(parked.container.id, step, outcome, output, &attempt.report)
        }
        attempt.timeline = timeline
        return true
    }

    /// Whether the command of a container that was released has begun. Where the container's own end decides how the step
    /// ended, whatever ran in it, that counts as begun.
    ///
    /// - Parameters:
    ///   - parked: How its time as a parked container ended.
    ///   - outcome: How the container ended.
    ///   - hasMark: Whether the gate's mark stands in its log; `nil` where that could not be read.
    /// - Returns: Whether it has.
    static func verdict(_ parked: ParkedEnd?, _ outcome: StepSupervision.Outcome, hasMark: Bool?) -> GateVerdict {
        guard outcome.endedBy == nil else { return .began }
        switch parked {
        case .commandRan: return .began
        case .notParkable, .discarded: return .neverBegan
        case .unclear, nil:
            guard case .exited(let code) = outcome.end else { return .began }
            // No gate that has not become its command exits with 0.
            if outcome.kernelCode == 0 { return .began }
            return hasMark.map { GateVerdict(hasMark: $0, exitCode: code) } ?? .unknown
        }
    }

    // MARK: - Plain

    private func runPlain(_ imageID: String?, _ attempt: inout Attempt) async {
        let step = attempt.step
        for isLast in [false, true] {
            let permit = await starts.permit(.due)
            // Time in the queue for a start is waiting, not creating.
            attempt.timeline.end(.wait)
            // Who waited in the queue may have been interrupted there.
            if interruption.end(for: step).isOpen { return attempt.cancel() }
            let container: MadeContainer
            do {
                container = try await creation.create(
                    step,
                    imageID: imageID,
                    attempt: attempt.number,
                    networkMode: attempt.slots.start(step)
                )
                attempt.timeline.end(.create)
            } catch {
                attempt.timeline.end(.create)
                permit?.giveBack()
                if !isLast, attempt.slots.giveUpSlot(of: step.id) { continue }
                attempt.report.reason = "its container could not be created: \(error)"
                if interruption.cause != nil, error is CancellationError { attempt.report.status = .cancelled }
                return
            }
            let canTryAgain =
                await !run(container.id, permit, &attempt) && !isLast && attempt.slots.giveUpSlot(of: step.id)
            await creation.remove(container)
            attempt.timeline.end(.cleanup)
            guard canTryAgain else { return }
        }
    }

    /// - Returns: False where the engine could not start the container, for no fault of the command's.
    private func run(_ container: String, _ permit: StartPermit?, _ attempt: inout Attempt) async -> Bool {
        let step = attempt.step
        let output = output(of: step, attempt: attempt.number)
        await openLog(of: &attempt, for: output)
        let before = attempt
        var answered = ContinuousClock.now
        do {
            let outcome = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await output.follow(.container(container), on: engine) }
                defer { group.cancelAll() }
                await output.isReady.wait()
                return try await supervision(of: container, before).run(
                    output,
                    start: {
                        defer { permit?.giveBack() }
                        if interruption.end(for: step).isOpen { throw CancellationError() }
                        // A start can't be stopped, only given up: the removal kills what has come of it.
                        let hasStarted: Bool? = try await interruption.kill.cancelling {
                            try await engine.startContainer(container)
                            return true
                        }
                        if hasStarted == nil { throw CancellationError() }
                        answered = .now
                        return nil
                    },
                    tellStart: tellStart(of: container, before, output)
                )
            }
            let ran = await settlement.settle(container, step, outcome, await output.finished(), &attempt.report)
            attempt.timeline.endRun(answered: answered, endedAt: outcome.endedAt, ran: ran)
            return true
        } catch is CancellationError where interruption.end(for: step).isOpen {
            attempt.timeline.end(.wait)
            attempt.cancel()
            return true
        } catch {
            attempt.timeline.end(.start)
            return await settlement.describeFailedStart(container, error, &attempt.report)
        }
    }
}

// MARK: - Ahead of its turn

extension StepRunner {
    /// Parks the step's container, where that is possible, for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - step: The step.
    ///   - imageID: Its image on the engine.
    ///   - slots: The networks of its stage.
    ///   - turn: When it may run. Where that comes first, nothing is parked: a plain start is then as fast.
    ///   - body: Waits for the step's turn and runs it; is given no container where none could be parked.
    /// - Returns: What the body returns; the container has been removed.
    func parking<Ended: Sendable>(
        _ step: StepDefinition,
        imageID: String?,
        slots: NetworkSlots,
        turn: StepTurn,
        body: (ParkedStep?) async -> Ended?
    ) async -> Ended? {
        let gate = ContainerGate()
        guard let imageID, let command = step.parkedCommand, let payload = try? GatePayload(command, for: gate) else {
            return await body(nil)
        }
        guard let permit = await turn.ifStillToCome({ await starts.permit(.ahead) }) else { return await body(nil) }
        let mode = slots.park(step)
        guard let made = await creation.createParked(step, imageID: imageID, networkMode: mode, gate: gate) else {
            slots.finish(step.id)
            permit.giveBack()
            return await body(nil)
        }
        let parked = ParkedStep(made, gate: gate, payload: payload, output: output(of: step, attempt: 1))
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await parked.live(
                    on: engine,
                    exits: exits,
                    permit: permit,
                    start: { try await engine.startContainer(made.id) },
                    remove: { await creation.remove(made) }
                )
            }
            let report = await body(parked)
            await parked.finish()
            return report
        }
    }
}
