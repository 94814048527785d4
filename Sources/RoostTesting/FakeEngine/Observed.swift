import Synchronization

/// A value that tasks can wait on: each change is seen at once by those whose condition it meets.
///
/// No task is ever resumed under the lock: resuming takes the task's own lock, under which a cancellation handler, which
/// takes this one, may be running.
package final class Observed<Value: Sendable>: Sendable {
    private struct Waiter {
        /// What resumes the waiting task, where the value meets its condition.
        let resumption: @Sendable (Value) -> (@Sendable () -> Void)?
        let cancel: @Sendable () -> Void
    }

    private struct Storage {
        var value: Value
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0

        /// Takes out those whose condition the value meets.
        mutating func takeMet() -> [@Sendable () -> Void] {
            var met: [@Sendable () -> Void] = []
            for (id, waiter) in waiters {
                guard let resume = waiter.resumption(value) else { continue }
                met.append(resume)
                waiters[id] = nil
            }
            return met
        }
    }

    private let storage: Mutex<Storage>

    package init(_ value: Value) {
        storage = Mutex(Storage(value: value))
    }

    package var value: Value { storage.withLock { $0.value } }

    /// Changes the value, and wakes the tasks that waited for it to be like this.
    package func change<Answer: Sendable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        let (result, met) = storage.withLock { storage -> (Result<Answer, Failure>, [@Sendable () -> Void]) in
            let result: Result<Answer, Failure>
            do throws(Failure) {
                result = .success(try body(&storage.value))
            } catch {
                result = .failure(error)
            }
            return (result, storage.takeMet())
        }
        for resume in met { resume() }
        return try result.get()
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
                let outcome = storage.withLock { storage -> Result<Answer, any Error>? in
                    if let answer = condition(storage.value) { return .success(answer) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    storage.waiters[id] = Waiter(
                        resumption: { value in
                            condition(value).map { answer in { @Sendable in continuation.resume(returning: answer) } }
                        },
                        cancel: { continuation.resume(throwing: CancellationError()) }
                    )
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            storage.withLock { $0.waiters.removeValue(forKey: id) }?.cancel()
        }
    }
}
