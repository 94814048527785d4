import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Asking an upstream")
struct UpstreamClientTests {
    /// A registry with content, a proxy before it that can misbehave, and a client.
    private func withRegistry(
        authentication: RegistryAuthentication = .none,
        login: UpstreamLogin = .anonymous,
        environment: [String: String] = [:],
        limits: UpstreamClient.Limits = .once,
        _ body: (UpstreamHarness, FaultProxy, InMemoryRegistry) async throws -> Void
    ) async throws {
        try await InMemoryRegistry.with(authentication: authentication) { registry in
            TestContent.fill(registry)
            try await FaultProxy.with(upstream: registry.url) { proxy in
                try await UpstreamHarness.with(
                    url: proxy.url,
                    login: login,
                    environment: environment,
                    limits: limits,
                    resolver: FixedResolver(["localhost": ["127.0.0.1"]])
                ) { try await body($0, proxy, registry) }
            }
        }
    }

    // MARK: What is there

    @Test("manifests, sizes and blobs come as they are, each for one request")
    func content() async throws {
        try await withRegistry { upstream, proxy, _ in
            let head = try await upstream.head()
            let document = try await upstream.manifest(.digest(head.digest))
            #expect(document.bytes == Array(TestContent.manifest.utf8))
            let size = try await upstream.client.size(of: TestContent.digest, in: upstream.repository())
            #expect(size == Int64(TestContent.blob.readableBytes))
            let (body, bytes) = try await upstream.read(TestContent.digest)
            #expect(bytes == Array(TestContent.blob.readableBytesView))
            #expect(body.start == 0 && body.end == size && body.totalSize == size)
            #expect(proxy.log.entries.map { "\($0.method)" } == ["HEAD", "GET", "HEAD", "GET"])
            let status = try #require(upstream.status)
            #expect(status.requests == 4 && status.failures == 0 && status.breaker == .closed)
            #expect(status.bytes == Int64(document.bytes.count + bytes.count))
            #expect(status.lastError == nil)
        }
    }

    @Test("a range comes as one")
    func range() async throws {
        try await withRegistry { upstream, proxy, _ in
            let (body, bytes) = try await upstream.read(TestContent.digest, range: 1000..<3000)
            #expect(bytes == Array(TestContent.blob.readableBytesView[1000..<3000]))
            #expect(body.start == 1000 && body.end == 3000)
            #expect(body.totalSize == Int64(TestContent.blob.readableBytes))
            #expect(proxy.log.entries.map(\.range) == ["bytes=1000-2999"])
        }
    }

    @Test("an upstream that knows no ranges sends all, and the body says so")
    func ignoredRange() async throws {
        try await HTTPTestServer.with { _, responder in
            try await responder.respond(.ok, body: TestContent.blob)
        } body: { server in
            try await UpstreamHarness.with(url: server.url) { upstream in
                let (body, bytes) = try await upstream.read(TestContent.digest, range: 1000..<3000)
                #expect(body.start == 0 && body.end == Int64(bytes.count))
                #expect(bytes.count == TestContent.blob.readableBytes)
            }
        }
    }

    @Test("only configured upstreams are asked")
    func unknownUpstream() async throws {
        try await withRegistry { upstream, proxy, _ in
            let other = try #require(CachedRepository(upstream: proxy.hostAndPort, path: "org/app"))
            let error = await upstreamError { try await upstream.client.size(of: TestContent.digest, in: other) }
            guard case .unknownUpstream = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(proxy.log.entries.isEmpty)
        }
    }

    // MARK: Refusals

    @Test(
        "each refusal is told apart, and is an answer or is not",
        arguments: [
            (404, true), (403, true), (429, false), (500, false), (503, false), (418, false), (416, false),
        ]
    )
    func refusals(row: (status: Int, isAnswer: Bool)) async throws {
        try await withRegistry { upstream, proxy, _ in
            proxy.inject(.answer(HTTPResponseStatus(statusCode: row.status)))
            let repository = try upstream.repository()
            for error in [
                await upstreamError { try await upstream.head() },
                await upstreamError { try await upstream.client.open(TestContent.digest, of: repository, range: nil) },
                await upstreamError { try await upstream.client.size(of: TestContent.digest, in: repository) },
            ] {
                #expect(error?.isAnswer == row.isAnswer)
                switch (row.status, error) {
                case (404, .notFound), (403, .forbidden), (429, .rateLimited(nil)), (500..., .unavailable): break
                case (416...418, .invalid): break
                default: Issue.record("\(row.status): \(String(describing: error))")
                }
            }
        }
    }

