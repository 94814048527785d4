import DockerEngine
package import OCIDistribution

/// Asks for the digest of what a reference names; costs no rate limit.
package protocol ManifestHeads: Sendable {
    func digest(
        of reference: ImageReference,
        at endpoint: RegistryEndpoint,
        deadline: Duration
    ) async throws(RegistryError) -> Digest
}

extension RegistryClient: ManifestHeads {
    package func digest(
        of reference: ImageReference,
        at endpoint: RegistryEndpoint,
        deadline: Duration
    ) async throws(RegistryError) -> Digest {
        try await head(reference, at: endpoint, deadline: deadline).digest
    }
}

/// Finds out what an engine would be told of an image, by asking where the engine would ask.
struct RegistryResolver: Sendable {
    let heads: any ManifestHeads
    let configuration: EngineInfo.RegistryConfiguration?
    /// For all questions about one image.
    let deadline: Duration

    /// Walks the engine's route until an endpoint has the image.
    ///
    /// A refusal is definite only where the registry itself gave it and every mirror before it answered too: a mirror
    /// that only the engine reaches may have the image.
    ///
    /// - Throws: `CancellationError` alone.
    func answer(for reference: ImageReference) async throws -> RegistryAnswer {
        let route = RegistryRoute(to: reference.registry, configuration)
        let clock = ContinuousClock()
        let end = clock.now + deadline
        var isWholeStory = !route.isIncomplete
        var last: RegistryError?
        for (index, stop) in route.stops.enumerated() {
            let left = clock.now.duration(to: end)
            guard left > .zero else { break }
            // What stands before the last stop must leave it some of the time.
            let limit = index == route.stops.count - 1 ? left : left / 2
            switch try await ask(stop, reference, limit) {
            case .success(let found):
                return .found(found.digest, source: found.endpoint.hostAndPort)
            case .failure(let error):
                if index < route.stops.count - 1, !error.failure.isRefusal { isWholeStory = false }
                last = error
            }
        }
        guard let last else {
            return .unknown(reason: "no registry answered in time", kind: .unavailable, retryAfter: nil)
        }
        if isWholeStory, last.isDefinite {
            return .refused(
                PullFailure(
                    image: reference,
                    kind: last.failure.kind,
                    message: last.description,
                    isDefinite: true
                )
            )
        }
        return .unknown(reason: last.description, kind: last.failure.kind, retryAfter: last.retryAfter)
    }

    /// Whether the engine asks others than the registry itself.
    func hasMirrors(for reference: ImageReference) -> Bool {
        RegistryRoute(to: reference.registry, configuration).stops.count > 1
    }

    private func ask(
        _ stop: RegistryRoute.Stop,
        _ reference: ImageReference,
        _ limit: Duration
    ) async throws -> Result<(digest: Digest, endpoint: RegistryEndpoint), RegistryError> {
        let clock = ContinuousClock()
        let end = clock.now + limit
        var first: RegistryError?
        for endpoint in stop.endpoints {
            let left = clock.now.duration(to: end)
            guard left > .zero else { break }
            do {
                return .success((try await heads.digest(of: reference, at: endpoint, deadline: left), endpoint))
            } catch {
                try Task.checkCancellation()
                // Whoever answered in the registry's own words speaks this scheme.
                if !error.failure.mayBeWrongScheme { return .failure(error) }
                first = first ?? error
            }
        }
        let failure = first ?? endpointTimedOut(stop, reference, limit)
        return .failure(failure)
    }

    private func endpointTimedOut(
        _ stop: RegistryRoute.Stop,
        _ reference: ImageReference,
        _ limit: Duration
    ) -> RegistryError {
        RegistryError(
            .timedOut(after: limit),
            endpoint: stop.endpoints.first ?? RegistryEndpoint(registry: reference.registry),
            reference: reference
        )
    }
}

extension RegistryError.Failure {
    /// Whether the registry spoke about the image, and it was no.
    fileprivate var isRefusal: Bool {
        switch self {
        case .notFound, .invalidName, .unauthorized, .forbidden, .noSuchPlatform: true
        default: false
        }
    }

    fileprivate var mayBeWrongScheme: Bool {
        switch self {
        case .unreachable, .unexpected, .invalidResponse: true
        default: false
        }
    }

    fileprivate var kind: PullFailure.Kind {
        switch self {
        case .notFound, .noSuchPlatform: .notFound
        case .invalidName: .badName
        case .unauthorized, .credentials: .unauthorized
        case .forbidden: .forbidden
        case .rateLimited: .rateLimited
        default: .unavailable
        }
    }
}

extension RegistryEndpoint {
    /// The host, with its port where it isn't the scheme's own.
    var hostAndPort: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }
}
