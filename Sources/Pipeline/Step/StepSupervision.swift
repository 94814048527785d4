import DockerEngine
import ParkedContainers
import RoostCore

/// Starts a container's command and watches over it until it has ended and its output has been read.
struct StepSupervision: Sendable {
    let engine: EngineClient
    let container: String
    let step: StepDefinition
    let interruption: Interruption
    let waitLimit: Duration
    let outputStall: Duration
    /// Where the container's first process is followed from; `nil` for an engine elsewhere.
    let exits: ExitWatch?
    /// Told as soon as the command has ended well, before its output has been read and the engine's verdict is in.
    let onPassed: @Sendable () async -> Void

    struct Outcome: Sendable {
        let end: ContainerEnd
        let endedBy: StepLifecycle.EndedBy?
        let endedAt: ContinuousClock.Instant
        let memory: StepMemory.Usage
        /// The exit code by the kernel's word; `nil` where it has none to give.
        let kernelCode: Int?
    }

    /// How long after its process's end a container's output may take to come to its own end; half a second is plenty, and
    /// well below the two that the engine gives it.
    private static let patienceAfterExit = Duration.milliseconds(500)

    /// How long an engine may take to tell an end that has come: by the kernel's word, or after a stop or a kill. One that hangs
    /// would otherwise be waited for as long as the step may take.
    private enum Patience {
        static let afterExit = Duration.seconds(30)
        /// Beside the grace.
        static let afterStop = Duration.seconds(10)
        /// Whoever asks for a kill wants the run to end now.
        static let afterKill = Duration.seconds(5)
    }

    private enum Report: Sendable {
        case event(StepLifecycle.Event)
        case outputFinished
        case found(FirstProcess?)
        case exitSeen(ProcessEnd, at: ContinuousClock.Instant)
        case memory(StepMemory.Usage)
        case nothing
    }

    /// - Parameters:
    ///   - output: The container's output, which is being read.
    ///   - start: Starts the command, and returns the container's first process where it is followed already.
    ///   - tellStart: Tells that it has started. Whoever reads that may take it late: the command is watched over meanwhile.
    /// - Returns: How it ended, once its start has been told.
    /// - Throws: What `start` throws.
    func run(
        _ output: StepOutput,
        start: () async throws -> FirstProcess?,
        tellStart: @escaping @Sendable () async -> Void
    ) async throws -> Outcome {
        let parkedProcess = try await start()
        async let told: Void = tellStart()
        let outcome = await supervise(output, parkedProcess)
        await told
        return outcome
    }

    private func supervise(_ output: StepOutput, _ parkedProcess: FirstProcess?) async -> Outcome {
        await withTaskGroup(of: Report.self) { group in
            var lifecycle = StepLifecycle()
            var endedAt: ContinuousClock.Instant?
            var usage = StepMemory.Usage()
            var kernelCode: Int?
            var hasPassed = false
            group.addTask {
                _ = await output.finished()
                return .outputFinished
            }
            group.addTask {
                .event(.ended(await ContainerWait(engine: engine, container: container).end(within: waitLimit)))
            }
            if let parkedProcess {
                watch(parkedProcess, output, in: &group)
            } else {
                group.addTask { .found(await exits?.firstProcess(of: container, on: engine)) }
            }
            group.addTask {
                (try? await ContinuousClock().sleep(for: step.timeout)) == nil ? .nothing : .event(.deadlinePassed)
            }
            // A step that always runs is let run: only a second interruption ends it.
            if interruption.end(for: step) === interruption.stop {
                group.addTask { await interruption.stop.wait() ? .event(.stopRequested) : .nothing }
            }
            group.addTask { await interruption.kill.wait() ? .event(.killRequested) : .nothing }

            func pass() async {
                guard !hasPassed, lifecycle.endedBy == nil else { return }
                hasPassed = true
                await onPassed()
            }
            // After the last action the group is drained: every task's result counts, and none outlives this call.
            while let report = await group.next() {
                let event: StepLifecycle.Event
                switch report {
                case .nothing: continue
                case .found(let process):
                    watch(process, output, in: &group)
                    continue
                case .memory(let sampled):
                    usage = sampled
                    continue
                case .exitSeen(let end, let instant):
                    group.addTask {
                        await output.detachIfHeldUp(after: Self.patienceAfterExit)
                        return .nothing
                    }
                    group.addTask { await silence(Patience.afterExit) }
                    guard let code = end.exitCode else { continue }
                    kernelCode = code
                    endedAt = instant
                    // The engine's own word comes later, and is waited for; nothing that comes between is the command's end.
                    _ = lifecycle.handle(.commandEnded)
                    if code == 0 { await pass() }
                    continue
                case .outputFinished: event = .outputEnded
                case .event(let happened): event = happened
                }
                if case .ended(let end) = event {
                    endedAt = endedAt ?? .now
                    output.hasEnded.open()
                    if end == .exited(code: 0) { await pass() }
                }
                for action in lifecycle.handle(event) {
                    switch action {
                    case .stop:
                        output.shouldDetach.open()
                        group.addTask { await stop() }
                        group.addTask { await silence(step.stopGrace + Patience.afterStop) }
                    case .kill:
                        output.shouldDetach.open()
                        group.addTask { await kill() }
                        group.addTask { await silence(Patience.afterKill) }
                    case .watchOutput:
                        group.addTask {
                            (try? await output.waitForStall(outputStall)) == nil ? .nothing : .event(.outputStalled)
                        }
                    case .finish: group.cancelAll()
                    }
                }
            }
            if case .engineLost = lifecycle.end, interruption.kill.isOpen { interruption.isEngineLost.open() }
            return Outcome(
                end: lifecycle.end ?? .engineLost("its end was never reported"),
                endedBy: lifecycle.endedBy,
                endedAt: endedAt ?? .now,
                memory: usage,
                kernelCode: kernelCode
            )
        }
    }

    /// Follows the container's first process, for its exit and its memory. Where that can't be done, the engine tells of
    /// the first later and less exactly, and of the second by samples.
    private func watch(_ process: FirstProcess?, _ output: StepOutput, in group: inout TaskGroup<Report>) {
        let memory = StepMemory(engine: engine, container: container)
        guard let process else {
            group.addTask { .memory(StepMemory.Usage(peak: await memory.peak())) }
            group.addTask {
                await output.detachIfHeldUp { await isKnownToRun() }
                return .nothing
            }
            return
        }
        output.isFollowed.open()
        group.addTask {
            let end = await process.end()
            output.hasExited.open()
            return .exitSeen(end, at: .now)
        }
        group.addTask { .memory(await memory.usage(until: process)) }
    }

    private func isKnownToRun() async -> Bool {
        let state = try? await withDeadline(StepOutput.lookInterval, "inspect a container") {
            try await engine.inspectContainer(container)?.state
        }
        return state?.isRunning == true
    }

    /// The engine's errors here are told by the wait that goes on meanwhile.
    private func stop() async -> Report {
        try? await engine.stopContainer(container, grace: step.stopGrace)
        return .nothing
    }

    private func kill() async -> Report {
        try? await engine.killContainer(container)
        return .nothing
    }

    /// The engine is taken for lost where nothing else ends the step before.
    private func silence(_ patience: Duration) async -> Report {
        guard (try? await ContinuousClock().sleep(for: patience)) != nil else { return .nothing }
        let shown = DurationText.format(patience)
        return .event(.ended(.engineLost("it does not tell how the container ended, which it had \(shown) for")))
    }
}