    @Test("the size of a blob that another repository has is not told")
    func foreignBlob() async throws {
        try await withRegistry { upstream, _, _ in
            let other = try upstream.repository("org/other")
            let error = await upstreamError { try await upstream.client.size(of: TestContent.digest, in: other) }
            guard case .notFound = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("a 429 passes on how long to wait, and nothing of its kind is asked meanwhile")
    func rateLimited() async throws {
        try await withRegistry { upstream, proxy, _ in
            let rule = proxy.inject(.answer(.tooManyRequests, headers: ["Retry-After": "60"]), path: .manifests)
            func waits() async -> Duration? {
                guard case .rateLimited(let wait) = await upstreamError({ try await upstream.head() }) else {
                    return nil
                }
                return wait
            }
            #expect(await waits() == .seconds(60))
            upstream.time.advance(by: .seconds(20))
            #expect(await waits() == .seconds(40))
            #expect(proxy.log.entries.count == 1)
            #expect(upstream.status?.heldOff == .seconds(40))
            // Blobs are another matter, and it is no fault of the upstream's.
            _ = try await upstream.read(TestContent.digest)
            #expect(upstream.status?.failures == 0)

            upstream.time.advance(by: .seconds(40))
            proxy.remove(rule)
            _ = try await upstream.head()
            #expect(upstream.status?.heldOff == nil)
        }
    }

    @Test("an upstream that wants to be left alone for a day is asked again after five minutes")
    func longHold() async throws {
        try await withRegistry { upstream, proxy, _ in
            proxy.inject(.answer(.tooManyRequests, headers: ["Retry-After": "86400"]))
            _ = await upstreamError { try await upstream.head() }
            #expect(upstream.status?.heldOff == .seconds(300))
        }
    }

    @Test("the rate limit that is left is remembered")
    func rateLimit() async throws {
        try await HTTPTestServer.with { _, responder in
            try await responder.respond(
                .ok,
                headers: [
                    "Docker-Content-Digest": Digest.sha256(of: TestContent.manifest.utf8).description,
                    "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "73;w=21600",
                ],
                text: TestContent.manifest
            )
        } body: { server in
            try await UpstreamHarness.with(url: server.url) { upstream in
                _ = try await upstream.head()
                #expect(upstream.status?.rateLimit?.remaining == 73)
                #expect(upstream.status?.rateLimit?.limit == 100)
            }
        }
    }

    // MARK: Failures

    @Test("a failure of a moment is tried again after a wait, and a lasting one is reported after three attempts")
    func retries() async throws {
        for failures in [2, 3] {
            try await withRegistry(limits: UpstreamClient.Limits()) { upstream, proxy, _ in
                proxy.inject(.answer(.serviceUnavailable), occurrence: .first(failures))
                try await withThrowingTaskGroup(of: UpstreamError?.self) { group in
                    group.addTask { await upstreamError { try await upstream.head() } }
                    for wait in [250, 500] {
                        try await upstream.time.waitForSleepers { $0.contains(.milliseconds(wait)) }
                        upstream.time.advance(by: .milliseconds(wait))
                    }
                    let error = try await group.next() ?? nil
                    #expect((error == nil) == (failures == 2), "\(String(describing: error))")
                    #expect(proxy.log.entries.count == 3)
                    #expect(upstream.status?.failures == failures)
                }
            }
        }
    }

    @Test("an upstream that never answers is given up at the deadline")
    func deadline() async throws {
        try await withRegistry { upstream, proxy, _ in
            proxy.inject(.hang)
            try await withThrowingTaskGroup(of: UpstreamError?.self) { group in
                group.addTask { await upstreamError { try await upstream.head() } }
                try await proxy.waitFor { _ in true }
                upstream.time.advance(by: .seconds(10))
                let error = try await group.next() ?? nil
                guard case .timedOut(.seconds(10)) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
            #expect(upstream.status?.failures == 1)
        }
    }

    @Test("an upstream that stays down is left alone, and one request finds out that it is back")
    func breaker() async throws {
        try await withRegistry { upstream, proxy, _ in
            proxy.goOffline()
            for _ in 0..<5 {
                let error = await upstreamError { try await upstream.head() }
                guard case .unavailable = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
            let resting = await upstreamError { try await upstream.head() }
            guard case .resting(.seconds(5)) = resting else {
                Issue.record("\(String(describing: resting))")
                return
            }
            #expect(upstream.status?.breaker == .open && upstream.status?.requests == 5)

            proxy.goOnline()
            let gate = proxy.inject(.hang, occurrence: .first(1))
            upstream.time.advance(by: .seconds(5))
            try await withThrowingTaskGroup(of: UpstreamError?.self) { group in
                group.addTask { await upstreamError { try await upstream.head() } }
                try await proxy.waitFor { _ in true }
                #expect(upstream.status?.breaker == .halfOpen)
                for _ in 0..<3 {
                    guard case .resting = await upstreamError({ try await upstream.head() }) else {
                        Issue.record("more than one request is let through")
                        return
                    }
                }
                #expect(proxy.log.entries.count == 1)
                group.cancelAll()
                _ = try await group.next()
            }
            proxy.remove(gate)
            // Nobody saw how the first one ended, so the next one finds out.
            _ = try await upstream.head()
            #expect(upstream.status?.breaker == .closed)
        }
    }

    // MARK: Where it may lead

    @Test(
        "a redirect into the network of the operator is not followed",
        arguments: [
            "http://10.0.0.1/x", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:a00:1]/x",
            "http://localhost:1/x", "http://[fd00::1]/", "http://192.168.1.1:8080/",
        ]
    )
    func privateRedirect(location: String) async throws {
        try await withRegistry { upstream, proxy, _ in
            proxy.inject(.answer(.temporaryRedirect, headers: ["Location": location]))
            let repository = try upstream.repository()
            for error in [
                await upstreamError { try await upstream.client.open(TestContent.digest, of: repository, range: nil) },
                await upstreamError { try await upstream.head() },
            ] {
                guard case .invalid(let text) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(text.contains("is not asked"), "\(text)")
            }
        }
    }

    @Test("the addresses that a layer names are nothing to the cache: it comes from the upstream that has the image")
    func foreignLayer() async throws {
        let elsewhere = Shared(0)
        try await HTTPTestServer.with { _, responder in
            elsewhere.update { $0 += 1 }
            try await responder.respond(.ok, body: TestContent.blob)
        } body: { other in
            try await withRegistry { upstream, proxy, registry in
                let layer = """
                    {"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","size":300000,
                     "digest":"\(TestContent.digest)","urls":["\(other.url)/layer"]}
                    """
                let text = TestContent.manifest.replacing(#""layers":[]"#, with: #""layers":[\#(layer)]"#)
                registry.addManifest(
                    ByteBuffer(string: text),
                    mediaType: "application/vnd.oci.image.manifest.v1+json",
                    to: UpstreamHarness.repository,
                    tag: "foreign"
                )
                let document = try await upstream.manifest(.tag("foreign"))
                #expect(document.bytes == Array(text.utf8))
                _ = try await upstream.read(TestContent.digest)
                #expect(proxy.log.entries.count == 2 && elsewhere.value == 0)
            }
        }
    }

    @Test("a token service within is not asked")
    func privateRealm() async throws {
        try await withRegistry { upstream, proxy, _ in
            proxy.inject(
                .answer(
                    .unauthorized,
                    headers: ["WWW-Authenticate": #"Bearer realm="http://169.254.169.254/token",service="x""#]
                )
            )
            let error = await upstreamError { try await upstream.head() }
            guard case .invalid(let text) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(text.contains("metadata service"), "\(text)")
        }
    }

    @Test("redirects that go round end")
    func redirectLoop() async throws {
        try await withRegistry { upstream, proxy, _ in
            proxy.inject(.answer(.temporaryRedirect, headers: ["Location": "/v2/org/app/blobs/again"]))
            let repository = try upstream.repository()
            let error = await upstreamError {
                try await upstream.client.open(TestContent.digest, of: repository, range: nil)
            }
            guard case .invalid = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(proxy.log.entries.count == 6)
        }
    }

    @Test("a manifest of more than 4 MiB is refused by what it says of itself")
    func hugeManifest() async throws {
        try await HTTPTestServer.with { _, responder in
            try await responder.start(.ok, headers: ["Content-Length": "\(5 << 20)"])
            try await responder.hang()
        } body: { server in
            try await UpstreamHarness.with(url: server.url) { upstream in
                let error = await upstreamError { try await upstream.manifest() }
                guard case .tooLarge(Manifest.largestSize) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }
}
