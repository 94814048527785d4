import NIOHTTP1
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Gets the authorization that a registry asks for, and keeps it: tokens for their lifetime, credentials for minutes.
final class Authenticator: Sendable {
    typealias Failure = RegistryError.Failure
    typealias CredentialUse = RegistryError.CredentialUse

    /// What a request is for.
    struct Scope: Hashable, Sendable {
        let endpoint: RegistryEndpoint
        let registry: String
        let repository: String
    }

    /// A value for `Authorization`.
    struct Grant: Hashable, Sendable {
        let header: String
        let credentials: CredentialUse
    }

    /// Everything that a token depends on. The endpoint is part of it: a registry that names another's token service
    /// must not be handed the token that was issued for that other one.
    private struct TokenKey: Hashable, Sendable {
        let scope: Scope
        let realm: TokenRealm
    }

    /// How an endpoint was found to authenticate, so that the next request needs no 401.
    private enum Method: Hashable, Sendable {
        case bearer(TokenRealm)
        case basic
    }

    private let transport: RegistryTransport
    private let source: any CredentialSource
    private let methods = Mutex<[RegistryEndpoint: Method]>([:])
    private let tokens: SharedFetch<TokenKey, Grant>
    private let credentials: SharedFetch<String, Credentials?>

    /// How long credentials are kept: a helper takes a process each time, and a new login should soon be seen.
    private static let credentialLifetime = Duration.seconds(60)

    init(
        transport: RegistryTransport,
        source: any CredentialSource,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.transport = transport
        self.source = source
        tokens = SharedFetch(now: now)
        credentials = SharedFetch(now: now)
    }

    /// The authorization to send at once, as far as the endpoint's method is known.
    func remembered(for scope: Scope) async throws(Failure) -> Grant? {
        guard let method = methods.withLock({ $0[scope.endpoint] }) else { return nil }
        do {
            return try await grant(method, for: scope)
        } catch {
            // What the endpoint asked for once may have changed; the next call begins with its own word again.
            _ = methods.withLock { $0.removeValue(forKey: scope.endpoint) }
            throw error
        }
    }

    /// The authorization that answers the challenges of a 401, other than the one that was refused.
    ///
    /// - Parameters:
    ///   - headers: The headers of the 401.
    ///   - refused: What had been sent.
    ///   - scope: What the request was for.
    /// - Returns: The authorization to send with the one retry.
    /// - Throws: `unauthorized` where there is nothing to answer with.
    func answer(
        to headers: HTTPHeaders,
        refused: Grant?,
        for scope: Scope
    ) async throws(Failure) -> Grant {
        let challenges = AuthenticationChallenge.parse(headers)
        let method: Method
        if let realm = challenges.lazy.compactMap(TokenRealm.init).first {
            method = .bearer(realm)
        } else if challenges.contains(where: { $0.scheme == "basic" }) {
            method = .basic
        } else {
            throw .invalidResponse("it asks for a login of a kind that is not known")
        }
        if let refused {
            if case .bearer(let realm) = method {
                tokens.discard(TokenKey(scope: scope, realm: realm)) { $0 == refused }
            }
            credentials.discard(scope.registry)
        }
        let grant = try await grant(method, for: scope)
        methods.withLock { $0[scope.endpoint] = method }
        return grant
    }

    private func grant(_ method: Method, for scope: Scope) async throws(Failure) -> Grant {
        switch method {
        case .bearer(let realm):
            try await tokens.value(for: TokenKey(scope: scope, realm: realm)) { () async throws(Failure) in
                try await self.fetchToken(from: realm, for: scope)
            }
        case .basic:
            try await basic(for: scope)
        }
    }

    private func basic(for scope: Scope) async throws(Failure) -> Grant {
        guard !scope.endpoint.isMirror, let known = try await knownCredentials(for: scope.registry) else {
            throw .unauthorized(.absent)
        }
        guard scope.endpoint.protectsSecrets else { throw .unauthorized(.withheldOverPlainHTTP) }
        guard let header = known.basicHeader else { throw .unauthorized(.refused) }
        return Grant(header: header, credentials: .refused)
    }

    private func knownCredentials(for registry: String) async throws(Failure) -> Credentials? {
        try await credentials.value(for: registry) { () async throws(Failure) in
            do throws(CredentialError) {
                return (try await self.source.credentials(for: registry), Self.credentialLifetime)
            } catch {
                if error == .cancelled { throw .cancelled }
                throw .credentials(cause: error)
            }
        }
    }

    // MARK: Tokens (distribution/distribution, "Token Authentication Specification")

    private func fetchToken(
        from realm: TokenRealm,
        for scope: Scope
    ) async throws(Failure) -> (value: Grant, lifetime: Duration) {
        var credentials: Credentials?
        var use = CredentialUse.absent
        switch realm.judge(for: scope.endpoint, registry: scope.registry) {
        case .refused(let reason): throw .invalidResponse(reason)
        case .anonymous(let withheld):
            if !scope.endpoint.isMirror, try await knownCredentials(for: scope.registry) != nil { use = withheld }
        case .credentials:
            credentials = try await knownCredentials(for: scope.registry)
            if credentials != nil { use = .refused }
        }
        let request = Self.request(to: realm, repository: scope.repository, credentials: credentials)
        let response = try await transport.send(request)
        switch response.status {
        case 200: break
        case 401: throw .unauthorized(use)
        case 403, 429, 500...: throw Failure(response)
        default: throw .invalidResponse("its token service answers with status \(response.status)")
        }
        guard let answer = TokenAnswer(response.body) else {
            throw .invalidResponse("its token service gives no token")
        }
        return (Grant(header: "Bearer \(answer.token)", credentials: use), answer.usableFor)
    }

    /// The scope is this client's own and never the challenge's: a registry can't ask for more than it needs.
    private static func request(
        to realm: TokenRealm,
        repository: String,
        credentials: Credentials?
    ) -> RegistryTransport.Request {
        var fields = realm.service.map { [("service", $0)] } ?? []
        fields.append(("scope", "repository:\(repository):pull"))
        if case .identityToken(let token) = credentials {
            fields += [("client_id", "roost"), ("grant_type", "refresh_token"), ("refresh_token", token)]
            return .init(
                method: .POST,
                address: realm.address,
                form: WebAddress.formEncode(fields),
                limit: TokenAnswer.largestSize
            )
        }
        return .init(
            address: realm.address.adding(query: fields),
            authorization: credentials?.basicHeader,
            limit: TokenAnswer.largestSize
        )
    }
}

extension Credentials {
    /// The value of `Authorization` for Basic (RFC 7617); `nil` for an identity token, which has no such form.
    var basicHeader: String? {
        guard case .password(let username, let password) = self else { return nil }
        return "Basic " + Data("\(username):\(password)".utf8).base64EncodedString()
    }
}
