/// When a step runs, seen from the other steps of its stage.
package struct StepSchedule: Hashable, Sendable {
    /// The steps of the same stage that must have succeeded before; without an `always`, which only waits for their end.
    package var needs: [StepID] = []
    /// Nothing else of the stage runs at the same time (`parallel = false`).
    package var runsAlone = false
    /// Runs whatever happened before it.
    package var isAlways = false

    package init(needs: [StepID] = [], runsAlone: Bool = false, isAlways: Bool = false) {
        self.needs = needs
        self.runsAlone = runsAlone
        self.isAlways = isAlways
    }
}

/// Whether a step that did not succeed is run again.
package struct StepRetries: Hashable, Sendable {
    /// The outcomes that can be tried again.
    package enum Reason: String, Hashable, Sendable, CaseIterable {
        case failed
        case timedOut = "timed_out"
        case oomKilled = "oom_killed"
        case infrastructureError = "infrastructure_error"

        init?(_ status: StepStatus) {
            self.init(rawValue: status.rawValue)
        }
    }

    /// How many times at most, beyond the first.
    package var count: Int
    package var reasons: Set<Reason>
    /// The pause before the second attempt; twice as long before each further one, up to ``longestBackoff``.
    package var backoff: Duration

    /// No pause is longer, but for a `backoff` that is longer by itself.
    package static let longestBackoff = Duration.seconds(60)

    package init(count: Int = 0, reasons: Set<Reason> = Set(Reason.allCases), backoff: Duration = .seconds(1)) {
        self.count = count
        self.reasons = reasons
        self.backoff = backoff
    }

    /// How many attempts there can be.
    package var attempts: Int { count + 1 }

    /// What follows after an attempt.
    ///
    /// - Parameters:
    ///   - attempt: Its number, from 1.
    ///   - status: How it ended.
    /// - Returns: The pause before the next attempt, or `nil` where there is none.
    package func pause(after attempt: Int, endedWith status: StepStatus) -> Duration? {
        guard attempt <= count, let reason = Reason(status), reasons.contains(reason) else { return nil }
        // Beyond a doubling or so of the longest the factor no longer matters.
        let doubled = backoff * (1 << min(attempt - 1, 20))
        return min(doubled, max(backoff, Self.longestBackoff))
    }
}
