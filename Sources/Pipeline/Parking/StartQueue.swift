import Synchronization

/// Where those wait who want to start a container; ``StartOrder`` decides whose turn it is.
final class StartQueue: Sendable {
    private struct State {
        var order = StartOrder()
        var nextAsker: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]

        mutating func newAsker() -> UInt64 {
            nextAsker += 1
            return nextAsker
        }
    }

    private let state = Mutex(State())

    /// Waits for the permission to create and start one container.
    ///
    /// - Returns: The permit; `nil` in a task that is cancelled.
    func permit(_ urgency: StartOrder.Urgency) async -> StartPermit? {
        let asker = state.withLock { $0.newAsker() }
        let isAdmitted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.order.ask(asker, urgency) { return true }
                    state.waiting[asker] = continuation
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let withdrawn = state.withLock { state in
                // Who is not waiting has a place, or has not asked yet and will see that the task is cancelled.
                guard let withdrawn = state.waiting.removeValue(forKey: asker) else {
                    return nil as CheckedContinuation<Bool, Never>?
                }
                state.order.withdraw(asker)
                return withdrawn
            }
            withdrawn?.resume(returning: false)
        }
        return isAdmitted ? StartPermit { [self] in leave() } : nil
    }

    /// A permit that can be had now; `nil` where there is none.
    func freePermit(_ urgency: StartOrder.Urgency) -> StartPermit? {
        let isAdmitted = state.withLock { state in
            let asker = state.newAsker()
            if state.order.ask(asker, urgency) { return true }
            state.order.withdraw(asker)
            return false
        }
        return isAdmitted ? StartPermit { [self] in leave() } : nil
    }

    private func leave() {
        let admitted = state.withLock { state in
            state.order.leave().compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for continuation in admitted { continuation.resume(returning: true) }
    }
}
