import NIOCore

/// Closes a connection on which something has been waited for too long.
///
/// A request that is answered at once costs it nothing but a look at the clock: what is scheduled is moved only when it is due.
struct ConnectionTimer {
    private let limits: ServerLimits
    private var waiting = ConnectionMachine<Exchange>.Waiting.nothing
    private let state = State()

    private final class State {
        var deadline: NIODeadline?
        var scheduled: Scheduled<Void>?
        var due = NIODeadline.distantFuture
    }

    init(limits: ServerLimits) { self.limits = limits }

    /// What is waited for now, since just now where it was something else before.
    ///
    /// - Parameters:
    ///   - waiting: What.
    ///   - loop: The connection's.
    ///   - expire: What to do when it has taken too long.
    mutating func watch(
        _ waiting: ConnectionMachine<Exchange>.Waiting,
        on loop: any EventLoop,
        expire: @escaping () -> Void
    ) {
        guard waiting != self.waiting else { return }
        self.waiting = waiting
        let time: Duration
        switch waiting {
        case .nothing:
            state.deadline = nil
            return
        case .head, .end: time = limits.headTime
        case .request: time = limits.idleTime
        }
        let deadline = NIODeadline.now() + TimeAmount(time)
        state.deadline = deadline
        if state.due > deadline { Self.schedule(state, at: deadline, on: loop, expire) }
    }

    mutating func cancel() {
        state.scheduled?.cancel()
        state.scheduled = nil
        state.deadline = nil
    }

    private static func schedule(
        _ state: State,
        at deadline: NIODeadline,
        on loop: any EventLoop,
        _ expire: @escaping () -> Void
    ) {
        state.scheduled?.cancel()
        state.due = deadline
        state.scheduled = loop.assumeIsolated().scheduleTask(deadline: deadline) {
            state.scheduled = nil
            state.due = .distantFuture
            guard let next = state.deadline else { return }
            if next <= .now() { expire() } else { schedule(state, at: next, on: loop, expire) }
        }
    }
}
