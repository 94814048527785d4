import Synchronization

/// A credential helper gave no credentials and did not say that there are none.
package struct CredentialWarning: Hashable, Sendable, CustomStringConvertible {
    /// The registry whose credentials were looked for.
    package let registry: String
    /// The helper's name as the configuration gives it.
    package let helper: String
    package let reason: CredentialHelper.Reason

    package var description: String {
        let program = "docker-credential-\(QuotedText(helper).unquoted)"
        return switch reason {
        case .notInstalled:
            "\(program) is not installed, so \(registry) is used without a login: install it, or remove it from "
                + "Docker's config.json"
        case .ended(let status):
            "\(program) gave no credentials for \(registry) (\(status)), which is used without a login"
        }
    }
}

/// The warnings of one configuration, each once.
package final class CredentialWarnings: Sendable {
    private let warnings = Mutex<[CredentialWarning]>([])

    /// The warnings so far, in the order in which they came up.
    package var all: [CredentialWarning] { warnings.withLock { $0 } }

    func add(_ warning: CredentialWarning) {
        warnings.withLock { if !$0.contains(warning) { $0.append(warning) } }
    }
}
