import DockerEngine
import ParkedContainers
import RoostCore
import Synchronization

/// The network slots of a run: makes their holders while there is time, and says which network a step's container joins.
///
/// Only a help: a step never waits for a slot, and without one it gets a private network.
final class NetworkSlots: Sendable {
    private struct State {
        var book = SlotBook<StepID>()
        var modes: [Int: String] = [:]
        /// The steps that have got their network.
        var served: Set<StepID> = []
        /// The first image to be on the engine; holders are made from it.
        var image: String?
    }

    private let engine: EngineClient
    private let context: RunContext
    private let startLimit: ConcurrencyLimit
    private let steps: Int
    private let maximum: Int
    /// What a private network is attached to; `nil` for the engine's default.
    private let network: String?
    private let emit: @Sendable (RunEvent.Kind) async -> Void
    private let state: Mutex<State>
    private let requests: AsyncStream<Int>
    private let request: AsyncStream<Int>.Continuation
    private let shouldEnd = Latch()

    /// So many at first: an engine gains nothing by more starts at once.
    private static let initial = 4

    /// - Parameters:
    ///   - engine: The engine.
    ///   - context: The run's.
    ///   - startLimit: How many containers may be starting at once.
    ///   - steps: How many steps will use the slots, one after another.
    ///   - together: How many of them can run at once.
    ///   - network: The network that the slots give access to; `nil` for the engine's default.
    ///   - emit: Tells what is left behind.
    init(
        engine: EngineClient,
        context: RunContext,
        startLimit: ConcurrencyLimit,
        steps: Int,
        together: Int,
        network: String? = nil,
        emit: @escaping @Sendable (RunEvent.Kind) async -> Void
    ) {
        self.engine = engine
        self.context = context
        self.startLimit = startLimit
        self.network = network
        self.emit = emit
        self.steps = steps
        // A holder costs as much as the private network of one step: it has to serve more than two to be worth it.
        maximum = steps > 2 * min(together, Self.initial) ? together : 0
        state = Mutex(State())
        (requests, request) = AsyncStream.makeStream()
    }

    // MARK: - Holders

    /// Serves slots for as long as `body` runs, and removes their holders after it.
    func serve<Value: Sendable>(_ body: () async -> Value) async -> Value {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { holders in
                    for await slot in self.requests { holders.addTask { await self.hold(slot) } }
                }
            }
            let value = await body()
            request.finish()
            shouldEnd.open()
            return value
        }
    }

    /// An image with a shell is on the engine: holders can be made from the first of them.
    func offer(image: String) {
        let wanted = state.withLock { state -> [Int] in
            guard state.image == nil else { return [] }
            state.image = image
            return (0..<min(maximum, Self.initial)).map { _ in state.book.add() }
        }
        for slot in wanted { request.yield(slot) }
    }

    private func hold(_ slot: Int) async {
        guard let image = state.withLock({ $0.image }), !shouldEnd.isOpen else { return }
        let made: NetworkSlot
        do {
            made = try await NetworkSlot.create(
                image: image,
                name: nil,
                networkMode: network,
                labels: context.labels(kind: "slot"),
                on: engine
            )
        } catch {
            state.withLock { $0.book.close(slot) }
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = await made.holder.run(
                    on: self.engine,
                    watch: nil,
                    start: {
                        try await self.startLimit.run {
                            if self.shouldEnd.isOpen { throw CancellationError() }
                            try await self.engine.startContainer(made.holder.id)
                        }
                    },
                    onOutput: { _ in }
                )
                self.state.withLock { $0.book.close(slot) }
            }
            group.addTask {
                guard await made.holder.waitUntilParked() else { return }
                self.state.withLock { state in
                    state.modes[slot] = made.networkMode
                    state.book.open(slot)
                }
            }
            await shouldEnd.wait()
            await made.holder.detach()
        }
        if let problem = await ContainerRemoval(engine: engine).remove(made.holder.id) { await emit(.warning(problem)) }
    }

    // MARK: - Steps

    /// The network that a step's container is parked on.
    ///
    /// - Returns: The network mode; ``network`` where it gets one of its own.
    func park(_ step: StepDefinition) -> String? {
        guard step.joinsSlot else { return step.network.mode ?? network }
        return state.withLock { state in
            state.book.park(step.id, needing: Set(step.schedule.needs)).flatMap { state.modes[$0] } ?? network
        }
    }

    /// The network that the container of a step, which is not parked, is made on.
    func start(_ step: StepDefinition) -> String? {
        guard step.joinsSlot else { return step.network.mode ?? network }
        let (mode, more) = state.withLock { state -> (String?, Int?) in
            state.served.insert(step.id)
            if let slot = state.book.start(step.id), let mode = state.modes[slot] { return (mode, nil) }
            // All are taken, and there are more steps to come than slots: one more is going to be used.
            let isWorthIt =
                state.image != nil && state.book.count < maximum && steps - state.served.count > state.book.count
            return (network, isWorthIt ? state.book.add() : nil)
        }
        if let more { request.yield(more) }
        return mode
    }

    /// Whether a parked step's container can be released: no other runs in its slot, and its network is still there.
    func release(_ step: StepDefinition) -> Bool {
        guard step.joinsSlot else { return true }
        return state.withLock { state in
            guard state.book.release(step.id) else { return false }
            state.served.insert(step.id)
            return true
        }
    }

    /// The step's container has ended, or will not run.
    func finish(_ step: StepID) {
        state.withLock { $0.book.finish(step) }
    }

    /// The step's slot could not be joined: nobody else is sent there.
    ///
    /// - Returns: False where the step has none, so that the reason lies elsewhere.
    func giveUpSlot(of step: StepID) -> Bool {
        state.withLock { state in
            guard let slot = state.book.slot(of: step) else { return false }
            state.book.close(slot)
            state.book.finish(step)
            return true
        }
    }
}
