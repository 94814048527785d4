package import OCIDistribution
import RoostCore
import Synchronization

/// A blob that is being filled, for any number of readers, none of whom it waits for.
package final class Fill: GrowingBlob {
    private struct State {
        var visible: Int64 = 0
        var end: Result<Void, UpstreamError>?
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]

        /// Whether a wait is over, and how.
        func outcome(beyond offset: Int64) -> Result<Int64, any Error>? {
            if visible > offset { return .success(visible) }
            switch end {
            case nil: return nil
            case .success: return .success(visible)
            case .failure(let error): return .failure(error)
            }
        }
    }

    private struct Waiter {
        let offset: Int64
        let continuation: CheckedContinuation<Int64, any Error>
    }

    package let digest: Digest
    private let writer: BlobWriter
    private let state = Mutex(State())
    private let ended = Latch()

    init(_ writer: BlobWriter) {
        digest = writer.digest
        self.writer = writer
    }

    package var size: Int64 { writer.size }
    package var descriptor: CInt { writer.descriptor }

    package func available(beyond offset: Int64) async throws -> Int64 {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Int64, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if let outcome = state.outcome(beyond: offset) { return outcome }
                    state.waiters[waiter] = Waiter(offset: offset, continuation: continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiting = state.withLock { $0.waiters.removeValue(forKey: waiter) }
            waiting?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Waits until it is whole and its digest has been found right.
    ///
    /// - Throws: Why it has failed; ``UpstreamError/cancelled`` where the task is cancelled meanwhile.
    package func wholeBlob() async throws(UpstreamError) {
        guard await ended.wait() else { throw .cancelled }
        try state.withLock { $0.end }?.get()
    }

    /// Lets readers have more bytes.
    func grow(to visible: Int64) { change { $0.visible = max($0.visible, visible) } }

    /// The blob is whole and right.
    func complete() {
        change { state in
            state.visible = size
            state.end = .success(())
        }
        ended.open()
    }

    /// No more bytes come. Readers get those that are there, and then the error.
    func fail(_ error: UpstreamError) {
        change { state in if state.end == nil { state.end = .failure(error) } }
        ended.open()
    }

    /// Whether anybody waits for bytes now.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    private func change(_ change: (inout State) -> Void) {
        let woken = state.withLock { state in
            change(&state)
            var woken: [(Waiter, Result<Int64, any Error>)] = []
            for (key, waiter) in state.waiters {
                guard let outcome = state.outcome(beyond: waiter.offset) else { continue }
                state.waiters[key] = nil
                woken.append((waiter, outcome))
            }
            return woken
        }
        for (waiter, outcome) in woken { waiter.continuation.resume(with: outcome) }
    }
}
