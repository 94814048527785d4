package import OCIDistribution
import Synchronization

/// What an upstream is like at the moment, for people and metrics. Holds no secret.
package struct UpstreamStatus: Hashable, Sendable {
    package enum Breaker: String, Hashable, Sendable {
        case closed
        case open
        case halfOpen = "half-open"
    }

    package let name: String
    /// The URL that it is asked at.
    package let url: String
    /// As the last answer that named one has it.
    package let rateLimit: RateLimit?
    package let breaker: Breaker
    /// For how long the breaker lets nothing through.
    package let rest: Duration?
    /// For how long manifests are not asked for, since the upstream wants it so.
    package let heldOff: Duration?
    /// What went wrong last, and how long ago.
    package let lastError: String?
    package let lastErrorAge: Duration?
    /// Requests that were sent, repeated ones included.
    package let requests: Int
    /// Those of them that got no answer.
    package let failures: Int
    /// Bytes of manifests and blobs that came in.
    package let bytes: Int64
}

/// What one upstream's requests have in common: whether they may go, and what became of them.
final class UpstreamLedger: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What a rate limit is told for: a registry may refuse manifests while it still gives blobs.
    enum Kind: Hashable, Sendable, CaseIterable {
        case manifest
        case blob
    }

    /// An upstream that asks for more is asked after this long all the same; it can say it again.
    static let longestHold = Duration.seconds(300)

    private struct State {
        var breaker: CircuitBreaker
        var heldUntil: [Kind: Instant] = [:]
        var rateLimit: RateLimit?
        var lastError: (text: String, at: Instant)?
        var requests = 0
        var failures = 0
        var bytes: Int64 = 0
    }

    let configuration: UpstreamConfiguration
    private let state: Mutex<State>
    private let now: @Sendable () -> Instant

    init(_ configuration: UpstreamConfiguration, limits: CircuitBreaker.Limits, now: @escaping @Sendable () -> Instant)
    {
        self.configuration = configuration
        state = Mutex(State(breaker: CircuitBreaker(limits: limits)))
        self.now = now
    }

    /// Lets a request go, or not.
    ///
    /// - Returns: What ``report(_:of:)`` takes; it has to be called.
    /// - Throws: `resting`, or `rateLimited` for as long as the upstream has asked not to be asked.
    func admit(_ kind: Kind) throws(UpstreamError) -> CircuitBreaker.Admission {
        let now = now()
        let verdict = state.withLock { state -> Result<CircuitBreaker.Admission, UpstreamError> in
            if let until = state.heldUntil[kind], now < until { return .failure(.rateLimited(retryAfter: until - now)) }
            let admission = state.breaker.admit(at: now)
            if case .resting(let rest) = admission { return .failure(.resting(rest)) }
            state.requests += 1
            return .success(admission)
        }
        return try verdict.get()
    }

    /// Takes what became of a request.
    func report(_ error: UpstreamError?, of admission: CircuitBreaker.Admission, kind: Kind) {
        let now = now()
        state.withLock { state in
            let outcome = error?.outcome ?? .answered
            state.breaker.report(outcome, of: admission, at: now)
            if outcome == .failed { state.failures += 1 }
            if let error, error.isNoteworthy { state.lastError = (error.description, now) }
            if case .rateLimited(let wait?) = error { state.heldUntil[kind] = now + min(wait, Self.longestHold) }
        }
    }

    func note(bytes: Int) {
        state.withLock { $0.bytes += Int64(bytes) }
    }

    func note(_ rateLimit: RateLimit?) {
        guard let rateLimit else { return }
        state.withLock { $0.rateLimit = rateLimit }
    }

    var status: UpstreamStatus {
        let now = now()
        return state.withLock { state in
            let (breaker, rest): (UpstreamStatus.Breaker, Duration?) =
                switch state.breaker.state {
                case .closed: (.closed, nil)
                case .open(let until, _): (.open, max(.zero, until - now))
                case .halfOpen: (.halfOpen, nil)
                }
            return UpstreamStatus(
                name: configuration.name,
                url: configuration.endpoint.baseURL,
                rateLimit: state.rateLimit,
                breaker: breaker,
                rest: rest,
                heldOff: state.heldUntil[.manifest].flatMap { now < $0 ? $0 - now : nil },
                lastError: state.lastError?.text,
                lastErrorAge: state.lastError.map { now - $0.at },
                requests: state.requests,
                failures: state.failures,
                bytes: state.bytes
            )
        }
    }
}

extension UpstreamError {
    /// What the breaker makes of it.
    var outcome: CircuitBreaker.Outcome {
        switch self {
        case .unavailable, .timedOut, .tooSlow: .failed
        case .cancelled, .resting, .unknownUpstream: .unknown
        // It is there and answers, whatever is wrong with what it says.
        case .notFound, .unauthorized, .forbidden, .rateLimited, .invalid, .digestMismatch, .tooLarge: .answered
        }
    }

    /// Whether an operator would want to know of it.
    fileprivate var isNoteworthy: Bool {
        switch self {
        case .notFound, .cancelled, .resting, .unknownUpstream: false
        case .unauthorized, .forbidden, .rateLimited, .unavailable, .timedOut, .tooSlow, .invalid, .digestMismatch,
            .tooLarge:
            true
        }
    }
}
