import RoostCore
import Synchronization

/// Opens when it has been asked to often enough; whoever waits goes on then. Tests wait on it instead of sleeping.
package final class Gate: Sendable {
    private let missing: Mutex<Int>
    private let latch = Latch()

    /// A gate that ``open()`` opens when it is called for the `count`th time.
    package init(count: Int = 1) { missing = Mutex(count) }

    /// Counts as one call; never closes the gate again.
    package func open() {
        let isLast = missing.withLock { missing in
            missing -= 1
            return missing <= 0
        }
        if isLast { latch.open() }
    }

    /// Returns once the gate is open.
    ///
    /// - Throws: `CancellationError`.
    package func wait() async throws {
        guard await latch.wait() else { throw CancellationError() }
    }
}
