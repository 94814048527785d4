import RoostCore
import Synchronization

/// Lets a step start only when its memory limit fits what all running steps on the engine may have together.
struct StepMemoryAdmission: Sendable {
    let run: RunID
    /// `nil` where nothing is written down, and so nothing is limited.
    let ledger: (any AdmissionLedger)?
    let budget: ByteCount
    let interruption: Interruption
    let emit: @Sendable (RunEvent.Kind) async -> Void

    enum Outcome: Sendable {
        case admitted(Admission)
        /// Not written down: the step runs without having been counted.
        case uncounted
        case interrupted
    }

    /// An outcome that is given back at most once.
    final class Ticket: Sendable {
        let outcome: Outcome
        private let isReleased = Mutex(false)

        init(_ outcome: Outcome) {
            self.outcome = outcome
        }

        /// What is to be given back now.
        func take() -> Admission? {
            guard case .admitted(let admission) = outcome else { return nil }
            return isReleased.withLock { isReleased in
                defer { isReleased = true }
                return isReleased ? nil : admission
            }
        }
    }

    /// Waits for the step's turn and its memory.
    func admit(_ step: StepDefinition) async -> Ticket { Ticket(await outcome(for: step)) }

    private func outcome(for step: StepDefinition) async -> Outcome {
        guard let ledger else { return .uncounted }
        let request = AdmissionRequest(run: run.description, step: step.id.description, memory: step.memory)
        do {
            let admission = try await interruption.stop.cancelling {
                try await ledger.acquire(request, budget: budget)
            }
            if let admission { return .admitted(admission) }
            // What cleans up after an interruption does not wait until other runs are over.
            guard step.schedule.isAlways else { return .interrupted }
            return .admitted(try await ledger.acquireWithoutWaiting(request))
        } catch {
            await emit(.warning("memory is not divided between steps: \(error)"))
            return .uncounted
        }
    }

    /// Gives back what the step was promised; does nothing the second time.
    func release(_ ticket: Ticket) async {
        guard let ledger, let admission = ticket.take() else { return }
        do {
            try await ledger.release(admission)
        } catch {
            await emit(.warning("the memory of a step that has ended is not free for others yet: \(error)"))
        }
    }
}
