import Synchronization

/// Opens when it has been asked to often enough; whoever waits goes on then. Tests wait on it instead of sleeping.
package final class Gate: Sendable {
    private struct State {
        var missing: Int
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var nextID = 0
    }

    private let state: Mutex<State>

    /// A gate that ``open()`` opens when it is called for the `count`th time.
    package init(count: Int = 1) { state = Mutex(State(missing: count)) }

    /// Counts as one call; never closes the gate again.
    package func open() {
        let waiting = state.withLock { state in
            state.missing -= 1
            guard state.missing <= 0 else { return [CheckedContinuation<Void, any Error>]() }
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns once the gate is open.
    ///
    /// - Throws: `CancellationError`.
    package func wait() async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Void, any Error>? in
                    if state.missing <= 0 { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting[id] = continuation
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }
}
