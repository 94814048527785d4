/// An operation did not end before its deadline.
package struct DeadlineExceeded: Error, Hashable, CustomStringConvertible {
    /// What was being done, as a phrase that fits "… did not finish within 30 s".
    package let operation: String
    /// How long it was given.
    package let limit: Duration

    package init(operation: String, limit: Duration) {
        self.operation = operation
        self.limit = limit
    }

    package var description: String { "\(operation) did not finish within \(DurationText.format(limit))" }
}

/// Runs `body`, cancelling it when `limit` has passed on the monotonic clock.
///
/// The body has to react to cancellation; this call returns only once it has ended, so nothing is left running.
///
/// - Parameters:
///   - limit: The time from now after which the body is cancelled.
///   - operation: What the body does, for the error.
///   - body: The work.
/// - Returns: What the body returns.
/// - Throws: ``DeadlineExceeded`` when the time ran out first, else what the body throws.
package func withDeadline<Value: Sendable>(
    _ limit: Duration,
    _ operation: @autoclosure @Sendable () -> String,
    body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await ContinuousClock().sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw DeadlineExceeded(operation: operation(), limit: limit)
        }
        return value
    }
}
