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
        /// The first image to be on the engine; holders are made from it.
        var image: String?
    }

    private let engine: EngineClient
    private let context: RunContext
    private let interruption: Interruption
    private let starts: StartQueue
    private let maximum: Int
    /// What a private network is attached to; `nil` for the engine's default.
    private let network: String?
    private let emit: @Sendable (RunEvent.Kind) async -> Void
    private let state: Mutex<State>
    private let requests: AsyncStream<(slot: Int, permit: StartPermit?)>
    private let request: AsyncStream<(slot: Int, permit: StartPermit?)>.Continuation
    private let shouldEnd = Latch()

    /// No more than an engine starts at once: a step that finds all of them taken has a network of its own.
    private static let most = 4
    /// How many of them are made before the first steps, where so many of these start at once that they wait for each other:
    /// those that come after them join at half the cost.
    private static let first = 2
    private let areSomeFirst: Bool

    /// - Parameters:
    ///   - engine: The engine.
    ///   - context: The run's.
    ///   - interruption: How the run is ended from outside.
    ///   - starts: Where the holders wait for their start.
    ///   - steps: How many steps will use the slots, one after another.
    ///   - together: How many of them can run at once.
    ///   - network: The network that the slots give access to; `nil` for the engine's default.
    ///   - emit: Tells what is left behind.
    init(
        engine: EngineClient,
        context: RunContext,
        interruption: Interruption,
        starts: StartQueue,
        steps: Int,
        together: Int,
        network: String? = nil,
        emit: @escaping @Sendable (RunEvent.Kind) async -> Void
    ) {
        self.engine = engine
        self.context = context
        self.interruption = interruption
        self.starts = starts
        self.network = network
        self.emit = emit
        // A holder costs as much as the private network of one step: it has to serve more than two to be worth it.
        maximum = steps > 2 * min(together, Self.most) ? min(together, Self.most) : 0
        areSomeFirst = together > Self.most
        state = Mutex(State())
        (requests, request) = AsyncStream.makeStream()
    }

    // MARK: - Holders

    /// Serves slots until ``end()``, at most for as long as `body` runs; returns when their holders have been removed too.
    func serve<Value: Sendable>(_ body: () async -> Value) async -> Value {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { holders in
                    for await (slot, permit) in self.requests { holders.addTask { await self.hold(slot, permit) } }
                }
            }
            let value = await body()
            end()
            return value
        }
    }

    /// No step runs any more, and none will: removes the holders.
    func end() {
        request.finish()
        shouldEnd.open()
    }

    /// An image with a shell is on the engine: holders can be made from the first of them.
    func offer(image: String) {
        let wanted = state.withLock { state -> [Int] in
            guard state.image == nil else { return [] }
            state.image = image
            return (0..<maximum).map { _ in state.book.add() }
        }
        for (index, slot) in wanted.enumerated() {
            request.yield((slot, areSomeFirst && index < Self.first ? starts.freePermit(.due) : nil))
        }
    }

    private func hold(_ slot: Int, _ permit: StartPermit?) async {
        guard let image = state.withLock({ $0.image }), !shouldEnd.isOpen else {
            permit?.giveBack()
            return
        }
        let made: NetworkSlot
        do {
            made = try await create(slot, image)
        } catch {
            state.withLock { $0.book.close(slot) }
            permit?.giveBack()
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = await made.holder.run(
                    on: self.engine,
                    watch: nil,
                    start: {
                        let taken = if let permit { permit } else { await self.starts.permit(.ahead) }
                        defer { taken?.giveBack() }
                        if self.shouldEnd.isOpen { throw CancellationError() }
                        try await self.engine.startContainer(made.holder.id)
                    },
                    onOutput: { _ in }
                )
                self.state.withLock { $0.book.close(slot) }
                // Where it never came to its start.
                permit?.giveBack()
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
        await Removal(interruption: interruption, emit: emit).remove(container: made.holder.id, from: engine)
    }

    private func create(_ slot: Int, _ image: String) async throws -> NetworkSlot {
        // Stages with networks of their own count their slots each from 1.
        try await ContainerCreation.underFreeName {
            context.objectName(["slot", String(slot + 1)] + [$0].compactMap(\.self))
        } create: { name in
            try await NetworkSlot.create(
                image: image,
                name: name,
                networkMode: network,
                labels: context.labels(kind: "slot", stage: nil),
                on: engine
            )
        }
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
        return state.withLock { state in state.book.start(step.id).flatMap { state.modes[$0] } ?? network }
    }

    /// Whether a parked step's container can be released: no other runs in its slot, and its network is still there.
    func release(_ step: StepDefinition) -> Bool {
        guard step.joinsSlot else { return true }
        return state.withLock { $0.book.release(step.id) }
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
