import RoostCore
import Synchronization

/// Lets steps and services start only when their memory limits fit what all that run on the engine may have together.
struct StepMemoryAdmission: Sendable {
    let run: RunID
    /// `nil` where nothing is written down, and so nothing is limited.
    let ledger: (any AdmissionLedger)?
    let budget: ByteCount
    let interruption: Interruption
    let emit: @Sendable (RunEvent.Kind) async -> Void
    /// Measures how long something waits before that is told.
    let clock: any Clock<Duration>
    /// One wait is told of.
    private let notices = ConcurrencyLimit(1)
    /// What services keep free for the steps beside them.
    let reserves = MemoryReserves()

    init(
        run: RunID,
        ledger: (any AdmissionLedger)?,
        budget: ByteCount,
        interruption: Interruption,
        clock: any Clock<Duration> = ContinuousClock(),
        emit: @escaping @Sendable (RunEvent.Kind) async -> Void
    ) {
        self.run = run
        self.ledger = ledger
        self.budget = budget
        self.interruption = interruption
        self.clock = clock
        self.emit = emit
    }

    enum Outcome: Sendable {
        case admitted(Admission)
        /// The step uses what the services beside it keep free.
        case reserved(ConcurrencyLimit)
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
        func take() -> Outcome? {
            isReleased.withLock { isReleased in
                defer { isReleased = true }
                return isReleased ? nil : outcome
            }
        }
    }

    /// Waits for the step's turn and its memory.
    func admit(_ step: StepDefinition) async -> Ticket { Ticket(await outcome(for: step)) }

    private func outcome(for step: StepDefinition) async -> Outcome {
        guard let ledger else { return .uncounted }
        let reserve = reserves.reserve(for: step)
        if let reserve, reserve.tryEnter() { return .reserved(reserve) }
        let request = AdmissionRequest(run: run.description, step: step.id.description, memory: step.memory)
        do {
            if step.schedule.isAlways, interruption.stop.isOpen {
                // What cleans up after an interruption does not wait until other runs are over.
                return .admitted(try await ledger.acquireWithoutWaiting(request))
            }
            let outcome = try await acquire(request, ledger, reserve: reserve, until: interruption.stop)
            if case .interrupted = outcome, step.schedule.isAlways {
                return .admitted(try await ledger.acquireWithoutWaiting(request))
            }
            return outcome
        } catch {
            await emit(.warning("memory is not divided between steps: \(error)"))
            return .uncounted
        }
    }

    /// Waits until there is memory for services and for the largest step beside them.
    ///
    /// Both are taken at once: runs that each had memory for their services alone could wait for each other's for ever.
    ///
    /// - Parameters:
    ///   - services: The services.
    ///   - stop: Opens when nobody needs them any more.
    /// - Returns: What ``release(_:of:)`` takes.
    func admit(_ services: ServiceGroup, until stop: Latch) async -> Outcome {
        guard let ledger else { return .uncounted }
        let name = (services.stage.map { "\($0)/" } ?? "") + services.services.map(\.id.service).joined(separator: "+")
        let memory = ByteCount(saturatingSum: [services.memory, services.largestStep])
        let request = AdmissionRequest(run: run.description, step: name, memory: memory)
        do {
            let outcome = try await acquire(request, ledger, reserve: nil, until: stop)
            if case .admitted = outcome { reserves.open(for: services) }
            return outcome
        } catch {
            await emit(.warning("memory is not divided between steps: \(error)"))
            return .uncounted
        }
    }

    func release(_ outcome: Outcome, of services: ServiceGroup) async {
        reserves.close(for: services)
        await release(outcome)
    }

    /// Waits for the ledger, the reserve or the wish to end, whichever comes first.
    private func acquire(
        _ request: AdmissionRequest,
        _ ledger: any AdmissionLedger,
        reserve: ConcurrencyLimit?,
        until stop: Latch
    ) async throws -> Outcome {
        try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask { .admitted(try await ledger.acquire(request, budget: budget)) }
            group.addTask {
                await tellOfWait(request, ledger)
                return nil
            }
            group.addTask {
                await stop.wait()
                return .interrupted
            }
            if let reserve {
                group.addTask { await reserve.enter() ? .reserved(reserve) : .interrupted }
            }
            var first: Outcome?
            while first == nil, let ended = try await group.next() { first = ended }
            var outcome = first ?? .uncounted
            group.cancelAll()
            // More than one may have happened: what was admitted has to be given back, or used.
            while let other = await group.nextResult() {
                guard case .success(let other?) = other else { continue }
                switch (outcome, other) {
                case (.interrupted, _): outcome = other
                case (_, .admitted), (_, .reserved): await release(other)
                default: break
                }
            }
            return outcome
        }
    }

    /// Tells once a run that it waits for what other runs have, once that has taken a moment.
    private func tellOfWait(_ request: AdmissionRequest, _ ledger: any AdmissionLedger) async {
        guard (try? await clock.sleep(for: Self.silence)) != nil,
            let promises = try? await ledger.promises(),
            let wait = MemoryWait(request, budget: budget, promises: promises), notices.tryEnter()
        else { return }
        await emit(.notice(wait.description))
    }

    /// How long a wait is nothing to speak of.
    private static let silence = Duration.seconds(1)

    /// Gives back what the step was promised; does nothing the second time.
    func release(_ ticket: Ticket) async {
        if let outcome = ticket.take() { await release(outcome) }
    }

    private func release(_ outcome: Outcome) async {
        if case .reserved(let reserve) = outcome { reserve.leave() }
        guard case .admitted(let admission) = outcome, let ledger else { return }
        do {
            try await ledger.release(admission)
        } catch {
            await emit(.warning("the memory of a step that has ended is not free for others yet: \(error)"))
        }
    }
}
