import NIOHTTP1
import OCIDistribution
import RoostTesting
import Synchronization
import Testing

@Suite("Logging in to a registry")
struct RegistryLoginTests {
    typealias Answer = RegistryScript.Answer
    typealias Asked = RegistryScript.Asked

    static func challenge(_ url: String, service: String = "svc") -> Answer {
        // The scope asks for more than reading, which the client must not pass on.
        .status(
            401,
            [
                "WWW-Authenticate":
                    #"Bearer realm="\#(url)/token",service="\#(service)",scope="repository:x:pull,push,*""#
            ]
        )
    }

    /// A registry that wants the token `good`, and a token service that gives it.
    @Sendable static func registry(_ asked: Asked, _ url: String) -> Answer {
        if asked.path == "/token" { return .status(200, body: #"{"token":"good","expires_in":300}"#) }
        return asked.authorization == "Bearer good" ? .manifest(RegistryClientTests.image) : challenge(url)
    }

    @Test("an anonymous token is fetched for reading one repository, and used again")
    func anonymous() async throws {
        try await RegistryScript.with(answer: Self.registry) { registry in
            #expect(try await registry.head("org/x:1").digest == RegistryClientTests.digest)
            _ = try await registry.head("org/x:2")
            _ = try await registry.head("org/y:1")
            #expect(
                registry.script.lines == [
                    "HEAD /v2/org/x/manifests/1", "GET /token", "HEAD /v2/org/x/manifests/1",
                    "HEAD /v2/org/x/manifests/2", "GET /token", "HEAD /v2/org/y/manifests/1",
                ]
            )
            let tokens = registry.script.asked.filter { $0.path == "/token" }
            #expect(tokens.map(\.authorization) == [nil, nil])
            #expect(tokens.first?.query == ["service=svc", "scope=repository:org/x:pull"])
        }
    }

    @Test("credentials go to the token service as Basic, and nowhere else")
    func basicToTokenService() async throws {
        let credentials = FixedCredentials()
        try await RegistryScript.with(credentials: credentials, answer: Self.registry) { registry in
            _ = try await registry.head()
            let asked = registry.script.asked
            #expect(asked.map(\.authorization) == [nil, FixedCredentials.basic, "Bearer good"])
        }
    }

    @Test("an identity token is posted, not put into a header or a URL")
    func identityToken() async throws {
        let credentials = FixedCredentials(.identityToken("re fresh&x"))
        try await RegistryScript.with(credentials: credentials) { asked, url in
            if asked.path == "/token" { return .status(200, body: #"{"access_token":"good"}"#) }
            return Self.registry(asked, url)
        } body: { registry in
            _ = try await registry.head()
            let token = try #require(registry.script.asked.first { $0.path == "/token" })
            #expect(token.method == "POST")
            #expect(token.authorization == nil && token.query.isEmpty)
            #expect(token.body.contains("grant_type=refresh_token&refresh_token=re%20fresh%26x"))
        }
    }

    @Test("Basic is answered where the registry asks for it, and remembered")
    func basic() async throws {
        let credentials = FixedCredentials()
        try await RegistryScript.with(credentials: credentials) { asked, _ in
            asked.authorization == FixedCredentials.basic
                ? .manifest(RegistryClientTests.image) : .status(401, ["WWW-Authenticate": "Basic realm=x"])
        } body: { registry in
            _ = try await registry.head()
            _ = try await registry.head()
            #expect(registry.script.asked.map { $0.authorization != nil } == [false, true, true])
            #expect(credentials.lookups == 1)
        }
    }

    @Test("ten calls at once fetch one token")
    func singleFlight() async throws {
        try await RegistryScript.with(answer: Self.registry) { registry in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for tag in 0..<10 {
                    let reference = try registry.reference("x:\(tag)")
                    group.addTask { [client = registry.client, endpoint = registry.endpoint] in
                        _ = try await client.head(reference, at: endpoint)
                    }
                }
                try await group.waitForAll()
            }
            #expect(registry.script.count(of: "/token") == 1)
        }
    }

    @Test("a token refused once is renewed, once")
    func renewal() async throws {
        let issued = Mutex(0)
        try await RegistryScript.with { asked, url in
            if asked.path == "/token" {
                let number = issued.withLock { number in
                    number += 1
                    return number
                }
                return .status(200, body: #"{"token":"t\#(number)","expires_in":300}"#)
            }
            // The first token works for one tag only, as one that the registry has since revoked.
            let isGood = asked.authorization == (asked.path.hasSuffix("/1") ? "Bearer t1" : "Bearer t2")
            return isGood ? .manifest(RegistryClientTests.image) : Self.challenge(url)
        } body: { registry in
            _ = try await registry.head("x:1")
            _ = try await registry.head("x:2")
            _ = try await registry.head("x:2")
            #expect(issued.withLock { $0 } == 2)
        }
    }

    @Test("a registry that goes on asking is not asked for ever")
    func endlessChallenges() async throws {
        try await RegistryScript.with { asked, url in
            asked.path == "/token" ? .status(200, body: #"{"token":"t"}"#) : Self.challenge(url)
        } body: { registry in
            let error = await #expect(throws: RegistryError.self) { try await registry.head() }
            guard case .unauthorized(.absent) = error?.failure else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(registry.script.asked.count == 3)
            #expect(error?.isDefinite == true)
            let message = error?.description ?? ""
            #expect(message.contains("does not exist") && message.contains("private"), "\(message)")
            #expect(message.contains("docker login \(registry.registry)"), "\(message)")
        }
    }

    @Test("wrong credentials are named as the cause, and never shown")
    func wrongCredentials() async throws {
        try await RegistryScript.with(credentials: FixedCredentials()) { asked, url in
            asked.path == "/token" ? .status(401) : Self.challenge(url)
        } body: { registry in
            let error = await #expect(throws: RegistryError.self) { try await registry.head() }
            guard case .unauthorized(.refused) = error?.failure else {
                Issue.record("\(String(describing: error))")
                return
            }
            var shown = "\(String(describing: error)) \(String(reflecting: error))"
            dump(error, to: &shown)
            #expect(!shown.contains("s3cret") && !shown.contains(FixedCredentials.basic.dropFirst(6)))
        }
    }

    @Test("credentials stay away from a token service on another site, and the error says so")
    func foreignRealm() async throws {
        let elsewhere = RegistryScript()
        try await HTTPTestServer.with { request, responder in
            _ = try await elsewhere.record(request)
            try await responder.respond(.ok, text: #"{"token":"anonymous"}"#)
        } body: { other in
            // Another name for this machine is another site.
            let realm = "http://localhost:\(other.port)"
            try await RegistryScript.with(credentials: FixedCredentials()) { _, _ in
                Self.challenge(realm)
            } body: { registry in
                let error = await #expect(throws: RegistryError.self) { try await registry.head() }
                guard case .unauthorized(.withheld(from: "localhost")) = error?.failure else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(error?.isDefinite == false)
                #expect(elsewhere.asked.map(\.authorization) == [nil])
            }
        }
    }

    @Test("a redirect to another host takes no token along, and gets none later")
    func redirectElsewhere() async throws {
        let elsewhere = RegistryScript()
        let home = Mutex("")
        try await HTTPTestServer.with { request, responder in
            _ = try await elsewhere.record(request)
            let back = home.withLock { $0 }
            if back.isEmpty {
                try await responder.respond(.unauthorized, headers: ["WWW-Authenticate": "Basic realm=x"])
            } else {
                try await responder.respond(.temporaryRedirect, headers: ["Location": back])
            }
        } body: { other in
            try await RegistryScript.with(credentials: FixedCredentials()) { asked, url in
                if asked.path == "/back" { return .status(404) }
                let answer = Self.registry(asked, url)
                return answer.status == .ok && asked.path != "/token"
                    ? .status(307, ["Location": "\(other.url)/elsewhere"]) : answer
            } body: { registry in
                let error = await #expect(throws: RegistryError.self) { try await registry.head() }
                #expect(error?.description.contains("wants a login of its own") == true)
                #expect(error?.isDefinite == false)
                #expect(elsewhere.asked.map(\.authorization) == [nil])

                home.withLock { $0 = "\(registry.server.url)/back" }
                await #expect(throws: RegistryError.self) { try await registry.head() }
                #expect(registry.script.asked.last?.path == "/back")
                #expect(registry.script.asked.last?.authorization == nil)
            }
        }
    }

    @Test("a mirror gets no credentials")
    func mirror() async throws {
        try await RegistryScript.with(credentials: FixedCredentials(), answer: Self.registry) { registry in
            let mirror = try #require(RegistryEndpoint(mirror: registry.server.url))
            _ = try await registry.client.head(try ImageReference(parsing: "alpine"), at: mirror)
            #expect(!registry.script.asked.contains { $0.authorization == FixedCredentials.basic })
        }
    }

    /// What a token service answers, and whether that ends the matter.
    static let tokenFailures: [(answer: Answer, isDefinite: Bool)] = [
        (.status(403), true), (.status(429), false), (.status(503), false), (.status(404), false),
        (.status(200), false),
        (.status(200, body: "{}"), false), (.status(200, body: #"{"token":""}"#), false),
        (.status(200, body: #"{"token":"a\r\nX-Evil: b"}"#), false), (.status(200, body: #"{"token":7}"#), false),
        (.status(200, body: #"{"token":"\#(String(repeating: "a", count: 1 << 20))"}"#), false),
    ]

    @Test("a token service that fails or misbehaves is an error", arguments: tokenFailures)
    func tokenServiceFails(row: (answer: Answer, isDefinite: Bool)) async throws {
        try await RegistryScript.with { asked, url in
            asked.path == "/token" ? row.answer : Self.challenge(url)
        } body: { registry in
            let error = await #expect(throws: RegistryError.self) { try await registry.head() }
            #expect(error?.isDefinite == row.isDefinite, "\(String(describing: error))")
            #expect(registry.script.asked.count == 2)
        }
    }

    @Test(
        "a 401 without a challenge that is known is an error",
        arguments: ["", "Negotiate", "Bearer", "Bearer realm=x"]
    )
    func unknownChallenge(value: String) async throws {
        try await RegistryScript.with(credentials: FixedCredentials()) { _, _ in
            .status(401, ["WWW-Authenticate": value])
        } body: { registry in
            let error = await #expect(throws: RegistryError.self) { try await registry.head() }
            guard case .invalidResponse = error?.failure else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(registry.script.asked.count == 1)
        }
    }

    @Test("a token that expires soon is fetched again")
    func expiry() async throws {
        try await RegistryScript.with { asked, url in
            asked.path == "/token"
                ? .status(200, body: #"{"token":"good","expires_in":0.000001}"#) : Self.registry(asked, url)
        } body: { registry in
            _ = try await registry.head()
            _ = try await registry.head()
            #expect(registry.script.count(of: "/token") == 2)
        }
    }
}
