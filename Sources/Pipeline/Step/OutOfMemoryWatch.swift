import DockerEngine
import Foundation
import RoostCore
import Synchronization

/// Hears of the kernel's out-of-memory kills in a run's containers.
///
/// On a loaded machine an engine may learn of the exit before it learns of the kill, and then says for ever that there was
/// none (`State.OOMKilled` is settled with the exit: moby, libcontainerd). Its `oom` event is sent all the same. A stream of
/// events that is cut is taken up again from the run's begin: the engine replays what it remembers, its last 256 events. What
/// it remembers no more, the inspection of each container after its end has to tell.
final class OutOfMemoryWatch: Sendable {
    /// A time without a stream.
    private struct Gap {
        let began = ContinuousClock.now
        let isOver = Latch()
    }

    private struct State {
        var kills: [String: Latch] = [:]
        /// From the very begin, until the engine has answered.
        var gap: Gap? = Gap()
        var openedAt = ContinuousClock.now
    }

    /// Since the begin of a gap, how long a kill that nobody can explain waits for its end.
    private static let longestGap = Duration.seconds(5)
    /// How late the engine's word of a kill may come, for a process that was killed.
    private static let lateEvent = Duration.seconds(1)

    private let state = Mutex(State())
    private let runID: String
    private let since: String

    /// - Parameters:
    ///   - runID: The run whose containers are watched.
    ///   - begin: By the engine's clock, a time before the first of them; `nil` for all that the engine remembers.
    init(runID: String, since begin: Date?) {
        self.runID = runID
        since = begin.map { String(Int64($0.timeIntervalSince1970.rounded(.down))) } ?? "0"
    }

    /// Follows the engine's events until the task is cancelled, or the engine refuses to tell them; without them its own
    /// verdict has to do.
    func follow(_ engine: EngineClient) async {
        let filters = [
            "type": ["container"], "event": ["oom"], "label": ["\(LabelKey.run)=\(runID)"],
        ]
        var backoff = ResumptionBackoff()
        while !Task.isCancelled {
            do {
                try await engine.events(since: since, filters: filters, onOpen: { endGap() }) {
                    kill(in: $0.actor.id).open()
                }
            } catch let error as EngineError where error.statusCode.map({ (400..<500).contains($0) }) ?? false {
                return endGap()
            } catch {
                // Cut, or not to be had at the moment.
            }
            let pause = backoff.pause(afterLasting: beginGap())
            guard (try? await ContinuousClock().sleep(for: pause)) != nil else { return }
        }
    }

    /// Whether a process of a container that has ended was killed for want of memory.
    ///
    /// - Parameters:
    ///   - container: Its full ID.
    ///   - isUnexplained: Whether nobody is known to have killed its first process: only then is an event waited for.
    /// - Returns: Whether the event has come.
    func sawKill(in container: String, isUnexplained: Bool) async -> Bool {
        await sawKill(in: container, within: isUnexplained ? Self.lateEvent : .zero)
    }

    /// Whether a process of the container was killed for want of memory.
    ///
    /// - Parameters:
    ///   - container: Its full ID.
    ///   - patience: How long the event may be late. Where the stream is cut, this counts from when it has been taken up
    ///     again, for which a few seconds are given.
    /// - Returns: True as soon as the event has come.
    func sawKill(in container: String, within patience: Duration) async -> Bool {
        let kill = kill(in: container)
        if kill.isOpen || patience == .zero { return kill.isOpen }
        // The event ends the waiting.
        _ = try? await kill.cancelling {
            await self.waitForStream()
            try await ContinuousClock().sleep(for: patience)
        }
        return kill.isOpen
    }

    private func waitForStream() async {
        guard let gap = state.withLock({ $0.gap }) else { return }
        let left = gap.began + Self.longestGap - .now
        _ = try? await gap.isOver.cancelling { try await ContinuousClock().sleep(for: left) }
    }

    private func kill(in container: String) -> Latch {
        state.withLock { state in
            if let known = state.kills[container] { return known }
            let latch = Latch()
            state.kills[container] = latch
            return latch
        }
    }

    // MARK: - Gaps

    private func endGap() {
        let ended = state.withLock { state in
            defer { state.gap = nil }
            state.openedAt = .now
            return state.gap
        }
        ended?.isOver.open()
    }

    /// - Returns: How long the stream had lasted; nothing where it had not been taken up at all.
    private func beginGap() -> Duration {
        state.withLock { state in
            guard state.gap == nil else { return .zero }
            state.gap = Gap()
            return .now - state.openedAt
        }
    }
}

/// How long to wait until a stream that was cut is taken up again.
struct ResumptionBackoff {
    static let shortest = Duration.milliseconds(100)
    static let longest = Duration.seconds(5)

    private var next = Self.shortest

    /// - Parameter lifetime: How long the stream had lasted, from which one can tell a cut from one that is cut each time.
    /// - Returns: Twice as long each time up to the longest, and the shortest again after a stream that has lasted.
    mutating func pause(afterLasting lifetime: Duration) -> Duration {
        if lifetime >= Self.longest { next = Self.shortest }
        defer { next = min(next * 2, Self.longest) }
        return next
    }
}
