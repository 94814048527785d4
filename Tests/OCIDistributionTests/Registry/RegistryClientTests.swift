import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostTesting
import Synchronization
import Testing

@Suite("The registry client")
struct RegistryClientTests {
    typealias Answer = RegistryScript.Answer

    static let image = ManifestTests.image
    static let digest = Digest.sha256(of: image.utf8)

    @Test("HEAD gives digest, type and size, and asks for all types in one header")
    func head() async throws {
        try await RegistryScript.with { _, _ in
            var answer = Answer.manifest(Self.image)
            answer.headers.add(name: "ratelimit-limit", value: "100;w=21600")
            answer.headers.add(name: "ratelimit-remaining", value: "7;w=21600")
            return answer
        } body: { registry in
            let head = try await registry.head("library/x:1.0")
            #expect(head.digest == Self.digest)
            #expect(head.mediaType == .ociManifest)
            #expect(head.size == Int64(Self.image.utf8.count))
            #expect(head.rateLimit?.remaining == 7)
            #expect(registry.script.lines == ["HEAD /v2/library/x/manifests/1.0"])
            let accept = try #require(registry.script.asked.first?.accept)
            #expect(accept.count == 1)
            #expect(accept.first?.contains("manifest.list.v2+json") == true)
        }
    }

    @Test("a HEAD without a digest is followed by a GET that is hashed")
    func headWithoutDigest() async throws {
        try await RegistryScript.with { asked, _ in
            .status(200, ["Content-Type": "application/vnd.oci.image.manifest.v1+json"], body: Self.image)
        } body: { registry in
            let head = try await registry.head()
            #expect(head.digest == Self.digest)
            #expect(registry.script.lines == ["HEAD /v2/x/manifests/1", "GET /v2/x/manifests/1"])
        }
    }

    @Test("a registry without HEAD is asked by GET", arguments: [400, 405, 501])
    func noHead(status: Int) async throws {
        try await RegistryScript.with { asked, _ in
            asked.method == "HEAD" ? .status(status) : .manifest(Self.image)
        } body: { registry in
            let head = try await registry.head()
            #expect(head.digest == Self.digest)
        }
    }

    @Test("GET gives the exact bytes; a digest goes before a tag")
    func manifest() async throws {
        try await RegistryScript.with { _, _ in
            .manifest(Self.image)
        } body: { registry in
            let document = try await registry.manifest("x:1@\(Self.digest)")
            #expect(document.bytes == Array(Self.image.utf8))
            #expect(document.digest == Self.digest)
            #expect(registry.script.lines == ["GET /v2/x/manifests/\(Self.digest)"])
        }
    }

