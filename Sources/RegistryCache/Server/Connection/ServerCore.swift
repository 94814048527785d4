import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What all connections of a server share.
struct ServerCore: Sendable {
    let content: any CacheContent
    let judge: RequestJudge
    let limits: ServerLimits
    let log: AccessLog
    let counters: ServerCounters
    let connections: ConnectionBook
    /// Takes what can't be answered on an event loop; at most one piece of work a connection at a time.
    let work: AsyncStream<SlowExchange>.Continuation
}

/// What a connection is told by the server, as an event of its pipeline.
enum ConnectionNotice {
    /// Close where there is nothing to do; else answer what is being answered, and close then.
    case drain
    /// Close where there is nothing to do.
    case makeRoom
}

/// The open connections.
final class ConnectionBook: Sendable {
    private struct State {
        var open: [ObjectIdentifier: any Channel] = [:]
        var isDraining = false
        var emptied: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let full = Atomic(false)
    private let limit: Int

    init(limit: Int) { self.limit = max(1, limit) }

    /// Whether no more are accepted, so that nobody should keep a connection that he doesn't use.
    var isFull: Bool { full.load(ordering: .relaxed) }

    /// Takes a connection in.
    ///
    /// - Returns: Whether the server is being stopped.
    func add(_ channel: any Channel) -> Bool {
        state.withLock { state in
            state.open[ObjectIdentifier(channel)] = channel
            full.store(state.open.count >= limit, ordering: .relaxed)
            return state.isDraining
        }
    }

    func remove(_ channel: any Channel) {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.open[ObjectIdentifier(channel)] = nil
            full.store(state.open.count >= limit, ordering: .relaxed)
            guard state.open.isEmpty else { return [] }
            defer { state.emptied = [] }
            return state.emptied
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Tells all connections, and those that still come, that the server is being stopped.
    func drain() {
        notify(
            .drain,
            state.withLock { state in
                state.isDraining = true
                return Array(state.open.values)
            }
        )
    }

    /// Asks for the places of those who have nothing to do.
    func makeRoom() { notify(.makeRoom, state.withLock { Array($0.open.values) }) }

    private func notify(_ notice: ConnectionNotice, _ channels: [any Channel]) {
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(notice) }
    }

    func closeAll() {
        for channel in state.withLock({ Array($0.open.values) }) { channel.close(promise: nil) }
    }

    /// Returns once no connection is open.
    func empty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.open.isEmpty { return true }
                state.emptied.append(continuation)
                return false
            }
            if isEmpty { continuation.resume() }
        }
    }
}

/// The time of day, for the log and for `Date`; nothing is decided by it.
enum WallClock {
    /// Milliseconds since 1970.
    static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
