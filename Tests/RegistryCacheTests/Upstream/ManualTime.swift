import OCIDistribution
import RoostTesting
import Synchronization

/// A clock that stands still until a test moves it, and tells who sleeps.
final class ManualTime: Sendable {
    private struct Sleeper {
        let due: ContinuousClock.Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = ContinuousClock.now
        var last = 0
        var sleepers: [Int: Sleeper] = [:]
        var watchers: [Int: (condition: @Sendable ([Duration]) -> Bool, gate: Gate)] = [:]
    }

    private let state = Mutex(State())

    var time: RegistryTime {
        RegistryTime(now: { self.now }, sleep: { try await self.sleep($0) })
    }

    var now: ContinuousClock.Instant { state.withLock { $0.now } }

    /// Moves the clock, and wakes whose time has come.
    func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.due <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Waits until the times that are left to those who sleep meet a condition.
    func waitForSleepers(_ condition: @escaping @Sendable ([Duration]) -> Bool) async throws {
        let gate = Gate()
        state.withLock { state in
            if condition(Self.remaining(state)) { return gate.open() }
            state.last += 1
            state.watchers[state.last] = (condition, gate)
        }
        try await gate.wait()
    }

    private static func remaining(_ state: State) -> [Duration] {
        state.sleepers.values.map { $0.due - state.now }
    }

    private func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (result, gates) = state.withLock { state -> (Result<Void, any Error>?, [Gate]) in
                    if Task.isCancelled { return (.failure(CancellationError()), []) }
                    if duration <= .zero { return (.success(()), []) }
                    state.sleepers[id] = Sleeper(due: state.now + duration, continuation: continuation)
                    let remaining = Self.remaining(state)
                    let met = state.watchers.filter { $0.value.condition(remaining) }
                    for id in met.keys { state.watchers[id] = nil }
                    return (nil, met.values.map(\.gate))
                }
                if let result { continuation.resume(with: result) }
                for gate in gates { gate.open() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }
}
