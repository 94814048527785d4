import DockerEngine
import ParkedContainers
import RoostCore

/// Starts a service's container and watches over it until it has ended and its output has been read.
struct ServiceSupervision: Sendable {
    let engine: EngineClient
    let container: String
    let service: ServiceDefinition
    let interruption: Interruption
    /// Where the container's first process is followed from; `nil` for an engine elsewhere.
    let exits: ExitWatch?
    /// Opens when nobody needs the service any more.
    let stop: Latch
    /// Told once, as soon as it can be used, with the time that it took.
    let onReady: @Sendable (Duration) async -> Void

    /// A service may run for as long as the steps beside it, whose own timeouts bound them.
    private static let longestRun = Duration.seconds(30 * 86_400)
    /// What the engine may need beyond the grace until it says that the container has ended.
    private static let endMargin = Duration.seconds(60)
    /// After the container has ended, how long its output may stall before it is given up.
    private static let outputStall = Duration.seconds(10)

    struct Outcome: Sendable {
        let lifecycle: ServiceLifecycle
        let readyAfter: Duration?
        let duration: Duration
        let output: StepOutput.Result
        let memory: StepMemory.Usage
    }

    private enum Report: Sendable {
        case event(ServiceLifecycle.Event)
        case output(StepOutput.Result)
        case memory(StepMemory.Usage)
        case nothing
    }

    /// - Parameters:
    ///   - output: What reads the container's output.
    ///   - start: Starts the container, once its output is being read.
    /// - Returns: How it ended.
    /// - Throws: What `start` throws.
    func run(_ output: StepOutput, start: () async throws -> Void) async throws -> Outcome {
        try await withThrowingTaskGroup(of: Report.self) { group in
            group.addTask {
                await output.follow(.container(container), on: engine)
                return .output(await output.finished())
            }
            await output.isReady.wait()
            // A failure leaves the group, which cancels the reading.
            try await start()
            let begin = ContinuousClock.now
            var lifecycle = ServiceLifecycle()
            var endedAt: ContinuousClock.Instant?
            var readyAfter: Duration?
            var result = StepOutput.Result()
            var usage = StepMemory.Usage()
            group.addTask {
                .event(.ended(await ContainerWait(engine: engine, container: container).end(within: Self.longestRun)))
            }
            group.addTask { .memory(await StepMemory(engine: engine, container: container).usage(watch: exits)) }
            group.addTask {
                let probe = ServiceProbe(engine: engine, container: container, readiness: service.readiness)
                return await probe.wait().map { .event($0) } ?? .nothing
            }
            group.addTask { await stop.wait() ? .event(.stopRequested) : .nothing }
            group.addTask { await interruption.kill.wait() ? .event(.killRequested) : .nothing }
            // After the last action the group is drained: every task's result counts, and none outlives this call.
            while let report = try await group.next() {
                let event: ServiceLifecycle.Event
                switch report {
                case .nothing: continue
                case .memory(let sampled):
                    usage = sampled
                    continue
                case .output(let read):
                    result = read
                    event = .outputEnded
                case .event(let happened): event = happened
                }
                for action in lifecycle.handle(event) {
                    switch action {
                    case .tellReady:
                        let time = ContinuousClock.now - begin
                        readyAfter = time
                        await onReady(time)
                    case .stop:
                        output.shouldDetach.open()
                        // The engine's errors here are told by the wait that goes on meanwhile.
                        group.addTask {
                            try? await engine.stopContainer(container, grace: service.stopGrace)
                            return .nothing
                        }
                    case .kill:
                        output.shouldDetach.open()
                        group.addTask {
                            try? await engine.killContainer(container)
                            return .nothing
                        }
                    case .watchEnd:
                        let patience = service.stopGrace + Self.endMargin
                        group.addTask {
                            (try? await ContinuousClock().sleep(for: patience)) == nil ? .nothing : .event(.endOverdue)
                        }
                    case .watchOutput:
                        group.addTask {
                            (try? await output.waitForStall(Self.outputStall)) == nil
                                ? .nothing : .event(.outputStalled)
                        }
                    case .finish: group.cancelAll()
                    }
                }
                if lifecycle.end != nil, endedAt == nil {
                    endedAt = .now
                    output.hasEnded.open()
                }
            }
            return Outcome(
                lifecycle: lifecycle,
                readyAfter: readyAfter,
                duration: (endedAt ?? .now) - begin,
                output: result,
                memory: usage
            )
        }
    }
}
