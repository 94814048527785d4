import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Logging in to an upstream")
struct UpstreamLoginTests {
    static let secret = "s3cr3t-of-the-upstream"
    static let login = UpstreamLogin.variable(username: "robot", name: "QUAY_TOKEN")

    private func withRegistry(
        _ authentication: RegistryAuthentication,
        login: UpstreamLogin = Self.login,
        environment: [String: String] = ["QUAY_TOKEN": Self.secret],
        _ body: (UpstreamHarness, InMemoryRegistry) async throws -> Void
    ) async throws {
        try await InMemoryRegistry.with(authentication: authentication) { registry in
            TestContent.fill(registry)
            try await UpstreamHarness.with(url: registry.url, login: login, environment: environment) {
                try await body($0, registry)
            }
        }
    }

    private static let token = RegistryAuthentication.token(
        TokenAuthentication(users: ["robot": secret], allowsAnonymous: false)
    )

    @Test("a token is fetched once for a repository, by whoever asks, and blobs come with it")
    func token() async throws {
        try await withRegistry(Self.token) { upstream, registry in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<5 { group.addTask { _ = try await upstream.read(TestContent.digest) } }
                try await group.waitForAll()
            }
            _ = try await upstream.head()
            #expect(registry.log.requests(pathSuffix: "/token").count == 1)
        }
    }

    @Test("a token that the upstream no longer takes is fetched again, once")
    func renewed() async throws {
        try await withRegistry(Self.token) { upstream, registry in
            _ = try await upstream.head()
            registry.revokeTokens()
            let (_, bytes) = try await upstream.read(TestContent.digest)
            #expect(bytes.count == TestContent.blob.readableBytes)
            #expect(registry.log.requests(pathSuffix: "/token").count == 2)
        }
    }

    @Test("an upstream that goes on refusing is not asked for ever")
    func refused() async throws {
        let asked = Shared(0)
        try await HTTPTestServer.with { request, responder in
            asked.update { $0 += 1 }
            if request.path == "/token" { return try await responder.respond(.ok, text: #"{"token":"t"}"#) }
            let host = request.headers.first(name: "host") ?? ""
            try await responder.respond(
                .unauthorized,
                headers: ["WWW-Authenticate": #"Bearer realm="http://\#(host)/token",service="x""#]
            )
        } body: { server in
            try await UpstreamHarness.with(url: server.url) { upstream in
                let repository = try upstream.repository()
                let error = await upstreamError {
                    try await upstream.client.open(TestContent.digest, of: repository, range: nil)
                }
                guard case .unauthorized = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(error?.isAnswer == true)
                #expect(asked.value == 3)
            }
        }
    }

    @Test("Basic is answered, with a token from a file that is read anew when it has aged")
    func basicFromFile() async throws {
        try await TemporaryDirectory.with { folder in
            let path = folder.path + "/token"
            try Data("wrong\n".utf8).write(to: URL(filePath: path))
            try await withRegistry(
                .basic(users: ["robot": Self.secret]),
                login: .file(username: "robot", path: path)
            ) { upstream, _ in
                let error = await upstreamError { try await upstream.head() }
                guard case .unauthorized = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                try Data("\(Self.secret)\n".utf8).write(to: URL(filePath: path))
                upstream.time.advance(by: .seconds(61))
                _ = try await upstream.head()
                _ = try await upstream.read(TestContent.digest)
            }
        }
    }

    @Test("the login that Docker has kept is used where nothing else is configured")
    func dockerConfig() async throws {
        try await TemporaryDirectory.with { folder in
            let auth = Data("robot:\(Self.secret)".utf8).base64EncodedString()
            try Data(#"{"auths":{"quay.io":{"auth":"\#(auth)"}}}"#.utf8)
                .write(to: URL(filePath: folder.path + "/config.json"))
            try await withRegistry(
                Self.token,
                login: .dockerConfig,
                environment: ["DOCKER_CONFIG": folder.path]
            ) { upstream, _ in
                _ = try await upstream.head()
            }
            try await withRegistry(Self.token, login: .anonymous, environment: ["DOCKER_CONFIG": folder.path]) {
                upstream,
                _ in
                guard case .unauthorized = await upstreamError({ try await upstream.head() }) else {
                    Issue.record("an upstream that is to be anonymous got a login")
                    return
                }
            }
        }
    }

    @Test("a redirect to another host takes no secret along")
    func redirect() async throws {
        let seen = Shared<[String?]>([])
        try await HTTPTestServer.with { request, responder in
            seen.update { $0.append(request.headers.first(name: "authorization")) }
            try await responder.respond(.ok, body: TestContent.blob)
        } body: { storage in
            try await HTTPTestServer.with { request, responder in
                guard request.headers.contains(name: "authorization") else {
                    return try await responder.respond(.unauthorized, headers: ["WWW-Authenticate": "Basic realm=x"])
                }
                try await responder.respond(.temporaryRedirect, headers: ["Location": "\(storage.url)/blob?sig=x"])
            } body: { server in
                try await UpstreamHarness.with(
                    url: server.url,
                    login: Self.login,
                    environment: ["QUAY_TOKEN": Self.secret]
                ) { upstream in
                    let (_, bytes) = try await upstream.read(TestContent.digest)
                    #expect(bytes.count == TestContent.blob.readableBytes)
                    #expect(seen.value == [nil])
                }
            }
        }
    }

    @Test("a storage that refuses what it was led to with says nothing of the user's rights")
    func storageRefuses() async throws {
        try await HTTPTestServer.with { request, responder in
            if request.path == "/storage" { return try await responder.respond(.forbidden, text: "expired") }
            // The same server by another name, which is another host.
            let port = request.headers.first(name: "host")?.split(separator: ":").last ?? ""
            try await responder.respond(
                .temporaryRedirect,
                headers: ["Location": "http://localhost:\(port)/storage"]
            )
        } body: { server in
            try await UpstreamHarness.with(
                url: server.url,
                permittedHosts: ["127.0.0.1", "localhost"],
                resolver: FixedResolver(["localhost": ["127.0.0.1"]])
            ) { upstream in
                let repository = try upstream.repository()
                let error = await upstreamError {
                    try await upstream.client.open(TestContent.digest, of: repository, range: nil)
                }
                guard case .invalid(let text) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(text.contains("answers with status 403"), "\(text)")
            }
        }
    }

    @Test("neither an error nor a status shows a secret, however it is printed")
    func secrets() async throws {
        try await withRegistry(.basic(users: ["robot": "another"])) { upstream, registry in
            var shown = ""
            for error in [
                await upstreamError { try await upstream.head() },
                await upstreamError { try await upstream.read(TestContent.digest) },
            ] {
                shown += "\(String(describing: error)) \(String(reflecting: error))"
                dump(error, to: &shown)
            }
            dump(upstream.status, to: &shown)
            dump(upstream.client, to: &shown)
            #expect(registry.log.entries.contains { $0.hasAuthorization })
            let encoded = Data("robot:\(Self.secret)".utf8).base64EncodedString()
            #expect(!shown.contains(Self.secret) && !shown.contains(encoded))
        }
    }

    @Test("a token that can't be read is a failure that names its place")
    func unreadableToken() async throws {
        try await TemporaryDirectory.with { folder in
            let path = folder.path + "/token"
            let source = LoginSource(.file(username: "x", path: path), environment: [:], docker: NoCredentials())
            func reason() async -> String {
                do {
                    _ = try await source.credentials(for: "quay.io")
                    return "none"
                } catch {
                    return "\(error)"
                }
            }
            #expect(await reason().contains("there is no such file"))
            for text in ["", "\n", "a\nb", "a\0b", String(repeating: "a", count: 70_000)] {
                try Data(text.utf8).write(to: URL(filePath: path))
                #expect(await reason().contains("does not hold one line"))
            }
            try Data([0xff, 0xfe]).write(to: URL(filePath: path))
            #expect(await reason().contains("does not hold one line"))
            try await withRegistry(Self.token, environment: [:]) { upstream, _ in
                guard case .invalid(let text) = await upstreamError({ try await upstream.head() }) else {
                    Issue.record("it is another error")
                    return
                }
                #expect(text.contains("\"QUAY_TOKEN\" is not set"), "\(text)")
            }
        }
    }
}
