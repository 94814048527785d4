import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostTesting
import Synchronization

/// A registry whose every answer a test decides, with a record of what it was asked.
final class RegistryScript: Sendable {
    struct Asked: Hashable, Sendable {
        let method: String
        let path: String
        let query: [String]
        let authorization: String?
        let accept: [String]
        let body: String
    }

    struct Answer: Sendable {
        var status: HTTPResponseStatus = .ok
        var headers: HTTPHeaders = [:]
        var body = ""

        static func status(_ code: Int, _ headers: HTTPHeaders = [:], body: String = "") -> Answer {
            Answer(status: HTTPResponseStatus(statusCode: code), headers: headers, body: body)
        }

        /// A manifest with the headers of a sound registry.
        static func manifest(_ text: String, digest: Digest? = nil) -> Answer {
            Answer(
                headers: [
                    "Content-Type": "application/vnd.oci.image.manifest.v1+json",
                    "Docker-Content-Digest": (digest ?? .sha256(of: text.utf8)).description,
                ],
                body: text
            )
        }
    }

    private let log = Mutex<[Asked]>([])

    var asked: [Asked] { log.withLock { $0 } }

    /// Method and path of each request: `HEAD /v2/x/manifests/1`.
    var lines: [String] { asked.map { "\($0.method) \($0.path)" } }

    func count(of path: String) -> Int { asked.count { $0.path == path } }

    func record(_ request: HTTPTestRequest) async throws -> Asked {
        let body = try await request.collectBody()
        let asked = Asked(
            method: request.method.rawValue,
            path: request.path,
            query: request.query.map { "\($0.name)=\($0.value)" },
            authorization: request.headers.first(name: "authorization"),
            accept: request.headers["accept"],
            body: String(buffer: body)
        )
        log.withLock { $0.append(asked) }
        return asked
    }

    /// What a test works with while the registry runs.
    struct Running {
        let script: RegistryScript
        let server: HTTPTestServer
        let client: RegistryClient

        var registry: String { server.hostAndPort }
        var endpoint: RegistryEndpoint { RegistryEndpoint(registry: registry) }

        func reference(_ rest: String = "x:1") throws -> ImageReference {
            try ImageReference(parsing: "\(registry)/\(rest)")
        }

        func head(_ rest: String = "x:1") async throws(RegistryError) -> ManifestHead {
            guard let reference = try? reference(rest) else { preconditionFailure("\(rest) is a test's own name") }
            return try await client.head(reference, at: endpoint, deadline: .seconds(30))
        }

        func manifest(_ rest: String = "x:1") async throws(RegistryError) -> ManifestDocument {
            guard let reference = try? reference(rest) else { preconditionFailure("\(rest) is a test's own name") }
            return try await client.manifest(reference, at: endpoint, deadline: .seconds(30))
        }
    }

    /// Runs `body` against a registry that answers as `answer` says, given the request and the server's own address.
    static func with(
        credentials: any CredentialSource = NoCredentials(),
        answer: @escaping @Sendable (Asked, String) async throws -> Answer,
        body: (Running) async throws -> Void
    ) async throws {
        let script = RegistryScript()
        try await HTTPTestServer.with { request, responder in
            let asked = try await script.record(request)
            let host = request.headers.first(name: "host") ?? ""
            let answer = try await answer(asked, "http://\(host)")
            try await responder.respond(answer.status, headers: answer.headers, text: answer.body)
        } body: { server in
            try await withClient(credentials: credentials) { client in
                try await body(Running(script: script, server: server, client: client))
            }
        }
    }

    static func withClient(
        credentials: any CredentialSource = NoCredentials(),
        _ body: (RegistryClient) async throws -> Void
    ) async throws {
        let http = RegistryClient.makeHTTPClient()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(RegistryClient(http: http, credentials: credentials)))
        } catch {
            outcome = .failure(error)
        }
        try await http.shutdown()
        try outcome.get()
    }
}

/// Credentials for every registry, and a count of how often they were asked for.
final class FixedCredentials: CredentialSource {
    private let value: Credentials
    private let count = Mutex(0)

    init(_ value: Credentials = .password(username: "me", password: "s3cret")) { self.value = value }

    var lookups: Int { count.withLock { $0 } }

    func credentials(for registry: String) async throws(CredentialError) -> Credentials? {
        count.withLock { $0 += 1 }
        return value
    }

    /// `Basic` of the default credentials.
    static let basic = "Basic " + Data("me:s3cret".utf8).base64EncodedString()
}
