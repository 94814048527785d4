import DockerEngine
import RoostCore

/// Starts a container and watches over it until it has ended and its output has been read.
struct StepSupervision: Sendable {
    let engine: EngineClient
    let container: String
    let step: StepDefinition
    let interruption: Interruption
    let waitLimit: Duration
    let outputStall: Duration
    /// Told as soon as the command has ended well, before its output has been read and the engine's verdict is in.
    let onPassed: @Sendable () -> Void

    struct Outcome: Sendable {
        let end: ContainerEnd
        let endedBy: StepLifecycle.EndedBy?
        let endedAt: ContinuousClock.Instant
        let output: StepOutput.Result
        let peakMemory: ByteCount?
    }

    private enum Report: Sendable {
        case event(StepLifecycle.Event)
        case output(StepOutput.Result)
        case memory(ByteCount?)
        case nothing
    }

    /// - Parameters:
    ///   - output: What reads the container's output.
    ///   - start: Starts the container, once its output is being read.
    /// - Returns: How it ended.
    /// - Throws: What `start` throws.
    func run(_ output: StepOutput, start: () async throws -> Void) async throws -> Outcome {
        try await withThrowingTaskGroup(of: Report.self) { group in
            group.addTask { .output(await output.follow(container, on: engine)) }
            await output.isReady.wait()
            // A failure leaves the group, which cancels the reading.
            try await start()
            var lifecycle = StepLifecycle()
            var endedAt: ContinuousClock.Instant?
            var result = StepOutput.Result()
            var peak: ByteCount?
            group.addTask {
                .event(.ended(await ContainerWait(engine: engine, container: container).end(within: waitLimit)))
            }
            group.addTask { .memory(await StepMemory(engine: engine, container: container).peak()) }
            group.addTask {
                (try? await ContinuousClock().sleep(for: step.timeout)) == nil ? .nothing : .event(.deadlinePassed)
            }
            // A step that always runs is let run: only a second interruption ends it.
            if !step.schedule.isAlways {
                group.addTask { await interruption.stop.wait() ? .event(.stopRequested) : .nothing }
            }
            group.addTask { await interruption.kill.wait() ? .event(.killRequested) : .nothing }
            // After the last action the group is drained: every task's result counts, and none outlives this call.
            while let report = try await group.next() {
                let event: StepLifecycle.Event
                switch report {
                case .nothing: continue
                case .memory(let sampled):
                    peak = sampled
                    continue
                case .output(let read):
                    result = read
                    event = .outputEnded
                case .event(let happened): event = happened
                }
                if case .ended(let end) = event {
                    endedAt = .now
                    output.hasEnded.open()
                    if end == .exited(code: 0), lifecycle.endedBy == nil { onPassed() }
                }
                for action in lifecycle.handle(event) {
                    switch action {
                    case .stop:
                        output.shouldDetach.open()
                        group.addTask { await stop() }
                    case .kill:
                        output.shouldDetach.open()
                        group.addTask { await kill() }
                    case .watchOutput:
                        group.addTask {
                            (try? await output.waitForStall(outputStall)) == nil ? .nothing : .event(.outputStalled)
                        }
                    case .finish: group.cancelAll()
                    }
                }
            }
            return Outcome(
                end: lifecycle.end ?? .engineLost("its end was never reported"),
                endedBy: lifecycle.endedBy,
                endedAt: endedAt ?? .now,
                output: result,
                peakMemory: peak
            )
        }
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
}
