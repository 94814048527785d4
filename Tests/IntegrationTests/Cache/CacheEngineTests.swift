import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Testing

@Suite(
    "an engine behind the image cache",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct CacheEngineTests {
    /// A real registry behind a proxy, the cache in front of it, and an engine that has the cache as its mirror.
    private static func with(
        options: [String] = [],
        _ body: @escaping @Sendable (EngineCaller, CacheBench, FaultProxy) async throws -> Void
    ) async throws {
        try await FaultProxy.with(upstream: "http://\(TestEnvironment.requireRegistry())") { proxy in
            try await RoostSandbox.with { sandbox in
                try await CacheBench.with(sandbox, upstreams: ["docker.io": proxy.url], options: options) { cache in
                    try await PrivateEngine.with(mirrors: [cache.url]) { engine in
                        try await body(EngineCaller(engine, cache.http), cache, proxy)
                    }
                }
            }
        }
    }

    private static func push(_ image: TestImage, _ repository: String, tag: String = "1") async throws {
        try await image.push(to: try TestEnvironment.requireRegistry(), repository: repository, tag: tag)
    }

    @Test(
        "what was pulled once is pulled again without a request to its registry, and after a prune without one for a blob"
    )
    func warm() async throws {
        try await Self.with { engine, _, proxy in
            let repository = cacheRepository()
            let image = try TestImage(layers: [.random(bytes: 3 << 20, seed: .random(in: 1 ... .max)), .busybox()])
            try await Self.push(image, repository)
            try await engine.pull(repository, tag: "1")
            #expect(proxy.log.blobFetches.count == 3)
            #expect(proxy.log.blobFetches.values.allSatisfy { $0 == 1 })

            proxy.log.removeAll()
            try await engine.remove("\(repository):1")
            try await engine.pull(repository, tag: "1")
            #expect(proxy.log.entries.isEmpty)

            try await engine.prune()
            #expect(try await !engine.has("\(repository):1"))
            try await engine.pull(repository, tag: "1")
            #expect(try await engine.has("\(repository):1"))
            #expect(proxy.log.blobRequests.isEmpty)
        }
    }

    @Test("an engine pulls from a warm cache whose registry is gone, an old tag too, which is said to be stale")
    func registryGone() async throws {
        try await Self.with(options: ["--fresh-for", "0"]) { engine, cache, proxy in
            let repository = cacheRepository()
            try await Self.push(try .random(), repository)
            try await engine.pull(repository, tag: "1")
            try await engine.remove("\(repository):1")
            proxy.goOffline()
            try await engine.pull(repository, tag: "1")
            #expect(try await engine.has("\(repository):1"))
            try await cache.logged(repository, " 1 200 ", " stale")
            try await cache.process.line { $0.contains("\(repository):1: served as it was when last asked for") }
        }
    }

    @Test("a service of a swarm is created twice, and again after a prune, from one fetch of each blob")
    func swarm() async throws {
        try await Self.with { engine, _, proxy in
            let repository = cacheRepository()
            try await Self.push(try .busybox(plusRandom: 1 << 20, seed: .random(in: 1 ... .max)), repository)
            try await engine.call(
                .POST,
                "/swarm/init",
                #"{"ListenAddr":"127.0.0.1:0","AdvertiseAddr":"127.0.0.1","DefaultAddrPool":["198.19.0.0/16"],"SubnetSize":24}"#
            )
            for round in 0..<3 {
                try await engine.expecting("start") {
                    try await engine.call(
                        .POST,
                        "/services/create",
                        """
                        {"Name":"served\(round)","TaskTemplate":{"ContainerSpec":{"Image":"\(repository):1",\
                        "Command":["/bin/sleep","86400"],"StopGracePeriod":0}}}
                        """
                    )
                }
                try await engine.expecting("destroy") {
                    _ = try await engine.call(.DELETE, "/services/served\(round)")
                }
                if round > 0 { #expect(proxy.log.blobRequests.isEmpty) }
                proxy.log.removeAll()
                if round == 1 {
                    try await engine.prune()
                    #expect(try await !engine.has("\(repository):1"))
                }
            }
            try await engine.call(.POST, "/swarm/leave?force=true")
        }
    }
}
