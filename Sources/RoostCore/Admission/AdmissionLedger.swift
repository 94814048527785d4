/// Who wants memory, and how much.
package struct AdmissionRequest: Hashable, Sendable {
    package let run: String
    package let step: String
    package let memory: ByteCount

    package init(run: String, step: String, memory: ByteCount) {
        self.run = run
        self.step = step
        self.memory = memory
    }
}

/// Memory that a step may use from now on, until it is released or the process ends.
package struct Admission: Hashable, Sendable {
    /// The ticket's number.
    package let number: Int64
    package let memory: ByteCount

    package init(number: Int64, memory: ByteCount) {
        self.number = number
        self.memory = memory
    }
}

/// Memory that somebody has been admitted for and has not given back.
package struct PromisedMemory: Hashable, Sendable {
    package let engine: EngineID
    package let owner: OwnerIdentity
    package let run: String
    package let step: String
    package let memory: ByteCount

    package init(engine: EngineID, owner: OwnerIdentity, run: String, step: String, memory: ByteCount) {
        self.engine = engine
        self.owner = owner
        self.run = run
        self.step = step
        self.memory = memory
    }
}

/// A step wants more memory than there is in all, so that waiting would never end.
package struct BudgetTooSmall: Error, Hashable, CustomStringConvertible {
    package let request: AdmissionRequest
    package let budget: ByteCount

    package init(request: AdmissionRequest, budget: ByteCount) {
        self.request = request
        self.budget = budget
    }

    package var description: String {
        "step \(PrintableText.quoted(request.step, limit: 120)) wants \(request.memory) of memory, and all steps "
            + "together may have \(budget): lower its limit, or raise the budget"
    }
}

/// Divides one engine's memory between the steps of all processes that use it through one state folder.
///
/// First come, first served, by ticket: nobody is admitted while an earlier ticket waits, so that many small steps never
/// starve a large one. What counts against the budget are the admitted tickets, those of an owner that has died until what it
/// left on the engine is removed.
package protocol AdmissionLedger: Sendable {
    /// Waits until the memory is free and all who came earlier have been admitted.
    ///
    /// - Parameters:
    ///   - request: Who wants how much.
    ///   - budget: What all admitted steps may use together. Each caller's own: others may count with another.
    /// - Returns: What ``release(_:)`` takes.
    /// - Throws: ``BudgetTooSmall`` at once, `CancellationError` where the task is cancelled while it waits (its ticket is
    ///   withdrawn), or what keeps the ticket from being recorded.
    func acquire(_ request: AdmissionRequest, budget: ByteCount) async throws -> Admission
    /// Takes memory now, even beyond the budget: for steps that clean up after an interruption.
    func acquireWithoutWaiting(_ request: AdmissionRequest) async throws -> Admission
    /// Gives memory back; a second time it does nothing. Works in a cancelled task, too.
    func release(_ admission: Admission) async throws
    /// What counts against the budget now, in the order in which it was asked for.
    func promises() async throws -> [PromisedMemory]
}
