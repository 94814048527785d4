import RoostCore
import Synchronization

/// The memory that services keep free for one step beside them at a time.
///
/// It has been admitted together with the services' own. So a step beside them always comes to its turn, however much other
/// runs have taken: where it is in use the step waits for it and for the ledger, whichever is first.
final class MemoryReserves: Sendable {
    private struct Reserve {
        let stage: String?
        let memory: ByteCount
        let place = ConcurrencyLimit(1)
    }

    private let reserves = Mutex<[Reserve]>([])

    /// From now on one step beside these services has its memory.
    func open(for services: ServiceGroup) {
        reserves.withLock { $0.append(Reserve(stage: services.stage, memory: services.largestStep)) }
    }

    /// No step is begun beside these services any more.
    func close(for services: ServiceGroup) {
        reserves.withLock { reserves in reserves.removeAll { $0.stage == services.stage } }
    }

    /// - Returns: The place for one step; `nil` where nothing is kept free for this one.
    func reserve(for step: StepDefinition) -> ConcurrencyLimit? {
        reserves.withLock { reserves in
            reserves.first { ($0.stage == nil || $0.stage == step.id.stage) && step.memory <= $0.memory }?.place
        }
    }
}
