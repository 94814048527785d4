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
        _ error: (InterruptionCause) -> Interrupted,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if let value = try await stop.cancelling(work) { return value }
        guard let cause else { throw CancellationError() }
        throw error(cause)
    }
}
