extension CacheRefusal {
    /// How a client is told of an upstream's failure. A rate limit stays one, never a 404: a client that is told 404 asks the upstream
    /// itself, and spends more of it.
    init(_ error: UpstreamError, of request: CacheRequest) {
        switch error {
        case .notFound:
            switch request {
            case .manifest: self = .unknownManifest
            case .blob, .blobHead: self = .unknownBlob
            }
        case .unknownUpstream: self = .unknownRepository
        // Never a 401: clients answer one with the credentials that they have for the cache's own address.
        case .unauthorized, .forbidden: self = .forbidden
        case .rateLimited(let retryAfter): self = .rateLimited(retryAfter: retryAfter)
        case .resting(let time): self = .unavailable("the upstream has failed too often, and is not asked for \(time)")
        case .timedOut(let time): self = .timedOut("the upstream has not answered within \(time)")
        case .tooSlow: self = .timedOut("the upstream sends too slowly")
        case .unavailable(let reason): self = .unavailable(reason)
        case .invalid(let reason): self = .unavailable("the upstream's answer is wrong: \(reason)")
        case .digestMismatch(let digest): self = .unavailable("what the upstream sent is not \(digest)")
        case .tooLarge(let limit): self = .unavailable("the upstream's manifest is larger than \(limit) bytes")
        case .cancelled: self = .unavailable("the cache is being stopped")
        }
    }
}
