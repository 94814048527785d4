import Synchronization

/// A value that tasks can wait on: each change is seen at once by those whose condition it meets.
package final class Observed<Value: Sendable>: Sendable {
    private struct Waiter {
        /// Resumes the waiting task where the value meets its condition.
        let resumeIfMet: (Value) -> Bool
        let cancel: () -> Void
    }

    private struct Storage {
        var value: Value
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let storage: Mutex<Storage>

    package init(_ value: Value) {
        storage = Mutex(Storage(value: value))
    }

    package var value: Value { storage.withLock { $0.value } }

    /// Changes the value, and wakes the tasks that waited for it to be like this.
    package func change<Result: Sendable>(
        _ body: (inout Value) throws -> Result
    ) rethrows -> Result {
        try storage.withLock { storage in
            defer {
                let value = storage.value
                storage.waiters = storage.waiters.filter { !$0.value.resumeIfMet(value) }
            }
            return try body(&storage.value)
        }
    }

    /// Waits until `condition` has an answer for the value.
    ///
    /// - Parameter condition: Asked at once and after each change. It must not use this object.
    /// - Returns: The condition's first answer.
    /// - Throws: `CancellationError`.
    @discardableResult
    package func wait<Answer: Sendable>(for condition: @escaping @Sendable (Value) -> Answer?) async throws -> Answer {
        let id = storage.withLock { storage in
            storage.nextWaiter += 1
            return storage.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Answer, any Error>) in
                storage.withLock { storage in
                    if let answer = condition(storage.value) { return continuation.resume(returning: answer) }
                    if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                    storage.waiters[id] = Waiter(
                        resumeIfMet: { value in
                            guard let answer = condition(value) else { return false }
                            continuation.resume(returning: answer)
                            return true
                        },
                        cancel: { continuation.resume(throwing: CancellationError()) }
                    )
                }
            }
        } onCancel: {
            storage.withLock { $0.waiters.removeValue(forKey: id) }?.cancel()
        }
    }
}
