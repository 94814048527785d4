package import OCIDistribution

/// Asks the configured upstreams, and nobody else: a client of the cache chooses among their names.
///
/// Each upstream has credentials, tokens, a circuit breaker and a memory of its rate limit of its own.
package struct UpstreamClient: UpstreamSource {
    /// How long it may take and how much is borne.
    package struct Limits: Sendable {
        /// Until the size of a blob is known.
        package var size = Duration.seconds(15)
        /// Until a blob's body begins.
        package var opening = Duration.seconds(30)
        package var breaker = CircuitBreaker.Limits()
        package var backoff = Backoff()
        package var leastRate = LeastRate()

        package init() {}
    }

    private struct Upstream: Sendable {
        let ledger: UpstreamLedger
        let client: RegistryClient

        var endpoint: RegistryEndpoint { ledger.configuration.endpoint }
    }

    private let upstreams: [String: Upstream]
    private let limits: Limits
    private let time: RegistryTime
    private let jitter: @Sendable () -> Double

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - configurations: The upstreams; of two with one name the last counts.
    ///   - clients: The HTTP clients, shut down by their maker.
    ///   - environment: The environment variables, for credentials.
    ///   - limits: How long it may take and how much is borne.
    ///   - resolver: Looks hosts up.
    ///   - time: What everything is timed in.
    ///   - jitter: Random numbers from 0 to 1, for the waits between attempts.
    package init(
        _ configurations: [UpstreamConfiguration],
        clients: JudgedDialler.Clients,
        environment: [String: String],
        limits: Limits = Limits(),
        resolver: any HostResolver = SystemResolver(),
        time: RegistryTime = .system,
        jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) }
    ) {
        let logins = DockerLogins(environment: environment)
        var upstreams: [String: Upstream] = [:]
        for configuration in configurations {
            upstreams[configuration.name] = Upstream(
                ledger: UpstreamLedger(configuration, limits: limits.breaker, now: time.now),
                client: RegistryClient(
                    dialler: JudgedDialler(
                        clients: clients,
                        permittedHosts: configuration.permittedHosts,
                        resolver: resolver,
                        time: time
                    ),
                    credentials: LoginSource(configuration.login, environment: environment, docker: logins),
                    time: time
                )
            )
        }
        self.upstreams = upstreams
        self.limits = limits
        self.time = time
        self.jitter = jitter
    }

    /// Makes a client with connections of its own, runs `body`, and closes them.
    ///
    /// - Returns: What the body returns.
    /// - Throws: What the body throws.
    package static func with<Value: Sendable>(
        _ configurations: [UpstreamConfiguration],
        environment: [String: String],
        limits: Limits = Limits(),
        isolation: isolated (any Actor)? = #isolation,
        body: (UpstreamClient) async throws -> Value
    ) async throws -> Value {
        let clients = JudgedDialler.Clients()
        let client = UpstreamClient(configurations, clients: clients, environment: environment, limits: limits)
        let value: Value
        do {
            value = try await body(client)
        } catch {
            await clients.shutDown()
            throw error
        }
        await clients.shutDown()
        return value
    }

    /// How each upstream is, by name.
    package var status: [UpstreamStatus] {
        upstreams.values.map(\.ledger.status).sorted { $0.name < $1.name }
    }

    // MARK: UpstreamSource

    package func head(
        _ name: ManifestName,
        of repository: CachedRepository,
        deadline: Duration
    ) async throws(UpstreamError) -> ManifestHead {
        let upstream = try upstream(of: repository)
        let reference = try Self.reference(repository, name)
        let head = try await ask(upstream, .manifest, deadline) { (remaining) async throws(RegistryError) in
            try await upstream.client.head(reference, at: upstream.endpoint, deadline: remaining)
        }
        upstream.ledger.note(head.rateLimit)
        return head
    }

    package func manifest(
        _ name: ManifestName,
        of repository: CachedRepository,
        deadline: Duration
    ) async throws(UpstreamError) -> ManifestDocument {
        let upstream = try upstream(of: repository)
        let reference = try Self.reference(repository, name)
        let document = try await ask(upstream, .manifest, deadline) { (remaining) async throws(RegistryError) in
            try await upstream.client.manifest(reference, at: upstream.endpoint, deadline: remaining)
        }
        upstream.ledger.note(document.rateLimit)
        upstream.ledger.note(bytes: document.bytes.count)
        return document
    }

    package func size(of blob: Digest, in repository: CachedRepository) async throws(UpstreamError) -> Int64 {
        let upstream = try upstream(of: repository)
        let reference = try Self.reference(repository, .digest(blob))
        let answer = try await ask(upstream, .blob, limits.size) { (remaining) async throws(RegistryError) in
            try await upstream.client.sizeOfBlob(blob, in: reference, at: upstream.endpoint, deadline: remaining)
        }
        upstream.ledger.note(answer.rateLimit)
        return answer.bytes
    }

    package func open(
        _ blob: Digest,
        of repository: CachedRepository,
        range: Range<Int64>?
    ) async throws(UpstreamError) -> UpstreamBody {
        let upstream = try upstream(of: repository)
        let reference = try Self.reference(repository, .digest(blob))
        let opened = try await ask(upstream, .blob, limits.opening) { (remaining) async throws(RegistryError) in
            try await upstream.client.openBlob(
                blob,
                in: reference,
                at: upstream.endpoint,
                range: range,
                deadline: remaining
            )
        }
        upstream.ledger.note(opened.rateLimit)
        let reader = PacedBody(
            opened.body,
            leastRate: limits.leastRate,
            time: time,
            ledger: upstream.ledger,
            reference: reference
        )
        return UpstreamBody(
            totalSize: opened.totalSize,
            start: opened.start,
            end: opened.end,
            chunks: AsyncThrowingStream { try await reader.next() }
        )
    }
}

