import Crypto
import Foundation
import Synchronization

/// How an ``InMemoryRegistry`` asks who its clients are.
package enum RegistryAuthentication: Sendable {
    /// Anybody may pull.
    case none
    /// HTTP Basic on every request.
    case basic(users: [String: String])
    /// A token from a realm on the same server, as Docker Hub and most registries want it.
    case token(TokenAuthentication)
}

/// The settings of token authentication.
package struct TokenAuthentication: Sendable {
    /// Which of the answer's two fields carries the token; clients have to understand both.
    package enum Field: String, Sendable {
        case token
        case accessToken = "access_token"
    }

    /// Passwords by user.
    package var users: [String: String]
    /// Whether the realm gives tokens to clients that name no user.
    package var allowsAnonymous: Bool
    /// How long a token is good.
    package var lifetime: Duration
    /// Whether the answer says how long; where it does not, clients have to assume 60 s.
    package var statesLifetime: Bool
    package var field: Field

    package init(
        users: [String: String] = [:],
        allowsAnonymous: Bool = true,
        lifetime: Duration = .seconds(300),
        statesLifetime: Bool = true,
        field: Field = .token
    ) {
        self.users = users
        self.allowsAnonymous = allowsAnonymous
        self.lifetime = lifetime
        self.statesLifetime = statesLifetime
        self.field = field
    }
}

/// The tokens that a registry's realm gave out.
final class TokenBook: Sendable {
    private struct Grant {
        let scopes: Set<String>
        let expiry: ContinuousClock.Instant
    }

    private let grants = Mutex<[String: Grant]>([:])

    func issue(scopes: [String], lifetime: Duration) -> String {
        let random = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        let token = random.base64EncodedString()
        let grant = Grant(scopes: Set(scopes), expiry: .now + lifetime)
        grants.withLock { $0[token] = grant }
        return token
    }

    /// Whether `token` may pull from `repository`; without one, whether it is good at all.
    func allows(_ token: String, repository: String?) -> Bool {
        guard let grant = grants.withLock({ $0[token] }), grant.expiry > .now else { return false }
        guard let repository else { return true }
        return grant.scopes.contains { scope in
            // type:name:actions, where a name may hold colons only in its host.
            let parts = scope.split(separator: ":")
            guard parts.count >= 3, parts[0] == "repository", let actions = parts.last else { return false }
            return parts[1..<(parts.count - 1)].joined(separator: ":") == repository
                && actions.split(separator: ",").contains("pull")
        }
    }

    func revokeAll() { grants.withLock { $0 = [:] } }
}

/// A user and a password as they stand in an `Authorization` header.
struct BasicCredentials {
    let user: String
    let password: String

    init?(header: String?) {
        guard let header, header.lowercased().hasPrefix("basic "),
            let data = Data(base64Encoded: String(header.dropFirst(6))),
            let text = String(data: data, encoding: .utf8), let colon = text.firstIndex(of: ":")
        else { return nil }
        user = String(text[..<colon])
        password = String(text[text.index(after: colon)...])
    }
}
