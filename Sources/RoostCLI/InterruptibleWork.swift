import Pipeline
import RoostCore

/// A verb was ended from outside, and has stopped what it did.
struct Interrupted: ExitCoded, CustomStringConvertible {
    let cause: InterruptionCause
    /// What was cut or left undone.
    let consequence: String

    var exitCode: Int32 { cause.exitCode }
    var description: String { "interrupted by \(cause.name)\(consequence)" }

    /// An interruption came before the engine had answered: there is nothing to clean up.
    static func whileConnecting(_ cause: InterruptionCause) -> Interrupted {
        Interrupted(cause: cause, consequence: " before the engine had answered; nothing was run")
    }
}

extension Interruption {
    /// Does `work`, and cancels it where the interruption comes first.
    ///
    /// - Throws: What `error` makes of the cause of an interruption, else what `work` throws.
    func cancelling<Value: Sendable>(
        _ error: @escaping @Sendable (InterruptionCause) -> Interrupted,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await work() }
            group.addTask {
                if await self.stop.wait(), let cause = self.cause { throw error(cause) }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}
