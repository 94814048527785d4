package import AsyncHTTPClient
import NIOHTTP1

/// Asks registries for manifests (OCI distribution specification), with token and Basic authentication.
///
/// Every call has a deadline, and cancelling its task ends the request. Tokens are shared by all calls of one client,
/// so a program has one.
package struct RegistryClient: Sendable {
    package typealias Failure = RegistryError.Failure

    let transport: RegistryTransport
    private let authenticator: Authenticator
    private let time: RegistryTime

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - http: The HTTP client, made by ``makeHTTPClient(eventLoopGroup:)`` and shut down by its maker.
    ///   - credentials: Where credentials come from.
    package init(http: HTTPClient, credentials: any CredentialSource = NoCredentials()) {
        self.init(dialler: OpenDialler(http: http), credentials: credentials)
    }

    /// Makes a client that asks before each request with which HTTP client its host may be talked to.
    ///
    /// - Parameters:
    ///   - dialler: Who is asked.
    ///   - credentials: Where credentials come from.
    ///   - time: What deadlines and the lifetimes of tokens are counted in.
    package init(
        dialler: any RegistryDialler,
        credentials: any CredentialSource = NoCredentials(),
        time: RegistryTime = .system
    ) {
        transport = RegistryTransport(dialler: dialler)
        authenticator = Authenticator(transport: transport, source: credentials, now: time.now)
        self.time = time
    }

    /// The digest of what `reference` names, by HEAD, which Docker Hub doesn't count against its rate limit.
    ///
    /// Where the registry's answer lacks the digest, or the registry knows no HEAD, the manifest is fetched and hashed.
    ///
    /// - Parameters:
    ///   - reference: The image; its digest is asked for where it has one, else its tag.
    ///   - endpoint: Where to ask.
    ///   - deadline: How long it may take in all.
    /// - Returns: The manifest's digest, type and size.
    /// - Throws: ``RegistryError``.
    package func head(
        _ reference: ImageReference,
        at endpoint: RegistryEndpoint,
        deadline: Duration = .seconds(15)
    ) async throws(RegistryError) -> ManifestHead {
        try await call(reference, at: endpoint, deadline: deadline) { () async throws(Failure) in
            try await self.head(reference, endpoint)
        }
    }

    /// The manifest that `reference` names. Docker Hub counts this against its rate limit.
    ///
    /// - Parameters:
    ///   - reference: The image; its digest is asked for where it has one, else its tag.
    ///   - endpoint: Where to ask.
    ///   - deadline: How long it may take in all.
    /// - Returns: The manifest, its bytes checked against the digest asked for and the one answered.
    /// - Throws: ``RegistryError``.
    package func manifest(
        _ reference: ImageReference,
        at endpoint: RegistryEndpoint,
        deadline: Duration = .seconds(15)
    ) async throws(RegistryError) -> ManifestDocument {
        try await call(reference, at: endpoint, deadline: deadline) { () async throws(Failure) in
            try await self.document(reference, endpoint)
        }
    }

    /// The image that `reference` means on `platform`, through an index where there is one.
    ///
    /// - Parameters:
    ///   - reference: The image.
    ///   - platform: What it is to run on.
    ///   - endpoint: Where to ask.
    ///   - deadline: How long it may take in all.
    /// - Returns: The image's manifest and what led to it.
    /// - Throws: ``RegistryError``; `noSuchPlatform` where an index has nothing that runs on `platform`.
    package func image(
        _ reference: ImageReference,
        for platform: Platform,
        at endpoint: RegistryEndpoint,
        deadline: Duration = .seconds(15)
    ) async throws(RegistryError) -> ResolvedImage {
        try await call(reference, at: endpoint, deadline: deadline) { () async throws(Failure) in
            let root = try await self.document(reference, endpoint)
            var document = root
            for _ in 0...Manifest.deepestIndex {
                switch try Self.parse(document) {
                case .image(let manifest):
                    return ResolvedImage(root: root, digest: document.digest, manifest: manifest)
                case .index(let index):
                    guard let entry = index.manifest(for: platform) else { throw .noSuchPlatform(platform) }
                    document = try await self.document(reference.with(digest: entry.digest), endpoint)
                }
            }
            throw .invalidResponse("its indexes lead to indexes without end")
        }
    }
}

// MARK: - Manifests

extension RegistryClient {
    private func head(_ reference: ImageReference, _ endpoint: RegistryEndpoint) async throws(Failure) -> ManifestHead {
        let response = try await exchange(.HEAD, reference, endpoint)
        switch response.status {
        case 200:
            guard let digest = try Self.digest(in: response, asked: reference.digest) else { break }
            return ManifestHead(
                digest: digest,
                mediaType: Self.mediaType(of: response),
                size: response.headers.first(name: "content-length").flatMap(Int64.init).flatMap { $0 >= 0 ? $0 : nil },
                rateLimit: RateLimit(headers: response.headers)
            )
        // No HEAD here, or a refusal whose reason only a GET's body tells.
        case 400, 405, 501: break
        default: throw Failure(response)
        }
        let document = try await document(reference, endpoint)
        return ManifestHead(
            digest: document.digest,
            mediaType: document.mediaType,
            size: Int64(document.bytes.count),
            rateLimit: document.rateLimit
        )
    }

