import Pipeline
import RoostCore

/// What a run took its time for: the step that ended last, the one that it waited for, and so on back to the first.
///
/// Steps run side by side, so a sum over all of them would count the same seconds many times.
struct SlowestPath: Sendable {
    /// What the run would have been shorter by, had it taken no time; without the commands themselves.
    let lost: [StepPhase: Duration]

    init(_ report: RunReport) {
        var steps = report.stages.flatMap(\.steps).filter { $0.attempts > 0 }.map(Mark.init)
        var lost: [StepPhase: Duration] = [:]
        var next = steps.max { $0.end < $1.end }
        var isLast = true
        while let step = next {
            // Nobody waits for a container's removal, but the run for its last one's.
            lost.merge(step.phases.filter { isLast || $0.key != .cleanup }, uniquingKeysWith: +)
            isLast = false
            // A step begins when the command of the last one that it waited for has ended. Each is nearer to the run's start.
            steps.removeAll { $0.commandEnd >= step.commandEnd }
            next = steps.filter { $0.commandEnd <= step.begin + Self.tolerance && step.begin > .zero }
                .max { $0.commandEnd < $1.commandEnd }
        }
        lost[.run] = nil
        self.lost = lost
    }

    /// Reports are in whole milliseconds, of which each phase may lose one.
    private static let tolerance = Duration.milliseconds(10)

    /// Where a step lies on the run's time.
    private struct Mark {
        /// When it could have started, had everything been there.
        let begin: Duration
        let commandEnd: Duration
        let end: Duration
        let phases: [StepPhase: Duration]

        init(_ step: StepReport) {
            begin = step.offset
            end = step.offset + step.total
            commandEnd = end - (step.phases[.cleanup] ?? .zero)
            phases = step.phases
        }
    }
}
