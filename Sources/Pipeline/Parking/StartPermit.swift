import Synchronization

/// The permission to create and start one container, from a ``StartQueue``. Given back once, at the latest with this value.
///
/// It is taken before the container is created, so that its network is chosen as late as possible: what a step that has ended
/// meanwhile has left free can be joined.
final class StartPermit: Sendable {
    private let leave: @Sendable () -> Void
    private let isGivenBack = Mutex(false)

    /// - Parameter leave: Gives the place back.
    init(leave: @escaping @Sendable () -> Void) {
        self.leave = leave
    }

    deinit { giveBack() }

    func giveBack() {
        let isFirst = isGivenBack.withLock { isGivenBack in
            defer { isGivenBack = true }
            return !isGivenBack
        }
        if isFirst { leave() }
    }
}
