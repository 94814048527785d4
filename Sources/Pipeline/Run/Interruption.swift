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
/// not. Raised once it stops the containers with their grace and lets the steps run that always run; raised again it kills
/// them all; raised a third time it leaves everything to the next start's reaper.
package final class Interruption: Sendable {
    private struct State {
        var cause: InterruptionCause?
        var count = 0
    }

    private let state = Mutex(State())
    /// Opens when the run should stop.
    package let stop = Latch()
    /// Opens when the run should stop now.
    package let kill = Latch()
    /// Opens when the engine was found lost once the run should stop now: nothing is to wait for it much longer.
    let isEngineLost = Latch()
    /// Opens when the process should end without tidying up.
    package let abandon = Latch()

    package init() {}

    /// The first cause, which decides the exit code.
    package var cause: InterruptionCause? { state.withLock { $0.cause } }

    /// Asks for the end of the run. A closed output does so only where nothing else has; else the second time without grace, the third time without tidying up.
    package func raise(_ cause: InterruptionCause) {
        let count = state.withLock { state -> Int? in
            // Ctrl-C ends the reader of a pipe as well: that its output is gone is no second wish.
            guard cause != .outputClosed || state.count == 0 else { return nil }
            if state.cause == nil { state.cause = cause }
            state.count += 1
            return state.count
        }
        switch count {
        case nil: break
        case 1: stop.open()
        case 2: kill.open()
        default: abandon.open()
        }
    }
}

extension Interruption {
    /// What ends a step before its time: one that always runs goes on after a first interruption.
    func end(for step: StepDefinition) -> Latch {
        step.schedule.isAlways ? kill : stop
    }
}