    private func document(
        _ reference: ImageReference,
        _ endpoint: RegistryEndpoint
    ) async throws(Failure) -> ManifestDocument {
        let response = try await exchange(.GET, reference, endpoint)
        guard response.status == 200 else { throw Failure(response) }
        let named = try Self.digest(in: response, asked: reference.digest)
        if let expected = reference.digest ?? named {
            let actual = Digest(of: response.body, by: expected.algorithm)
            guard actual == expected else { throw .digestMismatch(expected: expected, actual: actual) }
        }
        let document = ManifestDocument(
            bytes: response.body,
            mediaType: Self.mediaType(of: response),
            digest: reference.digest ?? named ?? .sha256(of: response.body),
            rateLimit: RateLimit(headers: response.headers)
        )
        // A login page of a network, for one, answers 200 to everything.
        do {
            _ = try document.manifest()
        } catch ManifestError.unsupported {
            // Docker's schema 1 is for the engine to judge.
        } catch {
            throw .invalidManifest(error)
        }
        return document
    }

    private static func parse(_ document: ManifestDocument) throws(Failure) -> Manifest {
        do throws(ManifestError) {
            return try document.manifest()
        } catch {
            throw .invalidManifest(error)
        }
    }

    /// The digest that a response names, which must be the one asked for.
    private static func digest(
        in response: RegistryTransport.Response,
        asked: Digest?
    ) throws(Failure) -> Digest? {
        guard let text = response.headers.first(name: "docker-content-digest") else { return nil }
        let digest: Digest
        do {
            digest = try Digest(parsing: text)
        } catch {
            throw .invalidResponse("its header Docker-Content-Digest is wrong: \(error)")
        }
        if let asked, asked.algorithm == digest.algorithm, asked != digest {
            throw .digestMismatch(expected: asked, actual: digest)
        }
        return asked ?? digest
    }

    private static func mediaType(of response: RegistryTransport.Response) -> MediaType {
        MediaType(response.headers.first(name: "content-type") ?? "application/octet-stream")
    }
}

// MARK: - Requests

extension RegistryClient {
    private func exchange(
        _ method: HTTPMethod,
        _ reference: ImageReference,
        _ endpoint: RegistryEndpoint
    ) async throws(Failure) -> RegistryTransport.Response {
        let name = reference.digest?.description ?? reference.tag ?? "latest"
        let request = RegistryTransport.Request(
            method: method,
            address: endpoint.address("/v2/\(reference.repository)/manifests/\(name)"),
            headers: ["Accept": MediaType.manifests.map(\.description).joined(separator: ", ")],
            limit: Manifest.largestSize
        )
        return try await authorized(request, reference, endpoint) { (request) async throws(Failure) in
            try await transport.send(request)
        }
    }

    /// Sends a request with the authorization that is known, and once more with the one that a 401 asks for.
    func authorized<Answer: RegistryAnswer>(
        _ request: RegistryTransport.Request,
        _ reference: ImageReference,
        _ endpoint: RegistryEndpoint,
        send: (RegistryTransport.Request) async throws(Failure) -> Answer
    ) async throws(Failure) -> Answer {
        let scope = Authenticator.Scope(
            endpoint: endpoint,
            registry: reference.registry,
            repository: reference.repository
        )
        var request = request
        var grant = try await authenticator.remembered(for: scope)
        request.authorization = grant?.header
        var response = try await send(request)
        guard response.status == 401 else { return response }
        try Self.refuseForeignChallenge(response)

        grant = try await authenticator.answer(to: response.headers, refused: grant, for: scope)
        request.authorization = grant?.header
        response = try await send(request)
        guard response.status == 401 else { return response }
        try Self.refuseForeignChallenge(response)
        throw .unauthorized(grant?.credentials ?? .absent)
    }

    /// A host that a redirect led to gets no credentials, so its wish for them is no answer about the image.
    private static func refuseForeignChallenge(_ response: some RegistryAnswer) throws(Failure) {
        if let host = response.redirectedTo {
            throw .invalidResponse("it redirects to \(QuotedText(host)), which wants a login of its own")
        }
    }

    /// Runs `body` against the clock, and says where its failure came from.
    func call<Value: Sendable>(
        _ reference: ImageReference,
        at endpoint: RegistryEndpoint,
        deadline: Duration,
        body: @escaping @Sendable () async throws(Failure) -> Value
    ) async throws(RegistryError) -> Value {
        let outcome = await withTaskGroup(of: Result<Value, Failure>.self) { group in
            group.addTask {
                do throws(Failure) {
                    return .success(try await body())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask { [time] in
                do {
                    try await time.sleep(deadline)
                    return .failure(.timedOut(after: deadline))
                } catch {
                    return .failure(.cancelled)
                }
            }
            let first = await group.next() ?? .failure(.cancelled)
            group.cancelAll()
            return first
        }
        do {
            return try outcome.get()
        } catch {
            throw RegistryError(error, endpoint: endpoint, reference: reference)
        }
    }
}
