import RoostCore

/// Decides what to do while a service's container runs and until its output has been read.
///
/// A value without I/O: events in, actions out. The first of what ends a service stays the reason, whatever the container's
/// exit code then says.
struct ServiceLifecycle: Sendable {
    enum Event: Sendable, Hashable {
        case becameReady
        /// Its time is over, or it was found that it can't be told whether it is ready.
        case neverReady(String)
        /// The steps beside it are over.
        case stopRequested
        case killRequested
        case ended(ContainerEnd)
        /// It was stopped a while ago, and its end has not been told.
        case endOverdue
        case outputEnded
        /// The container has ended, and for a while nothing more of its output has come.
        case outputStalled
    }

    enum Action: Sendable, Hashable {
        case tellReady
        /// Asks it to stop, and kills it after the grace.
        case stop
        case kill
        /// From now on an end that does not come is given up.
        case watchEnd
        /// From now on output that stalls is given up.
        case watchOutput
        case finish
    }

    /// Why Roost ended the container, where it did.
    enum EndedBy: Sendable, Hashable {
        /// The steps beside it were over.
        case stepsEnded
        case neverReady(String)
    }

    private(set) var wasReady = false
    private(set) var endedBy: EndedBy?
    private(set) var end: ContainerEnd?
    private var isOutputComplete = false
    private var isEndWatched = false
    private var isFinished = false

    mutating func handle(_ event: Event) -> [Action] {
        guard !isFinished else { return [] }
        switch event {
        case .becameReady:
            guard !wasReady, endedBy == nil, end == nil else { return [] }
            wasReady = true
            return [.tellReady]
        case .neverReady(let reason):
            guard !wasReady, endedBy == nil, end == nil else { return [] }
            endedBy = .neverReady(reason)
            // Nothing has used it: it has nothing to bring to an end.
            return [.kill] + watchEnd()
        case .stopRequested:
            guard endedBy == nil, end == nil else { return [] }
            endedBy = .stepsEnded
            return [.stop] + watchEnd()
        case .killRequested:
            guard end == nil else { return [] }
            endedBy = endedBy ?? .stepsEnded
            return [.kill] + watchEnd()
        case .ended(let outcome):
            guard end == nil else { return [] }
            end = outcome
            return isOutputComplete ? finish() : [.watchOutput]
        case .endOverdue:
            guard end == nil else { return [] }
            end = .engineLost("its end was never reported")
            return finish()
        case .outputEnded:
            isOutputComplete = true
            return end == nil ? [] : finish()
        case .outputStalled:
            return end == nil ? [] : finish()
        }
    }

    private mutating func watchEnd() -> [Action] {
        defer { isEndWatched = true }
        return isEndWatched ? [] : [.watchEnd]
    }

    private mutating func finish() -> [Action] {
        isFinished = true
        return [.finish]
    }
}