    @Test("content that isn't what its digest says is refused, by digest and by tag")
    func mismatch() async throws {
        let other = Digest.sha256(of: "other".utf8)
        try await RegistryScript.with { asked, _ in
            switch asked.path {
            // Claims the right digest, serves something else.
            case "/v2/x/manifests/\(other)": .manifest(Self.image, digest: other)
            case "/v2/x/manifests/tag": .manifest(Self.image, digest: other)
            default: .manifest(Self.image)
            }
        } body: { registry in
            for rest in ["x@\(other)", "x:tag", "y@\(other)"] {
                let error = await #expect(throws: RegistryError.self) { try await registry.manifest(rest) }
                guard case .digestMismatch = error?.failure else {
                    Issue.record("\(rest): \(String(describing: error))")
                    continue
                }
                #expect(error?.isDefinite == false)
            }
            let error = await #expect(throws: RegistryError.self) { try await registry.head("y@\(other)") }
            guard case .digestMismatch = error?.failure else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    /// A status, whether it is definite, and words that its message must hold.
    static let failures: [(status: Int, isDefinite: Bool, words: String)] = [
        (404, true, "was not found"), (403, true, "denies access"), (429, false, "limits the rate"),
        (500, false, "status 500"), (502, false, "status 502"), (503, false, "status 503"), (418, false, "status 418"),
        (204, false, "status 204"), (304, false, "status 304"), (302, false, "status 302"),
    ]

    @Test("a status becomes an error that says what to do, definite only where it is", arguments: failures)
    func statuses(row: (status: Int, isDefinite: Bool, words: String)) async throws {
        try await RegistryScript.with { _, _ in
            .status(row.status, ["Retry-After": "7"])
        } body: { registry in
            let error = await #expect(throws: RegistryError.self) { try await registry.head("org/x:9") }
            #expect(error?.isDefinite == row.isDefinite)
            #expect(error?.retryAfter == ([429, 500, 502, 503].contains(row.status) ? .seconds(7) : nil))
            let message = error?.description ?? ""
            #expect(message.contains(row.words), "\(message)")
            #expect(message.contains("\(registry.registry)/org/x:9"), "\(message)")
        }
    }

    @Test("a name that the registry refuses is definite, read from the body of a GET")
    func invalidName() async throws {
        try await RegistryScript.with { _, _ in
            .status(400, body: #"{"errors":[{"code":"NAME_INVALID","message":"x"}]}"#)
        } body: { registry in
            let error = await #expect(throws: RegistryError.self) { try await registry.head() }
            #expect(error?.isDefinite == true)
        }
    }

    @Test("a mirror's refusal is never definite")
    func mirrorIsNotDefinite() async throws {
        try await RegistryScript.with { _, _ in
            .status(404)
        } body: { registry in
            let mirror = try #require(RegistryEndpoint(mirror: registry.server.url))
            let reference = try ImageReference(parsing: "alpine")
            let error = await #expect(throws: RegistryError.self) {
                try await registry.client.head(reference, at: mirror)
            }
            #expect(error?.isDefinite == false)
            #expect(registry.script.lines == ["HEAD /v2/library/alpine/manifests/latest"])
        }
    }

    @Test(
        "what a login page or a broken registry answers is no manifest",
        arguments: ["<html>log in</html>", "{", #"{"manifests":[],"layers":[]}"#]
    )
    func noManifest(text: String) async throws {
        try await RegistryScript.with { _, _ in
            .status(200, ["Content-Type": "text/html"], body: text)
        } body: { registry in
            let error = await #expect(throws: RegistryError.self) { try await registry.head() }
            guard case .invalidManifest = error?.failure else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("a manifest over 4 MiB is refused before the rest of it comes, announced or not", arguments: [true, false])
    func tooLarge(announced: Bool) async throws {
        try await HTTPTestServer.with { _, responder in
            if announced {
                try await responder.start(.ok, headers: ["Content-Length": "1073741824"])
                try await responder.write("{")
            } else {
                try await responder.start(.ok)
                try await responder.write(ByteBuffer(repeating: UInt8(ascii: " "), count: 5 << 20))
            }
            try await responder.hang()
        } body: { server in
            try await RegistryScript.withClient { client in
                let reference = try ImageReference(parsing: "\(server.hostAndPort)/x")
                let endpoint = RegistryEndpoint(registry: reference.registry)
                let error = await #expect(throws: RegistryError.self) {
                    try await client.manifest(reference, at: endpoint, deadline: .seconds(60))
                }
                guard case .tooLarge = error?.failure else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test("an index leads to the platform's image; nested too deep it is an error")
    func index() async throws {
        func index(_ digest: Digest) -> String {
            """
            {"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",
             "digest":"\(digest)","size":1,"platform":{"os":"linux","architecture":"amd64"}}]}
            """
        }
        var texts = [Self.image]
        for _ in 0..<6 { texts.append(index(.sha256(of: (texts.last ?? "").utf8))) }
        let contents = texts
        try await RegistryScript.with { asked, _ in
            let name = asked.path.split(separator: "/").last.map(String.init) ?? ""
            let position = Int(name.dropFirst()) ?? contents.firstIndex { "\(Digest.sha256(of: $0.utf8))" == name }
            guard let position else { return .status(404) }
            return .status(200, ["Content-Type": "application/json"], body: contents[position])
        } body: { registry in
            let amd64 = try Platform(parsing: "linux/amd64")
            let nested = try registry.reference("x:n3")
            let image = try await registry.client.image(nested, for: amd64, at: registry.endpoint)
            #expect(image.digest == Self.digest)
            #expect(image.root.digest == .sha256(of: contents[3].utf8))
            let tooDeep = try registry.reference("x:n4")
            let error = await #expect(throws: RegistryError.self) {
                try await registry.client.image(tooDeep, for: amd64, at: registry.endpoint)
            }
            #expect(error?.description.contains("without end") == true)
            let other = await #expect(throws: RegistryError.self) {
                let s390x = try Platform(parsing: "linux/s390x")
                return try await registry.client.image(nested, for: s390x, at: registry.endpoint)
            }
            #expect(other?.isDefinite == true)
        }
    }
}

@Suite("The registry client and the network")
struct RegistryNetworkTests {
    typealias Answer = RegistryScript.Answer

    /// The first request that reaches a server, and its end.
    private final class Visit: Sendable {
        private let count = Mutex(0)
        let began = Gate()
        let ended = Gate()

        var hasBegun: Bool { count.withLock { $0 > 0 } }

        func begin() {
            count.withLock { $0 += 1 }
            began.open()
        }
    }

    private func withHangingServer(
        afterHead: Bool,
        body: (RegistryClient, ImageReference, Visit) async throws -> Void
    ) async throws {
        let visit = Visit()
        try await HTTPTestServer.with { _, responder in
            visit.begin()
            defer { visit.ended.open() }
            if afterHead {
                try await responder.start(.ok, headers: ["Content-Length": "1000"])
                try await responder.write("{")
            }
            try await responder.hang()
        } body: { server in
            try await RegistryScript.withClient { client in
                try await body(client, try ImageReference(parsing: "\(server.hostAndPort)/x"), visit)
            }
        }
    }

    @Test(
        "a registry that never answers is given up at the deadline, and its connection closed",
        arguments: [false, true]
    )
    func deadline(afterHead: Bool) async throws {
        try await withHangingServer(afterHead: afterHead) { client, reference, visit in
            let endpoint = RegistryEndpoint(registry: reference.registry)
            // On a busy machine the shortest deadlines may pass before the request has left.
            var deadline = Duration.milliseconds(200)
            repeat {
                let error = await #expect(throws: RegistryError.self) {
                    try await client.manifest(reference, at: endpoint, deadline: deadline)
                }
                guard case .timedOut = error?.failure else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(error?.isDefinite == false)
                deadline *= 2
            } while !visit.hasBegun
            try await visit.ended.wait()
        }
    }

    @Test("cancelling the call ends the request", arguments: [false, true])
    func cancellation(afterHead: Bool) async throws {
        try await withHangingServer(afterHead: afterHead) { client, reference, visit in
            let endpoint = RegistryEndpoint(registry: reference.registry)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let error = await #expect(throws: RegistryError.self) {
                        try await client.manifest(reference, at: endpoint, deadline: .seconds(600))
                    }
                    guard case .cancelled = error?.failure else {
                        Issue.record("\(String(describing: error))")
                        return
                    }
                }
                try await visit.began.wait()
                group.cancelAll()
                try await visit.ended.wait()
            }
        }
    }

    @Test("a refused connection is reported at once, in plain words")
    func refusedConnection() async throws {
        // A port that was free a moment ago: its server is gone.
        let port = try await HTTPTestServer.with { _, _ in
        } body: {
            $0.port
        }
        try await RegistryScript.withClient { client in
            let reference = try ImageReference(parsing: "127.0.0.1:\(port)/x")
            let error = await #expect(throws: RegistryError.self) {
                try await client.head(reference, at: RegistryEndpoint(registry: reference.registry))
            }
            guard case .unreachable = error?.failure else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(error?.isDefinite == false)
            #expect(error?.description.contains("refused") == true, "\(String(describing: error))")
        }
    }

