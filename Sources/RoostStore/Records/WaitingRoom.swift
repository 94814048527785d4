import RoostCore
import Synchronization

/// Those of one process who wait for their ticket to be admitted, and who is called next.
///
/// Only the first of them can be: the others sleep until it has gone, however many they are.
final class WaitingRoom: Sendable {
    private let calls = Mutex<[Int64: Latch]>([:])

    func enter(_ number: Int64) {
        calls.withLock { $0[number] = Latch() }
    }

    /// Leaves, and calls who is first then.
    func leave(_ number: Int64) {
        calls.withLock { _ = $0.removeValue(forKey: number) }
        callFirst()
    }

    /// The next call of this ticket: it opens at whatever happens from now on.
    func nextCall(for number: Int64) -> Latch {
        let latch = Latch()
        calls.withLock { $0[number] = latch }
        return latch
    }

    func isFirst(_ number: Int64) -> Bool {
        calls.withLock { $0.keys.min() == number }
    }

    /// Lets the first look again whether its turn has come.
    func callFirst() {
        let call = calls.withLock { calls in calls.keys.min().flatMap { calls[$0] } }
        call?.open()
    }
}

extension Latch {
    /// Waits until the door is open, the time has passed, or the task is cancelled.
    func wait(atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await ContinuousClock().sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
