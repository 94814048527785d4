import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Testing

@Suite(
    "the image cache and upstreams that fail or refuse",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct CacheFaultTests {
    /// The cache in front of a registry that a test controls, with an image as tag 1; tags are asked for each time.
    private struct Bench: Sendable {
        let cache: CacheBench
        let proxy: FaultProxy
        let registry: InMemoryRegistry
        let image: TestImage

        var tag: String { CacheBench.manifest("1", of: "library/a") }
        var digest: String { CacheBench.manifest(image.manifestDigest, of: "library/a") }
        var blob: String { CacheBench.blob(image.layers[0].digest, of: "library/a") }

        static func with(_ body: @escaping @Sendable (Bench) async throws -> Void) async throws {
            try await InMemoryRegistry.with { registry in
                let image = try TestImage.random()
                image.add(to: registry, repository: "library/a", tag: "1")
                try await FaultProxy.with(upstream: registry.url) { proxy in
                    try await RoostSandbox.with { sandbox in
                        try await CacheBench.with(
                            sandbox,
                            upstreams: ["docker.io": proxy.url],
                            options: ["--fresh-for", "0"]
                        ) { cache in
                            try await body(Bench(cache: cache, proxy: proxy, registry: registry, image: image))
                        }
                    }
                }
            }
        }

        /// Has all of the image cached.
        func warm() async throws {
            #expect(try await cache.get(tag).isExactly(image.manifest))
            #expect(try await cache.get(blob).isExactly(image.layers[0].blob))
        }

        /// The cached tag is served, and told to be old.
        func expectStale() async throws {
            let answer = try await cache.get(tag)
            #expect(answer.isExactly(image.manifest))
            #expect(answer.result == "stale")
            #expect(answer["warning"]?.hasPrefix("299 - ") == true)
        }
    }

    @Test("an upstream that is down ends neither digests nor tags that are cached; old tags are marked stale")
    func upstreamDown() async throws {
        try await Bench.with { bench in
            try await bench.warm()
            bench.proxy.goOffline()
            try await bench.expectStale()
            #expect(try await bench.cache.get(bench.digest).result == "hit")
            #expect(try await bench.cache.get(bench.blob).result == "hit")
            let unknown = try await bench.cache.get(CacheBench.manifest("2", of: "library/a"))
            #expect(unknown.status == 503 || unknown.status == 504)
        }
    }

    @Test("a cache that starts while its upstream is down serves what it has from before")
    func startsDown() async throws {
        try await InMemoryRegistry.with { registry in
            let image = try TestImage.random()
            image.add(to: registry, repository: "library/a", tag: "1")
            let tag = CacheBench.manifest("1", of: "library/a")
            let blob = CacheBench.blob(image.layers[0].digest, of: "library/a")
            try await FaultProxy.with(upstream: registry.url) { proxy in
                try await RoostSandbox.with { sandbox in
                    let options = ["--fresh-for", "0"]
                    try await CacheBench.with(sandbox, upstreams: ["docker.io": proxy.url], options: options) {
                        let (first, second) = (try await $0.get(tag), try await $0.get(blob))
                        #expect(first.isExactly(image.manifest) && second.isExactly(image.layers[0].blob))
                    }
                    proxy.goOffline()
                    try await CacheBench.with(sandbox, upstreams: ["docker.io": proxy.url], options: options) {
                        let answer = try await $0.get(tag)
                        #expect(answer.isExactly(image.manifest) && answer.result == "stale")
                        let held = try await $0.get(blob)
                        #expect(held.isExactly(image.layers[0].blob) && held.result == "hit")
                    }
                }
            }
        }
    }

    @Test("an upstream that swallows everything does not keep a cached tag from being served")
    func blackHole() async throws {
        try await Bench.with { bench in
            try await bench.warm()
            bench.proxy.inject(.hang)
            // The upstream never answers: whoever waited for it would wait for ever.
            try await bench.expectStale()
            try await bench.expectStale()
        }
    }

    @Test(
        "failures of the upstream, its rate limit included, leave a cached tag served as stale",
        arguments: [429, 500, 503]
    )
    func staleFor(status: Int) async throws {
        try await Bench.with { bench in
            try await bench.warm()
            bench.proxy.inject(.answer(HTTPResponseStatus(statusCode: status), headers: ["Retry-After": "1"]))
            try await bench.expectStale()
        }
    }

    @Test("a rate limit is passed on as one, with how long to wait, for manifests and blobs")
    func rateLimit() async throws {
        try await Bench.with { bench in
            bench.proxy.inject(.answer(.tooManyRequests, headers: ["Retry-After": "77"]))
            for path in [bench.tag, bench.digest, bench.blob] {
                let answer = try await bench.cache.get(path)
                #expect(answer.status == 429)
                let wait = try #require(answer["retry-after"].flatMap(Int.init))
                #expect((1...77).contains(wait))
            }
        }
    }

    @Test(
        "what the upstream refuses is refused, and told apart, also where it is cached",
        arguments: [(401, 403), (403, 403), (404, 404)]
    )
    func refusals(status: Int, shown: Int) async throws {
        try await Bench.with { bench in
            try await bench.warm()
            bench.proxy.inject(
                .answer(
                    HTTPResponseStatus(statusCode: status),
                    headers: status == 401 ? ["WWW-Authenticate": "Basic realm=\"tests\""] : [:]
                ),
                path: .manifests
            )
            let answer = try await bench.cache.get(bench.tag)
            #expect(answer.status == shown)
            // Never a question to the client itself.
            #expect(answer["www-authenticate"] == nil)
            #expect(
                String(decoding: answer.bytes, as: UTF8.self).contains(shown == 404 ? "MANIFEST_UNKNOWN" : "DENIED")
            )
        }
    }

    @Test("a tag that was withdrawn upstream is gone, and one that has moved leads to the new image")
    func withdrawn() async throws {
        try await Bench.with { bench in
            try await bench.warm()
            let newer = try TestImage.random()
            newer.add(to: bench.registry, repository: "library/a", tag: "1")
            #expect(try await bench.cache.get(bench.tag).isExactly(newer.manifest))
            bench.registry.removeTag("1", from: "library/a")
            #expect(try await bench.cache.get(bench.tag).status == 404)
            // It is remembered that there is none, so an upstream that goes away changes nothing.
            bench.proxy.goOffline()
            #expect(try await bench.cache.get(bench.tag).status == 404)
        }
    }

    @Test("only configured upstreams are asked: no client picks a host, by path or by ns")
    func allowList() async throws {
        try await Bench.with { bench in
            let host = bench.proxy.hostAndPort
            for path in [
                "/v2/\(host)/library/a/manifests/1", "/v2/library/a/manifests/1?ns=\(host)",
                "/v2/library/a/manifests/1?ns=example.org",
            ] {
                let answer = try await bench.cache.get(path)
                #expect(answer.status == 404 || answer.status == 400)
            }
            #expect(bench.proxy.log.entries.isEmpty)
            for method in [HTTPMethod.POST, .PUT, .PATCH, .DELETE] {
                #expect(try await bench.cache.get(bench.tag, method: method).status == 405)
            }
            #expect(bench.proxy.log.entries.isEmpty)
        }
    }
}
