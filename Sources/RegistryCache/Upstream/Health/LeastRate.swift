/// Judges whether an upstream sends fast enough to be waited for. Only the time that somebody waits for bytes counts: where
/// the reader is slow, the upstream isn't to blame.
package struct LeastRate: Hashable, Sendable {
    /// Bytes in a second, on average over the window.
    package let bytesPerSecond: Int
    package let window: Duration
    private var waited = Duration.zero
    private var bytes = 0

    package init(bytesPerSecond: Int = 1024, window: Duration = .seconds(30)) {
        self.bytesPerSecond = bytesPerSecond
        self.window = window
    }

    /// For how long to wait now before asking again.
    package var patience: Duration { max(.zero, window - waited) }

    /// Counts time that was waited, and what came.
    ///
    /// - Returns: Whether it is too slow.
    package mutating func note(waited time: Duration, bytes count: Int) -> Bool {
        waited += time
        bytes += count
        guard waited >= window else { return false }
        let isTooSlow = Double(bytes) < Double(bytesPerSecond) * (waited / .seconds(1))
        waited = .zero
        bytes = 0
        return isTooSlow
    }
}
