import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The cache's port")
struct ServerTests {
    static let target = "/v2/library/a/manifests/latest"

    @Test("HEAD is answered with the very headers of GET, and no body; the connection stays usable")
    func headParity() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let manifest = FakeManifest()
            let content = FakeContent(atOnce: { request in
                switch request {
                case .manifest(_, .tag("missing")): .refusal(.unknownManifest)
                case .manifest: .manifest(manifest.served, .hit)
                case .blob: .blob(.stored(file.opened()), .hit)
                case .blobHead: .blobHead(1000, .hit)
                }
            })
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { client in
                    for target in [
                        "/v2/", Self.target, "/v2/library/a/manifests/missing", file.request,
                        "/v2/evil.example/a/manifests/1",
                        "/nowhere",
                    ] {
                        let get = try await client.get(target)
                        let head = try await client.get(target, method: "HEAD")
                        #expect(get.status == head.status)
                        // The clock may have gone on between the two.
                        let fields = get.headers.filter { $0.name != "date" }.map { "\($0.name): \($0.value)" }
                        #expect(fields == head.headers.filter { $0.name != "date" }.map { "\($0.name): \($0.value)" })
                        #expect(get.body.count == get["content-length"].flatMap { Int($0) }, "\(target)")
                    }
                }
            }
        }
    }

    @Test(
        "every other method is answered 405, and with what is allowed",
        arguments: ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PROPFIND"]
    )
    func methods(method: String) async throws {
        let content = FakeContent()
        try await ServerFixture.with(content) { server in
            try await CacheClient.with(port: server.port) { client in
                let answer = try await client.get(Self.target, method: method)
                #expect(answer.status == 405)
                #expect(answer["allow"] == "GET, HEAD")
            }
        }
        #expect(content.asked.value.isEmpty)
    }

    @Test("a push is refused before its body is read, and the client gets to read why")
    func bodies() async throws {
        try await ServerFixture.with(FakeContent()) { server in
            for (method, header, status) in [
                ("PUT", "Content-Length: 1000000", 405), ("GET", "Content-Length: 5", 413),
                ("GET", "Transfer-Encoding: chunked", 413),
            ] {
                try await CacheClient.with(port: server.port) { client in
                    let answer = try await client.get(Self.target, method: method, [header])
                    #expect(answer.status == status)
                    #expect(answer["connection"] == "close")
                    // Where the client has seen the end already, there is nobody to send it to.
                    try? await client.send("a body that nobody reads")
                    #expect(try await client.isAtEnd())
                }
            }
        }
    }

    @Test(
        "a request for another host is answered 421 before anything of it is looked at; one without, or with two, is none"
    )
    func hosts() async throws {
        let content = FakeManifest().content()
        try await ServerFixture.with(content) { server in
            for (lines, status) in [
                ("Host: evil.example\r\n", 421), ("", 400), ("Host: localhost\r\nhost: localhost\r\n", 400),
                ("Host:\r\n", 421), ("Host: localhost:5555\r\n", 200),
            ] {
                try await CacheClient.with(port: server.port) { client in
                    try await client.send("GET \(Self.target) HTTP/1.1\r\n\(lines)\r\n")
                    #expect(try await client.response().status == status, "\(lines)")
                }
            }
        }
        #expect(content.asked.value.count == 1)
    }

    @Test("requests that are sent at once are answered in their order, the slow before the fast that follow it")
    func pipelining() async throws {
        let mayAnswer = Gate()
        let content = FakeContent(
            atOnce: { request in
                guard case .manifest(_, .tag(let tag)) = request, tag != "slow" else { return nil }
                return .manifest(FakeManifest(tag).served, .hit)
            },
            slowly: { _ in
                try? await mayAnswer.wait()
                return .manifest(FakeManifest("slow").served, .miss)
            }
        )
        try await ServerFixture.with(content) { server in
            try await CacheClient.with(port: server.port) { client in
                let tags = ["slow"] + (0..<200).map { "t\($0)" } + ["slow", "end"]
                try await client.send(tags.map { CacheClient.request("/v2/library/a/manifests/\($0)") }.joined())
                mayAnswer.open()
                for tag in tags { #expect(try await client.response().text == tag) }
            }
        }
    }

    @Test(
        "a connection is kept as the client wants it",
        arguments: [
            ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false), ("HTTP/1.0", "", false),
            ("HTTP/1.0", "Connection: keep-alive\r\n", true),
        ]
    )
    func keepAlive(version: String, header: String, isKept: Bool) async throws {
        try await ServerFixture.with(FakeManifest().content()) { server in
            try await CacheClient.with(port: server.port) { client in
                let request = "GET \(Self.target) \(version)\r\nHost: localhost\r\n\(header)\r\n"
                try await client.send(request)
                #expect(try await client.response().isWhole)
                if isKept {
                    try await client.send(request)
                    #expect(try await client.response().isWhole)
                } else {
                    #expect(try await client.isAtEnd())
                }
            }
        }
    }

    @Test(
        "refusals have their status, their code, and 429 the time to wait",
        arguments: [
            (CacheRefusal.unknownManifest, 404, "MANIFEST_UNKNOWN", nil),
            (.unknownBlob, 404, "BLOB_UNKNOWN", nil), (.unknownRepository, 404, "NAME_UNKNOWN", nil),
            (.forbidden, 403, "DENIED", nil),
            (.rateLimited(retryAfter: .milliseconds(1500)), 429, "TOOMANYREQUESTS", "2"),
            (.rateLimited(retryAfter: nil), 429, "TOOMANYREQUESTS", nil),
            (.unavailable("quay.io: \"no\"\r\nX: y"), 503, "UNAVAILABLE", nil),
            (.timedOut("late"), 504, "UNAVAILABLE", nil),
        ] as [(CacheRefusal, Int, String, String?)],
        [true, false]
    )
    func refusals(answer: (CacheRefusal, Int, String, String?), isAtOnce: Bool) async throws {
        let (refusal, status, code, wait) = answer
        let content = FakeContent(
            atOnce: { _ in isAtOnce ? .refusal(refusal) : nil },
            slowly: { _ in .refusal(refusal) }
        )
        try await ServerFixture.with(content) { server in
            try await CacheClient.with(port: server.port) { client in
                let answer = try await client.get(Self.target)
                #expect(answer.status == status)
                #expect(answer["retry-after"] == wait)
                #expect(answer["www-authenticate"] == nil)
                #expect(answer["content-type"] == "application/json")
                #expect(answer.text.hasPrefix(#"{"errors":[{"code":"\#(code)","message":""#))
                #expect(answer.headers.allSatisfy { $0.name != "x" })
            }
        }
    }

    @Test("an answer tells how it was come by, and a stale one why")
    func results() async throws {
        var manifest = FakeManifest()
        manifest.staleness = "docker.io is \"down\"\r\nX-Evil: 1\u{7f}ü"
        let served = manifest.served
        for result in CacheResult.allCases {
            let content = FakeContent(atOnce: { _ in .manifest(served, result) })
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { client in
                    let answer = try await client.get(Self.target)
                    #expect(answer["x-roost-cache"] == result.rawValue)
                    #expect(answer["warning"] == "299 - \"docker.io is downX-Evil: 1\"")
                    #expect(answer["x-evil"] == nil)
                    #expect(await server.log(1)[0].hasSuffix(" \(result.rawValue)"))
                    #expect(server.counters.values.results == [result: 1])
                }
            }
        }
    }

    @Test("several Accept lines, in any order, change nothing: a name has one answer")
    func accept() async throws {
        let manifest = FakeManifest()
        try await ServerFixture.with(manifest.content()) { server in
            try await CacheClient.with(port: server.port) { client in
                for types in [["a/b", "application/vnd.oci.image.index.v1+json"], ["*/*", "text/html"], []] {
                    for order in [types, types.reversed()] {
                        let answer = try await client.get(Self.target, order.map { "Accept: \($0)" })
                        #expect(answer.body == manifest.bytes)
                        #expect(answer["content-type"] == "application/vnd.oci.image.manifest.v1+json")
                    }
                }
            }
        }
    }

    @Test("credentials that a client sends are in no log, and change no answer")
    func authorization() async throws {
        try await ServerFixture.with(FakeManifest().content()) { server in
            try await CacheClient.with(port: server.port) { client in
                let secret = "Authorization: Basic c2VjcmV0OnNlY3JldA=="
                let known = try await client.get(Self.target + "?token=c2VjcmV0", [secret])
                #expect(known.status == 200)
                let unknown = try await client.get("/c2VjcmV0/v2", [secret])
                #expect(unknown.status == 404)
                let foreign = try await client.get("/v2/c2VjcmV0/a/manifests/1", [secret])
                #expect(foreign.status == 400)
                let lines = await server.log(3)
                #expect(lines.count == 3)
                #expect(lines.allSatisfy { !$0.contains("c2VjcmV0") })
            }
        }
    }

    @Test("a line of the log a request, with the client's port and what was sent; the counters agree")
    func accessLog() async throws {
        let manifest = FakeManifest()
        try await ServerFixture.with(manifest.content(.revalidated)) { server in
            try await CacheClient.with(port: server.port) { client in
                _ = try await client.get("/v2/")
                _ = try await client.get(Self.target)
                _ = try await client.get(Self.target, method: "HEAD")
                _ = try await client.get(Self.target, ["If-None-Match: \"\(manifest.digest)\""])
                _ = try await client.get(Self.target, method: "DELETE")
                let lines = await server.log(5).map { line in
                    line.split(separator: " ").enumerated().filter { $0.offset != 0 && $0.offset != 7 }.map {
                        String($0.element)
                    }
                }
                let port = String(client.port)
                let name = ["docker.io/library/a", "latest"]
                #expect(
                    lines == [
                        [port, "GET", "-", "-", "200", "2", "-"],
                        [port, "GET"] + name + ["200", "\(manifest.bytes.count)", "revalidated"],
                        [port, "HEAD"] + name + ["200", "0", "revalidated"],
                        [port, "GET"] + name + ["304", "0", "revalidated"],
                        [port, "-", "-", "-", "405", lines[4][5], "-"],
                    ]
                )
                let values = server.counters.values
                #expect(values.statuses == [200: 3, 304: 1, 405: 1])
                #expect(values.results == [.revalidated: 3])
                #expect(values.requests == 5)
                #expect(values.openConnections == 1)
                #expect(values.savedBytes == manifest.bytes.count)
            }
        }
    }

    @Test("random bytes in the place of requests end a connection, and never the server")
    func randomBytes() async throws {
        let manifest = FakeManifest()
        try await ServerFixture.with(manifest.content()) { server in
            try await Fuzzing.run(rounds: 100) { random in
                let bytes = random.bytes(Int.random(in: 1...300, using: &random))
                let text = String(decoding: bytes, as: UTF8.self)
                let start = Bool.random(using: &random) ? "GET " : ""
                try await CacheClient.with(port: server.port) { client in
                    try? await client.send(start + text + "\r\n\r\n")
                }
            }
            try await CacheClient.with(port: server.port) { client in
                let answer = try await client.get(Self.target)
                #expect(answer.body == manifest.bytes)
            }
        }
    }
}
