/// What a user proves an account with at a registry. It shows the account, never the secret, however it is printed.
package enum Credentials: Hashable, Sendable {
    /// A user's name with a password or an access token.
    case password(username: String, password: String)
    /// A refresh token, as `docker login` keeps it for registries that issue one.
    case identityToken(String)

    /// The account, where it is known.
    package var username: String? {
        switch self {
        case .password(let username, _): username
        case .identityToken: nil
        }
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        username.map { "credentials of \(QuotedText($0))" } ?? "an identity token"
    }

    package var debugDescription: String { description }

    /// Nothing, so that a dump shows no secret either.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Where credentials come from.
package protocol CredentialSource: Sendable {
    /// The credentials for a registry (``ImageReference/registry``), or `nil` where there are none.
    func credentials(for registry: String) async throws(CredentialError) -> Credentials?
}

/// No credentials for any registry.
package struct NoCredentials: CredentialSource {
    package init() {}

    package func credentials(for registry: String) async throws(CredentialError) -> Credentials? { nil }
}

/// Docker's configuration or a credential helper could not be read. Holds no secret.
package enum CredentialError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file is there but can't be read; the cause is the system's.
    case unreadable(path: String, cause: String)
    /// The file isn't the JSON that Docker writes.
    case malformed(path: String)
    /// The `auth` of a registry isn't a name and a password in base64.
    case malformedAuth(registry: String)
    /// The helper's name could be a path or an option.
    case helperName(String)
    /// The helper did not answer, and is not asked again for this registry.
    case helperTimedOut(helper: String, registry: String, after: Duration)
    /// The helper ended well but printed something else than credentials.
    case helperOutput(helper: String)
    /// The file that the configuration names holds no token; the cause is no secret.
    case tokenFile(path: String, cause: String)
    /// The environment variable that the configuration names is not set, or holds more than a line.
    case tokenVariable(name: String, isSet: Bool)
    case cancelled

    package var description: String {
        switch self {
        case .unreadable(let path, let cause):
            "\(path) can't be read (\(cause)): make it readable for you, or set DOCKER_CONFIG to another folder"
        case .malformed(let path):
            "\(path) is not a Docker configuration: repair it, or remove it and log in again with: docker login"
        case .malformedAuth(let registry):
            "the login kept for \(QuotedText(registry)) is damaged: log in again with: docker login"
        case .helperName(let name):
            "\(QuotedText(name)) is no name of a credential helper: correct credsStore and credHelpers"
        case .helperTimedOut(let helper, let registry, let limit):
            "\(helper) did not give the login of \(QuotedText(registry)) within \(limit.components.seconds) s: check that "
                + "it needs no dialogue, or remove it from Docker's config.json"
        case .helperOutput(let helper):
            "\(helper) printed something else than credentials: check that it is a Docker credential helper"
        case .tokenFile(let path, let cause):
            "no token can be read from \(QuotedText(path)) (\(cause)): correct token_file, or the file"
        case .tokenVariable(let name, let isSet):
            "the environment variable \(QuotedText(name)) \(isSet ? "does not hold one line of text" : "is not set"): "
                + "correct token_env, or the variable"
        case .cancelled:
            "reading the credentials was cancelled"
        }
    }
}