    @Test("a connection cut in the answer is no answer")
    func cut() async throws {
        try await HTTPTestServer.with { _, responder in
            try await responder.start(.ok, headers: ["Content-Length": "1000"])
            try await responder.write("{")
            try await responder.abort()
        } body: { server in
            try await RegistryScript.withClient { client in
                let reference = try ImageReference(parsing: "\(server.hostAndPort)/x")
                let error = await #expect(throws: RegistryError.self) {
                    try await client.manifest(reference, at: RegistryEndpoint(registry: reference.registry))
                }
                guard case .unreachable = error?.failure else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test("redirects are followed, five at most")
    func redirects() async throws {
        try await RegistryScript.with { asked, _ in
            let hops = Int(asked.path.split(separator: "/").last ?? "") ?? 0
            return hops == 0
                ? .manifest(RegistryClientTests.image)
                : .status(307, ["Location": "\(hops - 1)"])
        } body: { registry in
            let head = try await registry.head("x:5")
            #expect(head.digest == RegistryClientTests.digest)
            let error = await #expect(throws: RegistryError.self) { try await registry.head("x:6") }
            #expect(error?.description.contains("redirects more than 5 times") == true)
        }
    }

    @Test(
        "a redirect to what is no web address is refused",
        arguments: ["file:///etc/passwd", "ftp://x/", "http://", "http://u:p@127.0.0.1/", "http://a b/"]
    )
    func badRedirect(location: String) async throws {
        try await RegistryScript.with { _, _ in
            .status(302, ["Location": location])
        } body: { registry in
            let error = await #expect(throws: RegistryError.self) { try await registry.head() }
            guard case .invalidResponse = error?.failure else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(registry.script.asked.count == 1)
        }
    }
}
