import DequeModule
import Synchronization

/// Lets at most a number of tasks at once into a piece of work, first come, first served.
package final class ConcurrencyLimit: Sendable {
    private struct State {
        var free: Int
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var order: Deque<UInt64> = []
    }

    private let state: Mutex<State>

    /// - Parameter limit: How many at once; at least 1.
    package init(_ limit: Int) {
        state = Mutex(State(free: max(1, limit)))
    }

    /// Runs `body` when there is a place for it.
    ///
    /// - Throws: `CancellationError` where the task is cancelled while it waits, else what the body throws.
    package func run<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        guard await enter() else { throw CancellationError() }
        defer { leave() }
        return try await body()
    }

    /// Takes a place when there is one; ``leave()`` gives it back.
    ///
    /// - Returns: False where the task was cancelled while it waited: then there is nothing to give back.
    package func enter() async -> Bool {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiters[waiter] = continuation
                    state.order.append(waiter)
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(returning: false)
        }
    }

    /// Takes a place where there is one now; ``leave()`` gives it back.
    package func tryEnter() -> Bool {
        state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
    }

    /// Gives a place back.
    package func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            while let waiter = state.order.popFirst() {
                if let continuation = state.waiters.removeValue(forKey: waiter) { return continuation }
            }
            state.free += 1
            return nil
        }
        next?.resume(returning: true)
    }
}
