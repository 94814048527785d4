/// How a step's container came to its end.
enum ContainerEnd: Sendable, Hashable {
    case exited(code: Int)
    /// The engine stopped answering: nothing is known of the command.
    case engineLost(String)
    /// Somebody else removed the container.
    case removed
}

/// Decides what to do while a step's container runs and until its output has been read.
///
/// A value without I/O: events in, actions out. The first of timeout and interruption stays the reason, whatever the
/// container's exit code then says.
struct StepLifecycle: Sendable {
    enum Event: Sendable, Hashable {
        case deadlinePassed
        case stopRequested
        case killRequested
        /// By the kernel's word; the engine's is still to come.
        case commandEnded
        case ended(ContainerEnd)
        case outputEnded
        /// The container has ended, and for a while nothing more of its output has come.
        case outputStalled
    }

    enum Action: Sendable, Hashable {
        /// Asks the command to stop, and kills it after the grace.
        case stop
        case kill
        /// From now on output that stalls is given up.
        case watchOutput
        case finish
    }

    /// Why Roost ended the container, where it did.
    enum EndedBy: Sendable, Hashable { case timeout, interruption }

    private(set) var endedBy: EndedBy?
    private(set) var end: ContainerEnd?
    private(set) var isOutputComplete = false
    private var hasCommandEnded = false
    private var isKillRequested = false
    private var isFinished = false

    mutating func handle(_ event: Event) -> [Action] {
        guard !isFinished else { return [] }
        switch event {
        case .deadlinePassed:
            guard end == nil, endedBy == nil, !hasCommandEnded else { return [] }
            endedBy = .timeout
            return [.stop]
        case .stopRequested:
            guard end == nil, endedBy == nil, !hasCommandEnded else { return [] }
            endedBy = .interruption
            return [.stop]
        case .killRequested:
            isKillRequested = true
            guard end == nil else { return isGivenUp ? finish() : [] }
            if !hasCommandEnded { endedBy = endedBy ?? .interruption }
            return [.kill]
        case .commandEnded:
            hasCommandEnded = true
            return []
        case .ended(let outcome):
            guard end == nil else { return [] }
            end = outcome
            return isOutputComplete || isGivenUp ? finish() : [.watchOutput]
        case .outputEnded:
            isOutputComplete = true
            return end == nil ? [] : finish()
        case .outputStalled:
            return end == nil ? [] : finish()
        }
    }

    /// Of an engine that is lost nothing more is worth waiting for where all is to end now, the rest of the output included.
    private var isGivenUp: Bool {
        guard isKillRequested, case .engineLost = end else { return false }
        return true
    }

    private mutating func finish() -> [Action] {
        isFinished = true
        return [.finish]
    }
}
