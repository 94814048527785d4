import OCIDistribution
import RoostCore

extension UpstreamError: CustomStringConvertible {
    /// What happened, in one line and without secrets; the text of the cases that hold one names the upstream.
    package var description: String {
        switch self {
        case .unknownUpstream(let name): "\(QuotedText(name)) is not among the configured upstreams"
        case .notFound: "the upstream has no such image"
        case .unauthorized: "the upstream wants a login, or another one"
        case .forbidden: "the upstream denies access"
        case .rateLimited(let time):
            "the upstream limits the rate of requests" + (time.map { "; wait \(DurationText.format($0))" } ?? "")
        case .unavailable(let text): text
        case .timedOut(let limit): "the upstream did not answer within \(DurationText.format(limit))"
        case .tooSlow: "the upstream sends too slowly"
        case .resting(let time):
            "the upstream failed and is left alone; it is asked again in \(DurationText.format(time))"
        case .invalid(let text): text
        case .digestMismatch(let digest): "the upstream gives other content than \(digest)"
        case .tooLarge(let limit): "the upstream gives more than \(limit) bytes, which no manifest needs"
        case .cancelled: "the request to the upstream was cancelled"
        }
    }
}

extension UpstreamError {
    /// What a registry's refusal means to the cache.
    init(_ error: RegistryError) {
        switch error.failure {
        case .notFound, .invalidName: self = .notFound
        case .unauthorized: self = .unauthorized
        case .forbidden: self = .forbidden
        case .rateLimited(let time): self = .rateLimited(retryAfter: time)
        case .server, .unreachable: self = .unavailable(error.description)
        case .timedOut(let limit): self = .timedOut(after: limit)
        case .cancelled: self = .cancelled
        case .tooLarge(let limit): self = .tooLarge(limit: limit)
        case .digestMismatch(let expected, _): self = .digestMismatch(expected)
        case .unexpected, .invalidManifest, .noSuchPlatform, .invalidResponse, .credentials:
            self = .invalid(error.description)
        }
    }
}
