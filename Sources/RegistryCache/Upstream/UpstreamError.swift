package import OCIDistribution

/// An upstream did not give what was asked for.
package enum UpstreamError: Error, Sendable {
    /// Nothing of that name is configured.
    case unknownUpstream(String)
    /// 404.
    case notFound
    /// 401, credentials included where there are any.
    case unauthorized
    /// 403.
    case forbidden
    /// 429; nothing but waiting helps.
    case rateLimited(retryAfter: Duration?)
    /// A status from 500 on, no connection, or one that broke.
    case unavailable(String)
    case timedOut(after: Duration)
    /// It sends, but less than the least rate.
    case tooSlow
    /// The circuit breaker lets nothing through; for how much longer.
    case resting(Duration)
    /// It answers something that is against the protocol, or leads where no upstream may lead.
    case invalid(String)
    /// The bytes are not what the digest says.
    case digestMismatch(Digest)
    case tooLarge(limit: Int)
    case cancelled

    /// Whether the upstream has answered the question, so that nothing cached may be served in its place.
    package var isAnswer: Bool {
        switch self {
        case .notFound, .unauthorized, .forbidden, .unknownUpstream: true
        case .rateLimited, .unavailable, .timedOut, .tooSlow, .resting, .invalid, .digestMismatch, .tooLarge,
            .cancelled:
            false
        }
    }
}