extension UpstreamClient: CustomStringConvertible, CustomReflectable {
    /// The names alone: what logins come from is nothing to print.
    package var description: String { upstreams.keys.sorted().joined(separator: ", ") }
    package var customMirror: Mirror { Mirror(self, children: ["upstreams": upstreams.keys.sorted()]) }
}

// MARK: - Requests

extension UpstreamClient {
    private func upstream(of repository: CachedRepository) throws(UpstreamError) -> Upstream {
        guard let upstream = upstreams[repository.upstream] else { throw .unknownUpstream(repository.upstream) }
        return upstream
    }

    private static func reference(
        _ repository: CachedRepository,
        _ name: ManifestName
    ) throws(UpstreamError) -> ImageReference {
        let suffix =
            switch name {
            case .tag(let tag): ":\(tag)"
            case .digest(let digest): "@\(digest)"
            }
        do throws(ImageReferenceError) {
            return try ImageReference(parsing: "\(repository)\(suffix)")
        } catch {
            // A tag that is no tag names nothing.
            throw .notFound
        }
    }

    /// Sends a request, again where the upstream failed for a moment, as far as the breaker and the deadline let it.
    private func ask<Value: Sendable>(
        _ upstream: Upstream,
        _ kind: UpstreamLedger.Kind,
        _ deadline: Duration,
        send: (Duration) async throws(RegistryError) -> Value
    ) async throws(UpstreamError) -> Value {
        let ledger = upstream.ledger
        let start = time.now()
        var attempt = 1
        var admission = try ledger.admit(kind)
        while true {
            let error: RegistryError
            do throws(RegistryError) {
                let value = try await send(max(.zero, deadline - (time.now() - start)))
                ledger.report(nil, of: admission, kind: kind)
                return value
            } catch let caught {
                error = caught
            }
            var failure = UpstreamError(error)
            if case .timedOut = failure { failure = .timedOut(after: deadline) }
            ledger.report(failure, of: admission, kind: kind)
            guard case .unavailable = failure,
                let wait = limits.backoff.wait(
                    after: attempt,
                    retryAfter: error.retryAfter,
                    remaining: deadline - (time.now() - start),
                    jitter: jitter()
                )
            else { throw failure }
            do {
                try await time.sleep(wait)
            } catch {
                throw .cancelled
            }
            attempt += 1
            // What was wrong says more than that the breaker has opened over it.
            guard let next = try? ledger.admit(kind) else { throw failure }
            admission = next
        }
    }
}
