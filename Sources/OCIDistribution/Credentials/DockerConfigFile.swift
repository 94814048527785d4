#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Docker's `config.json`: who is logged in where.
///
/// Read once and kept. A missing file is an empty one.
package struct DockerConfigFile: Sendable {
    /// Where the file is, whether or not it exists.
    package let path: String
    /// What went wrong on the way to credentials without being an error, such as a helper that isn't installed.
    package let warnings: CredentialWarnings

    private let auths: [String: Login]
    private let credentialStore: String?
    private let helpers: [String: String]
    private let runner: CredentialHelper

    /// The credential helpers that the file names, without their prefix `docker-credential-`, each once.
    package var helperNames: [String] {
        Set(helpers.values.filter { !$0.isEmpty } + (credentialStore.map { [$0] } ?? [])).sorted()
    }

    /// The largest file that is read, in bytes.
    private static let largestSize = 4 << 20

    /// Reads the file of the folder `DOCKER_CONFIG`, else of `~/.docker`.
    ///
    /// - Parameter environment: The environment variables; helpers get the same.
    /// - Returns: The configuration, empty where there is no file.
    /// - Throws: ``CredentialError/unreadable(path:cause:)`` and ``CredentialError/malformed(path:)``.
    package static func load(environment: [String: String]) throws(CredentialError) -> DockerConfigFile {
        let path = path(environment)
        guard let data = try read(path) else {
            return DockerConfigFile(path: path, content: .init(), environment: environment)
        }
        return try DockerConfigFile(parsing: data, path: path, environment: environment)
    }

    /// Reads which context `docker context use` chose. What the file says of logins does not matter to it.
    ///
    /// - Parameter environment: The environment variables.
    /// - Returns: The context's name; `nil` where none was chosen.
    /// - Throws: ``CredentialError/unreadable(path:cause:)`` and ``CredentialError/malformed(path:)``.
    package static func currentContext(environment: [String: String]) throws(CredentialError) -> String? {
        struct Content: Decodable { let currentContext: String? }
        let path = path(environment)
        guard let data = try read(path) else { return nil }
        let context = try decode(Content.self, from: data, path: path).currentContext
        return context.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Docker's configuration folder: `DOCKER_CONFIG`, else `~/.docker`.
    package static func folder(environment: [String: String]) -> String {
        if let named = environment["DOCKER_CONFIG"], !named.isEmpty { return named }
        let home =
            environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? FileManager.default.homeDirectoryForCurrentUser.path
        return home + "/.docker"
    }

    private static func path(_ environment: [String: String]) -> String {
        folder(environment: environment) + "/config.json"
    }

    /// - Returns: The file's content, or `nil` where there is no file.
    private static func read(_ path: String) throws(CredentialError) -> Data? {
        do {
            return try Data(contentsOf: URL(filePath: path))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        } catch let error as CocoaError where error.code == .fileReadNoPermission {
            throw .unreadable(path: path, cause: "permission denied")
        } catch {
            throw .unreadable(path: path, cause: QuotedText(String(describing: error)).unquoted)
        }
    }

    private static func decode<Content: Decodable>(
        _ type: Content.Type,
        from data: Data,
        path: String
    ) throws(CredentialError) -> Content {
        guard data.count <= largestSize else { throw .malformed(path: path) }
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw .malformed(path: path)
        }
    }

    /// Reads the content of a `config.json`.
    init(
        parsing data: Data,
        path: String,
        environment: [String: String] = [:]
    ) throws(CredentialError) {
        let content = try Self.decode(Content.self, from: data, path: path)
        self.init(path: path, content: content, environment: environment)
    }

    private init(path: String, content: Content, environment: [String: String]) {
        self.path = path
        auths = content.auths ?? [:]
        credentialStore = content.credsStore.flatMap { $0.isEmpty ? nil : $0 }
        helpers = content.credHelpers ?? [:]
        warnings = CredentialWarnings()
        runner = CredentialHelper(environment: environment)
    }
}

// MARK: - Credentials

extension DockerConfigFile: CredentialSource {
    /// The credentials for a registry, found as the Docker CLI finds them: by the registry's own helper, by the
    /// common store, else in the file itself.
    ///
    /// A helper that fails or is missing gives none and leaves a warning: public images need no login.
    package func credentials(for registry: String) async throws(CredentialError) -> Credentials? {
        let keys = Self.keys(for: registry)
        if let helper = keys.lazy.compactMap({ helpers[$0] }).first ?? credentialStore {
            switch try await runner.get(registry: registry, server: keys[0], helper: helper) {
            case .found(let credentials): return credentials
            case .none: break
            case .failed(let why):
                warnings.add(CredentialWarning(registry: registry, helper: helper, reason: why))
            }
        }
        if let login = keys.lazy.compactMap({ auths[$0] }).first {
            return try login.credentials(registry: registry)
        }
        // Older entries are whole URLs; a host may stand for them, and the other way round.
        let match = auths.keys.sorted().first { keys.contains(Self.host(of: $0)) }
        return try match.flatMap { auths[$0] }?.credentials(registry: registry)
    }

    /// The keys under which Docker keeps a registry's login, the one it writes first.
    private static func keys(for registry: String) -> [String] {
        registry == ImageReference.dockerHub
            ? ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"] : [registry]
    }

    private static func host(of key: String) -> String {
        var rest = key[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        return String(rest.prefix { $0 != "/" })
    }
}

// MARK: - The file's form

extension DockerConfigFile {
    private struct Content: Decodable {
        var auths: [String: Login]?
        var credsStore: String?
        var credHelpers: [String: String]?
    }

    private struct Login: Decodable {
        let auth: String?
        let username: String?
        let password: String?
        let identitytoken: String?

        func credentials(registry: String) throws(CredentialError) -> Credentials? {
            if let identitytoken, !identitytoken.isEmpty { return .identityToken(identitytoken) }
            if let auth, !auth.isEmpty {
                // `docker login` once padded the pair with NULs, and still strips them.
                guard let data = Data(base64Encoded: auth), let pair = String(validating: data, as: UTF8.self),
                    let colon = pair.firstIndex(of: ":")
                else { throw .malformedAuth(registry: registry) }
                let password = pair[pair.index(after: colon)...]
                return .password(
                    username: String(pair[..<colon]),
                    password: String(password.prefix { $0 != "\0" })
                )
            }
            if let username, let password, !username.isEmpty {
                return .password(username: username, password: password)
            }
            return nil
        }
    }
}
