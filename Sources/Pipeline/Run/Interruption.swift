package import RoostCore
import Synchronization

/// What ended a run from outside: a signal, or the loss of its output.
package enum InterruptionCause: Int32, Sendable, Hashable {
    case hangup = 1
    case interrupt = 2
    /// Nobody reads the output any more (SIGPIPE).
    case outputClosed = 13
    case terminate = 15

    /// The exit code of a process ended by that signal, as shells count it.
    package var exitCode: Int32 { 128 + rawValue }

    package var name: String {
        switch self {
        case .hangup: "SIGHUP"
        case .interrupt: "SIGINT"
        case .outputClosed: "closed output"
        case .terminate: "SIGTERM"
        }
    }
}

/// The wish to end a run, raised by signals and watched by every step.
///
/// The run's own tasks are never cancelled by it: they stop their containers and clean up, which a cancelled task could
/// not. Raised once it stops the containers with their grace, raised again it kills them.
package final class Interruption: Sendable {
    private let firstCause = Mutex<InterruptionCause?>(nil)
    /// Opens when the run should stop.
    package let stop = Latch()
    /// Opens when the run should stop now.
    package let kill = Latch()

    package init() {}

    /// The first cause, which decides the exit code.
    package var cause: InterruptionCause? { firstCause.withLock { $0 } }

    /// Asks for the end of the run; the second time without grace.
    ///
    /// - Returns: True for the first call.
    @discardableResult
    package func raise(_ cause: InterruptionCause) -> Bool {
        let isFirst = firstCause.withLock { first in
            guard first == nil else { return false }
            first = cause
            return true
        }
        if isFirst { stop.open() } else { kill.open() }
        return isFirst
    }
}
