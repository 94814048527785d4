/// Keeps an upstream from being asked while it does not answer: each request would cost its whole deadline.
///
/// A value without a clock: times come in, decisions go out.
package struct CircuitBreaker: Hashable, Sendable {
    package typealias Instant = ContinuousClock.Instant

    package struct Limits: Hashable, Sendable {
        /// After how many failures in a row nothing is let through.
        package var failures: Int
        /// For how long at first; twice as long each time that the upstream is still found down.
        package var rest: Duration
        package var longestRest: Duration

        package init(failures: Int = 5, rest: Duration = .seconds(5), longestRest: Duration = .seconds(60)) {
            self.failures = max(1, failures)
            self.rest = rest
            self.longestRest = max(rest, longestRest)
        }
    }

    package enum State: Hashable, Sendable {
        /// Everything passes; so many failures in a row.
        case closed(failures: Int)
        /// Nothing passes until then.
        case open(until: Instant, rest: Duration)
        /// One request is on its way to find out.
        case halfOpen(probe: Int, rest: Duration)
    }

    package enum Admission: Hashable, Sendable {
        case pass
        /// It passes alone, to find out.
        case probe(Int)
        /// It does not pass for this long.
        case resting(Duration)
    }

    package enum Outcome: Hashable, Sendable, CaseIterable {
        /// The upstream answered, whatever it said.
        case answered
        /// It did not, or answered that it can't.
        case failed
        /// Nobody waited to see.
        case unknown
    }

    package private(set) var state = State.closed(failures: 0)
    private let limits: Limits
    private var lastProbe = 0

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Decides on a request. One that is let through has to be reported on.
    package mutating func admit(at now: Instant) -> Admission {
        switch state {
        case .closed: return .pass
        case .open(let until, let rest):
            guard now >= until else { return .resting(until - now) }
            lastProbe += 1
            state = .halfOpen(probe: lastProbe, rest: rest)
            return .probe(lastProbe)
        // Until the probe is back nobody knows for how long.
        case .halfOpen(_, let rest): return .resting(rest)
        }
    }

    /// Takes what became of a request that was let through.
    package mutating func report(_ outcome: Outcome, of admission: Admission, at now: Instant) {
        switch (outcome, state) {
        case (_, _) where admission.isResting: break
        case (.answered, _): state = .closed(failures: 0)
        case (.failed, .closed(let failures)):
            let failures = failures + 1
            state =
                failures < limits.failures
                ? .closed(failures: failures) : .open(until: now + limits.rest, rest: limits.rest)
        case (.failed, .halfOpen(let probe, let rest)) where admission == .probe(probe):
            let longer = min(rest * 2, limits.longestRest)
            state = .open(until: now + longer, rest: longer)
        case (.unknown, .halfOpen(let probe, let rest)) where admission == .probe(probe):
            // The next one finds out.
            state = .open(until: now, rest: rest)
        // Let through before it opened, and of no news.
        case (.failed, .open), (.failed, .halfOpen), (.unknown, _): break
        }
    }
}

extension CircuitBreaker.Admission {
    fileprivate var isResting: Bool {
        if case .resting = self { return true }
        return false
    }
}
