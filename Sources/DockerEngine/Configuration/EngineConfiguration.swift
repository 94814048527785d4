import Foundation
import OCIDistribution

/// Which engine to use, as Docker's own client decides it.
///
/// `DOCKER_HOST` wins over `DOCKER_CONTEXT`, which wins over the current context of `config.json`; without any of them it
/// is the default socket ([Docker contexts](https://docs.docker.com/engine/manage-resources/contexts/)).
package struct EngineConfiguration: Sendable {
    package let endpoint: EngineEndpoint
    /// Where the choice comes from, for messages: `DOCKER_HOST`, `context 'remote'`, `default socket`.
    package let source: String
    package let requestedVersion: APIVersion?
    /// `DOCKER_DEFAULT_PLATFORM`, such as `linux/arm64`.
    package let platform: String?

    /// Reads the environment and Docker's configuration folder.
    ///
    /// - Parameters:
    ///   - environment: The process's environment.
    ///   - host: An address given on the command line, which wins over all else.
    /// - Throws: ``EngineError/badAddress(_:reason:)`` and ``EngineError/badConfiguration(_:)``.
    package init(environment: [String: String], host: String? = nil) throws(EngineError) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let text = value("DOCKER_API_VERSION") {
            guard let version = APIVersion(parsing: text) else {
                throw .badConfiguration("DOCKER_API_VERSION is '\(text)'; it should be a version such as 1.41")
            }
            requestedVersion = version
        } else {
            requestedVersion = nil
        }
        platform = value("DOCKER_DEFAULT_PLATFORM")
        let folder = DockerFolder(path: DockerConfigFile.folder(environment: environment))
        if let address = host ?? value("DOCKER_HOST") {
            endpoint = try EngineEndpoint(parsing: address, tls: folder.tls(environment))
            source = host == nil ? "DOCKER_HOST" : "--host"
            return
        }
        let context: String?
        if let named = value("DOCKER_CONTEXT") {
            context = named
        } else {
            do throws(CredentialError) {
                context = try DockerConfigFile.currentContext(environment: environment)
            } catch {
                throw .badConfiguration("which engine to use can't be told: \(error)")
            }
        }
        guard let context, context != "default" else {
            endpoint = .defaultSocket
            source = "default socket"
            return
        }
        endpoint = try folder.endpoint(ofContext: context)
        source = "context '\(context)'"
    }
}

/// What Docker's configuration folder says of engines.
private struct DockerFolder {
    let path: String

    /// The certificates that `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` ask for.
    ///
    /// Docker's client takes any value of `DOCKER_TLS_VERIFY` but the empty one as true.
    func tls(_ environment: [String: String]) -> EngineTLS? {
        let verifies = environment["DOCKER_TLS_VERIFY"].map { !$0.isEmpty } ?? false
        let folder = environment["DOCKER_CERT_PATH"].flatMap { $0.isEmpty ? nil : $0 }
        guard verifies || folder != nil else { return nil }
        return EngineTLS(certificateFolder: folder ?? path, verifiesEngine: verifies)
    }

    /// Reads `contexts/meta/<SHA-256 of the name>/meta.json`.
    func endpoint(ofContext name: String) throws(EngineError) -> EngineEndpoint {
        struct Metadata: Decodable {
            struct Endpoint: Decodable {
                let host: String?
                let skipTLSVerify: Bool?
                enum CodingKeys: String, CodingKey {
                    case host = "Host"
                    case skipTLSVerify = "SkipTLSVerify"
                }
            }
            let endpoints: [String: Endpoint]
            enum CodingKeys: String, CodingKey { case endpoints = "Endpoints" }
        }
        let key = Digest.sha256(of: Array(name.utf8)).hex
        let file = "\(path)/contexts/meta/\(key)/meta.json"
        guard let data = FileManager.default.contents(atPath: file) else {
            throw .badConfiguration("there is no Docker context '\(name)'; 'docker context ls' lists those there are")
        }
        let metadata: Metadata
        do {
            metadata = try JSONDecoder().decode(Metadata.self, from: data)
        } catch {
            throw .badConfiguration("the Docker context '\(name)' can't be read: \(DecodingDetail.describe(error))")
        }
        guard let endpoint = metadata.endpoints["docker"], let host = endpoint.host, !host.isEmpty else {
            throw .badConfiguration("the Docker context '\(name)' names no Docker engine")
        }
        let certificates = "\(path)/contexts/tls/\(key)/docker"
        let usesTLS = FileManager.default.fileExists(atPath: certificates)
        return try EngineEndpoint(
            parsing: host,
            tls: usesTLS
                ? EngineTLS(certificateFolder: certificates, verifiesEngine: !(endpoint.skipTLSVerify ?? false)) : nil
        )
    }
}
