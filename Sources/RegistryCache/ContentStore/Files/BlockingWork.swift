import Dispatch

/// Threads for what blocks, so that it keeps none from tasks. Its calls go on when their task is cancelled.
struct BlockingWork: Sendable {
    private let queue: DispatchQueue

    /// - Parameters:
    ///   - label: For debuggers.
    ///   - isSerial: Whether one call waits for the one before.
    init(_ label: String, isSerial: Bool) {
        queue = DispatchQueue(label: label, attributes: isSerial ? [] : .concurrent)
    }

    /// Runs `body` on one of the threads.
    ///
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            queue.async {
                let result: Result<Value, Failure>
                do throws(Failure) {
                    result = .success(try body())
                } catch {
                    result = .failure(error)
                }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }

    /// Runs `body` some time later, with nobody waiting for it.
    func submit(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }
}
