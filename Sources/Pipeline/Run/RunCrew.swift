import DockerEngine
import ParkedContainers
import RoostCore

/// Those who carry out a run's steps, and how many there may be at once.
struct RunCrew: Sendable {
    let attempts: StepAttempts
    let slots: NetworkSlots
    let outOfMemory: OutOfMemoryWatch
    let limits: RunScheduler.Limits

    /// Four at once: more make each start slower and none of them faster (measured on two cores).
    private static let concurrentStarts = 4

    /// - Parameters:
    ///   - plan: What runs.
    ///   - engine: Where.
    ///   - context: What all steps share.
    ///   - interruption: How it is ended from outside.
    ///   - emit: Tells what happens.
    ///   - pullAgain: Pulls an image that has vanished from the engine since the run pulled it; returns its ID.
    init(
        plan: PipelinePlan,
        engine: EngineClient,
        context: RunContext,
        interruption: Interruption,
        emit: @escaping @Sendable (RunEvent.Kind) async -> Void,
        pullAgain: @escaping @Sendable (StepDefinition) async throws -> String
    ) {
        let startLimit = ConcurrencyLimit(Self.concurrentStarts)
        outOfMemory = OutOfMemoryWatch(runID: context.runID.description, since: context.engineTime)
        limits = RunScheduler.Limits(
            running: plan.maxParallel,
            settling: plan.maxParallel,
            parked: 2 * plan.maxParallel
        )
        let together = plan.stages.map { PlannedConcurrency.count(of: $0.steps, maxParallel: plan.maxParallel) }.max()
        slots = NetworkSlots(
            engine: engine,
            context: context,
            startLimit: startLimit,
            steps: plan.steps.count(where: \.joinsSlot),
            together: together ?? 0,
            emit: emit
        )
        let runner = StepRunner(
            engine: engine,
            context: context,
            interruption: interruption,
            creation: StepCreation(
                engine: engine,
                context: context,
                interruption: interruption,
                emit: emit,
                pullAgain: pullAgain
            ),
            slots: slots,
            startLimit: startLimit,
            exits: engine.endpoint.isLocal ? ExitWatch() : nil,
            settlement: StepSettlement(engine: engine, context: context, outOfMemory: outOfMemory, emit: emit),
            emit: emit
        )
        attempts = StepAttempts(
            runner: runner,
            memory: StepMemoryAdmission(
                run: context.runID,
                ledger: context.records?.admissions,
                budget: context.memoryBudget,
                interruption: interruption,
                emit: emit
            ),
            interruption: interruption,
            emit: emit
        )
    }
}
