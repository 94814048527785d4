import RoostCore
import Synchronization

/// The permission to create and start one container: an engine is slower with many starts at once. Given back once, at the
/// latest with this value.
///
/// It is taken before the container is created, so that its network is chosen as late as possible: what a step that has ended
/// meanwhile has left free can be joined.
final class StartPermit: Sendable {
    private let limit: ConcurrencyLimit
    private let isGivenBack = Mutex(false)

    private init(_ limit: ConcurrencyLimit) {
        self.limit = limit
    }

    deinit { giveBack() }

    /// Waits for a permit; `nil` in a task that is cancelled.
    static func take(from limit: ConcurrencyLimit) async -> StartPermit? {
        await limit.enter() ? StartPermit(limit) : nil
    }

    /// A permit that is free now; `nil` where there is none.
    static func takeFree(from limit: ConcurrencyLimit) -> StartPermit? {
        limit.tryEnter() ? StartPermit(limit) : nil
    }

    func giveBack() {
        let isFirst = isGivenBack.withLock { isGivenBack in
            defer { isGivenBack = true }
            return !isGivenBack
        }
        if isFirst { limit.leave() }
    }
}
