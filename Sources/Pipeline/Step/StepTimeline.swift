/// Measures a step's phases: each ends where the next begins, so that they add up to the whole.
package struct StepTimeline: Sendable {
    /// From the run's start to the start of the first phase.
    package let offset: Duration
    package private(set) var phases: [StepPhase: Duration] = [:]
    private var mark: ContinuousClock.Instant

    /// - Parameters:
    ///   - runStart: When the run started.
    ///   - eligible: When the step could have started, had everything been there: the start of its stage.
    package init(runStart: ContinuousClock.Instant, eligible: ContinuousClock.Instant) {
        offset = eligible - runStart
        mark = eligible
    }

    /// Ends a phase; its time is added to what the phase had before.
    ///
    /// - Parameters:
    ///   - phase: The phase.
    ///   - instant: When it ended; `nil` for now. One that lies before the phase's begin gives it no time.
    package mutating func end(_ phase: StepPhase, at instant: ContinuousClock.Instant? = nil) {
        let end = max(mark, instant ?? .now)
        phases[phase, default: .zero] += end - mark
        mark = end
    }

    /// Ends the phases of a container that was started and has ended: its start, and its run.
    ///
    /// - Parameters:
    ///   - answered: When the engine had answered to its start, some time after it began to run.
    ///   - endedAt: When it ended.
    ///   - ran: How long it ran, by the engine's word; `nil` where that isn't known.
    package mutating func endRun(
        answered: ContinuousClock.Instant,
        endedAt: ContinuousClock.Instant,
        ran: Duration?
    ) {
        end(.start, at: min(answered, ran.map { endedAt - $0 } ?? answered))
        end(.run, at: endedAt)
    }
}
