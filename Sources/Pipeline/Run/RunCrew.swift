import DockerEngine
import ImagePull
import OCIDistribution
import ParkedContainers
import RoostCore

/// Those who carry out a run's steps, and how many there may be at once.
struct RunCrew: Sendable {
    let attempts: StepAttempts
    let services: ServiceGroupRun
    /// The networks of steps that have no services beside them.
    let slots: NetworkSlots
    private let startLimit: ConcurrencyLimit
    private let plan: PipelinePlan
    private let engine: EngineClient
    private let context: RunContext
    private let kill: Latch
    private let emit: @Sendable (RunEvent.Kind) async -> Void
    let outOfMemory: OutOfMemoryWatch
    let limits: RunScheduler.Limits

    /// Four at once: more make each start slower and none of them faster (measured on two cores).
    private static let concurrentStarts = 4

    /// - Parameters:
    ///   - plan: What runs.
    ///   - engine: Where.
    ///   - context: What all steps share.
    ///   - limits: How many steps at once.
    ///   - interruption: How it is ended from outside.
    ///   - emit: Tells what happens.
    ///   - pullAgain: Pulls an image that has vanished from the engine since the run pulled it; returns its ID.
    init(
        plan: PipelinePlan,
        engine: EngineClient,
        context: RunContext,
        limits: RunScheduler.Limits,
        interruption: Interruption,
        emit: @escaping @Sendable (RunEvent.Kind) async -> Void,
        pullAgain: @escaping @Sendable (PullSubject) async throws -> String
    ) {
        self.plan = plan
        self.engine = engine
        self.context = context
        self.emit = emit
        kill = interruption.kill
        startLimit = ConcurrencyLimit(Self.concurrentStarts)
        outOfMemory = OutOfMemoryWatch(runID: context.runID.description, since: context.engineTime)
        self.limits = limits
        let beside = plan.services.reduce(into: Set<Int>()) { $0.formUnion($1.stages) }
        slots = Self.slots(
            for: plan.stages.indices.filter { !beside.contains($0) },
            of: plan,
            network: nil,
            engine,
            context,
            startLimit,
            kill,
            emit
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
                pullAgain: { try await pullAgain(PullSubject($0)) }
            ),
            startLimit: startLimit,
            exits: engine.endpoint.isLocal ? ExitWatch() : nil,
            settlement: StepSettlement(engine: engine, context: context, outOfMemory: outOfMemory, emit: emit),
            emit: emit
        )
        let memory = StepMemoryAdmission(
            run: context.runID,
            ledger: context.records?.admissions,
            budget: context.memoryBudget,
            interruption: interruption,
            emit: emit
        )
        attempts = StepAttempts(runner: runner, memory: memory, interruption: interruption, emit: emit)
        services = ServiceGroupRun(
            runner: ServiceRunner(
                engine: engine,
                context: context,
                interruption: interruption,
                startLimit: startLimit,
                outOfMemory: outOfMemory,
                emit: emit,
                pullAgain: { try await pullAgain(PullSubject($0)) }
            ),
            memory: memory
        )
    }

    /// The networks of the steps of some stages.
    ///
    /// - Parameters:
    ///   - stages: The stages, by their index.
    ///   - network: What all of these steps are attached to; `nil` for the engine's default.
    /// - Returns: The slots, to be served.
    func slots(for stages: Range<Int>, on network: String?) -> NetworkSlots {
        Self.slots(for: Array(stages), of: plan, network: network, engine, context, startLimit, kill, emit)
    }

    private static func slots(
        for stages: [Int],
        of plan: PipelinePlan,
        network: String?,
        _ engine: EngineClient,
        _ context: RunContext,
        _ startLimit: ConcurrencyLimit,
        _ kill: Latch,
        _ emit: @escaping @Sendable (RunEvent.Kind) async -> Void
    ) -> NetworkSlots {
        let steps = stages.map { plan.stages[$0].steps }
        return NetworkSlots(
            engine: engine,
            context: context,
            startLimit: startLimit,
            steps: steps.joined().count(where: \.joinsSlot),
            together: steps.map { PlannedConcurrency.count(of: $0, maxParallel: plan.maxParallel) }.max() ?? 0,
            network: network,
            kill: kill,
            emit: emit
        )
    }
}

/// Whose image has to be pulled again: a step's or a service's.
struct PullSubject: Sendable {
    let image: ImageReference
    let policy: PullPolicy

    init(_ step: StepDefinition) {
        image = step.image
        policy = step.pull
    }

    init(_ service: ServiceDefinition) {
        image = service.image
        policy = service.pull
    }
}
