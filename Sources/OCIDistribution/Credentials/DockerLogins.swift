import Synchronization

/// The logins of Docker's `config.json`, which is read when a registry first asks for one: a damaged file stops nobody who
/// needs none.
package final class DockerLogins: CredentialSource {
    private let environment: [String: String]
    private let file = Mutex<Result<DockerConfigFile, CredentialError>?>(nil)

    /// - Parameter environment: The environment variables, which name the file; helpers get the same.
    package init(environment: [String: String]) {
        self.environment = environment
    }

    /// What went wrong so far on the way to credentials without being an error.
    package var warnings: [CredentialWarning] {
        guard case .success(let file) = file.withLock({ $0 }) else { return [] }
        return file.warnings.all
    }

    package func credentials(for registry: String) async throws(CredentialError) -> Credentials? {
        try await loaded().credentials(for: registry)
    }

    private func loaded() throws(CredentialError) -> DockerConfigFile {
        let result = file.withLock { file in
            if let file { return file }
            let read = Result { () throws(CredentialError) in try DockerConfigFile.load(environment: environment) }
            file = read
            return read
        }
        return try result.get()
    }
}
