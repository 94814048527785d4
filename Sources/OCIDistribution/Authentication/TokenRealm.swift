/// A token service that a registry names in its challenge, and what may be sent to it.
struct TokenRealm: Hashable, Sendable {
    enum Judgement: Hashable, Sendable {
        /// It may be asked, with the user's credentials.
        case credentials
        /// It may be asked for an anonymous token only.
        case anonymous(RegistryError.CredentialUse)
        /// It may not be asked at all, for this reason.
        case refused(String)
    }

    let address: WebAddress
    let service: String?

    /// Token services on another site than their registry that are known to be its own.
    static let knownPairs: [String: Set<String>] = [ImageReference.dockerHub: ["auth.docker.io"]]

    /// The realm of a `Bearer` challenge, or `nil` where the challenge names none that can be asked.
    init?(_ challenge: AuthenticationChallenge) {
        guard challenge.scheme == "bearer", let realm = challenge.parameters["realm"],
            let address = WebAddress(parsing: realm)
        else { return nil }
        self.address = address
        self.service = challenge.parameters["service"]
    }

    /// Decides what the realm may get. A registry is not trusted with where the user's credentials go: only its own
    /// site gets them, and only over TLS or on this machine (google/go-containerregistry, pull request 2193).
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint that named the realm.
    ///   - registry: The registry whose credentials they would be.
    ///   - pairs: By registry, the hosts of token services that are its own all the same.
    /// - Returns: The judgement, with its reason where something is withheld.
    func judge(
        for endpoint: RegistryEndpoint,
        registry: String,
        pairs: [String: Set<String>] = knownPairs
    ) -> Judgement {
        let endpointIsLocal = Site.isLoopback(endpoint.host)
        if address.isLoopback, !endpointIsLocal {
            return .refused("it names a token service on this machine")
        }
        if !address.isSecure, !address.isLoopback {
            guard endpoint.scheme == .http else { return .refused("it names a token service without encryption") }
            return .anonymous(.withheldOverPlainHTTP)
        }
        let isOwn = Site.isSame(address.host, endpoint.host) || pairs[registry, default: []].contains(address.host)
        guard isOwn, !endpoint.isMirror else { return .anonymous(.withheld(from: address.host)) }
        return .credentials
    }
}
