extension Latch {
    /// Does `work`, and cancels it where the door opens first.
    ///
    /// Returns only once the work has ended. What it has come to all the same, after the door had opened, is not lost: its
    /// value is returned, since it may have to be given back. An error of its after that is not one.
    ///
    /// - Parameter work: Has to react to cancellation; is not begun where the door is open already.
    /// - Returns: What the work returns; `nil` where the door opened first.
    /// - Throws: What the work throws, which in a cancelled task may be `CancellationError`.
    package func cancelling<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        if isOpen { return nil }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { .some(try await work()) }
            group.addTask {
                await self.wait()
                return .none
            }
            defer { group.cancelAll() }
            if case .some(.some(let value)) = try await group.next() { return value }
            // The door is open, or this task is cancelled.
            group.cancelAll()
            switch await group.nextResult() {
            case .success(let value): return value
            case .failure(let error): if isOpen { return nil } else { throw error }
            case nil: return nil
            }
        }
    }
}
