import RoostCore
import Synchronization

/// What a step's task waits for: its turn to run, or that it is known never to come.
final class StepTurn: Sendable {
    enum Outcome: Sendable {
        /// The step runs; what it has waited for so far.
        case begun(StepTimeline)
        case discarded
    }

    private let isDecided = Latch()
    private let outcome: Mutex<Outcome?>

    /// A turn that is still to come.
    init() {
        outcome = Mutex(nil)
    }

    /// One that has come already.
    init(begun timeline: StepTimeline) {
        outcome = Mutex(.begun(timeline))
        isDecided.open()
    }

    /// Whether there is time to park the step's container.
    var isAhead: Bool { !isDecided.isOpen }

    /// What is decided first counts.
    func decide(_ decision: Outcome) {
        outcome.withLock { if $0 == nil { $0 = decision } }
        isDecided.open()
    }

    /// Does what helps only until the decision, and cancels it there.
    ///
    /// - Returns: What the work returns; `nil` where it was decided first.
    func ifStillToCome<Value: Sendable>(_ work: @escaping @Sendable () async -> Value?) async -> Value? {
        // Nothing here throws but the cancellation of the task.
        (try? await isDecided.cancelling { await work() }) ?? nil
    }

    /// Waits for the decision; a cancelled task's step is discarded.
    func wait() async -> Outcome {
        await isDecided.wait()
        return outcome.withLock { $0 } ?? .discarded
    }
}
