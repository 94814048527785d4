import RoostCore

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

    /// Waits for the step's turn and its memory.
    func admit(_ step: StepDefinition) async -> Outcome {
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

    func release(_ outcome: Outcome) async {
        guard case .admitted(let admission) = outcome, let ledger else { return }
        do {
            try await ledger.release(admission)
        } catch {
            await emit(.warning("the memory of a step that has ended is not free for others yet: \(error)"))
        }
    }
}
