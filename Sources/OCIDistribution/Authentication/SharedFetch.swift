import Synchronization

/// Values that cost a request each: kept until they expire, and fetched by one caller at a time for a key while the
/// others wait for its result.
///
/// The fetch runs in the first caller's own task, so nothing is left running when callers go away. Where that caller
/// is cancelled or out of time, the next one takes over; where it fails otherwise, all who waited get the failure.
package final class SharedFetch<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    package typealias Failure = RegistryError.Failure
    package typealias Instant = ContinuousClock.Instant

    private enum Outcome: Sendable {
        case fetched(Value)
        case failed(Failure)
        /// The fetching caller went away, or this one did.
        case tryAgain
    }

    private struct State {
        var kept: [Key: (value: Value, expires: Instant)] = [:]
        /// Who waits for a fetch under way, by key.
        var waiting: [Key: [Int: CheckedContinuation<Outcome, Never>]] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Instant

    package init(now: @escaping @Sendable () -> Instant = { .now }) {
        self.now = now
    }

    /// The kept value of `key`, else what `fetch` gives.
    ///
    /// - Parameters:
    ///   - key: What the value belongs to.
    ///   - fetch: Gets the value and how long it may be kept, counted from the call of `fetch`.
    /// - Returns: The value.
    /// - Throws: What `fetch` threw, or `cancelled`.
    package func value(
        for key: Key,
        fetch: () async throws(Failure) -> (value: Value, lifetime: Duration)
    ) async throws(Failure) -> Value {
        while true {
            if Task.isCancelled { throw .cancelled }
            switch begin(key) {
            case .kept(let value): return value
            case .wait:
                switch await wait(for: key) {
                case .fetched(let value): return value
                case .failed(let failure): throw failure
                case .tryAgain: continue
                }
            case .fetch:
                let start = now()
                do {
                    let (value, lifetime) = try await fetch()
                    finish(key, .fetched(value), keep: (value, start + lifetime))
                    return value
                } catch {
                    switch error {
                    case .cancelled, .timedOut: finish(key, .tryAgain, keep: nil)
                    default: finish(key, .failed(error), keep: nil)
                    }
                    throw error
                }
            }
        }
    }

    /// Forgets the value of `key` where `condition` holds for it.
    func discard(_ key: Key, where condition: (Value) -> Bool = { _ in true }) {
        state.withLock { state in
            if let kept = state.kept[key], condition(kept.value) { state.kept[key] = nil }
        }
    }

    /// How many callers wait for a fetch of `key`; for tests.
    func waiters(for key: Key) -> Int { state.withLock { $0.waiting[key]?.count ?? 0 } }

    private enum Step {
        case kept(Value)
        case fetch
        case wait
    }

    private func begin(_ key: Key) -> Step {
        let now = now()
        return state.withLock { state in
            if let kept = state.kept[key], now < kept.expires { return .kept(kept.value) }
            if state.waiting[key] != nil { return .wait }
            state.kept = state.kept.filter { now < $0.value.expires }
            state.waiting[key] = [:]
            return .fetch
        }
    }

    private func wait(for key: Key) async -> Outcome {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // The fetch may have ended since, and a cancelled task finds no one to wake it.
                    guard state.waiting[key] != nil, !Task.isCancelled else { return true }
                    state.waiting[key]?[id] = continuation
                    return false
                }
                if isOver { continuation.resume(returning: .tryAgain) }
            }
        } onCancel: {
            state.withLock { $0.waiting[key]?.removeValue(forKey: id) }?.resume(returning: .tryAgain)
        }
    }

    private func finish(_ key: Key, _ outcome: Outcome, keep: (value: Value, expires: Instant)?) {
        let waiting = state.withLock { state in
            if let keep { state.kept[key] = keep }
            return state.waiting.removeValue(forKey: key) ?? [:]
        }
        for continuation in waiting.values { continuation.resume(returning: outcome) }
    }
}
