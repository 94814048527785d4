import Synchronization

/// How long fills took, whatever became of them.
package final class FillTimes: Sendable {
    package struct Value: Hashable, Sendable {
        package var count = 0
        package var total = Duration.zero
    }

    private let state = Mutex(Value())

    package var value: Value { state.withLock { $0 } }

    func note(_ time: Duration) {
        state.withLock { value in
            value.count += 1
            value.total += time
        }
    }
}
