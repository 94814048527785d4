import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Testing

@Suite(
    "blobs that the image cache does not have yet",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct CacheFillTests {
    /// The cache in front of a real registry behind a proxy, and an image's layer of this size in it.
    private static func with(
        size: Int,
        options: [String] = [],
        _ body: @escaping @Sendable (CacheBench, FaultProxy, Layer) async throws -> Void
    ) async throws {
        let layer = Layer(repository: cacheRepository(), layer: try .random(bytes: size, seed: .random(in: 1 ... .max)))
        let registry = try TestEnvironment.requireRegistry()
        try await TestImage(layers: [layer.layer]).push(to: registry, repository: layer.repository, tag: "1")
        try await FaultProxy.with(upstream: "http://\(registry)") { proxy in
            try await RoostSandbox.with { sandbox in
                try await CacheBench.with(sandbox, upstreams: ["docker.io": proxy.url], options: options) { cache in
                    try await body(cache, proxy, layer)
                }
            }
        }
    }

    struct Layer: Sendable {
        let repository: String
        let layer: TestLayer
        var path: String { CacheBench.blob(layer.digest, of: repository) }
        var digest: String { layer.digest }
    }

    @Test("however many ask for a cold blob at once, its upstream sends it once", arguments: [8, 50])
    func together(clients: Int) async throws {
        try await Self.with(size: 4 << 20) { cache, proxy, layer in
            let answers = try await cache.together(clients, layer.path)
            #expect(answers.allSatisfy { $0.isExactly(layer.layer.blob) })
            #expect(proxy.log.blobFetches == [layer.digest: 1])
            #expect(proxy.log.totalBytesSent == layer.layer.size)
        }
    }

    @Test("a client that leaves in the middle does not end the fill: others get all of it, from one fetch")
    func leaver() async throws {
        try await HeldUpstream.with(size: 8 << 20) { upstream in
            try await RoostSandbox.with { sandbox in
                try await CacheBench.with(sandbox, upstreams: ["docker.io": upstream.server.url]) { cache in
                    let path = CacheBench.blob(upstream.digest, of: "library/held")
                    let first = Gate()
                    let leaver = Task {
                        for try await _ in try await cache.open(path).body { first.open() }
                    }
                    try await first.wait()
                    leaver.cancel()
                    _ = await leaver.result
                    try await cache.logged(upstream.digest, "miss,")
                    try await withThrowingTaskGroup(of: CacheBench.Answer.self) { group in
                        group.addTask { try await cache.get(path) }
                        try await upstream.isHalfway.wait()
                        upstream.rest.open()
                        for try await answer in group { #expect(answer.isExactly(upstream.bytes)) }
                    }
                    #expect(try await cache.get(path).result == "hit")
                    #expect(upstream.fetches.value == 1)
                }
            }
        }
    }

    @Test("nobody has to wait for the last client: a fast one is done while a slow one has hardly begun")
    func slowBesideFast() async throws {
        try await Self.with(size: 24 << 20) { cache, proxy, layer in
            // It takes its first piece, and no more until the other is done.
            var pieces = try await cache.open(layer.path).body.makeAsyncIterator()
            var slow = try #require(await pieces.next())
            let fast = try await cache.get(layer.path)
            #expect(fast.isExactly(layer.layer.blob))
            while var piece = try await pieces.next() { slow.writeBuffer(&piece) }
            #expect(slow == layer.layer.blob)
            #expect(proxy.log.blobFetches == [layer.digest: 1])
        }
    }

    @Test("a body that is cut goes on where it was cut, and nobody notices")
    func cut() async throws {
        try await Self.with(size: 4 << 20) { cache, proxy, layer in
            proxy.inject(.cut(afterBodyBytes: 1 << 20), method: .GET, path: .blobs, occurrence: .first(1))
            let answers = try await cache.together(3, layer.path)
            #expect(answers.allSatisfy { $0.isExactly(layer.layer.blob) })
            let fetches = proxy.log.requests(method: .GET, pathSuffix: layer.digest)
            #expect(fetches.count == 2)
            #expect(fetches.last?.range?.hasPrefix("bytes=") == true)
            #expect(proxy.log.totalBytesSent <= layer.layer.size + 1 << 20)
        }
    }

    @Test("a body with a wrong bit is never a complete answer, is not kept, and is asked for anew")
    func corrupt() async throws {
        try await Self.with(size: 2 << 20) { cache, proxy, layer in
            let fault = proxy.inject(.flipBit(atByte: 100), method: .GET, path: .blobs)
            let answers = try await cache.together(3, layer.path)
            #expect(answers.allSatisfy { !($0.status == 200 && $0.isWhole) })
            proxy.remove(fault)
            #expect(try await cache.get(layer.path).isExactly(layer.layer.blob))
        }
    }

    @Test("a body that is always cut is never a complete answer")
    func cutForEver() async throws {
        try await Self.with(size: 2 << 20) { cache, proxy, layer in
            let fault = proxy.inject(.cut(afterBodyBytes: 0), method: .GET, path: .blobs)
            let answer = try await cache.get(layer.path)
            #expect(!(answer.status == 200 && answer.isWhole))
            proxy.remove(fault)
            #expect(try await cache.get(layer.path).isExactly(layer.layer.blob))
        }
    }

    @Test("a blob that is larger than the cache may be is handed through, and not kept")
    func largerThanCap() async throws {
        try await Self.with(size: 4 << 20, options: ["--max-size", "3mb"]) { cache, proxy, layer in
            for count in 1...2 {
                let answer = try await cache.get(layer.path)
                #expect(answer.isExactly(layer.layer.blob) && answer.result == "uncached")
                #expect(proxy.log.blobFetches == [layer.digest: count])
            }
            proxy.inject(.flipBit(atByte: 100), method: .GET, path: .blobs)
            let wrong = try await cache.get(layer.path)
            #expect(!(wrong.status == 200 && wrong.isWhole))
        }
    }

    @Test("on a disk that is full a pull goes on uncached, and nothing of it stays", .enabled(if: TestMount.isPossible))
    func diskFull() async throws {
        let layer = try TestLayer.random(bytes: 12 << 20, seed: .random(in: 1 ... .max))
        let small = try TestLayer.random(bytes: 1 << 20, seed: .random(in: 1 ... .max))
        let repository = cacheRepository()
        let registry = try TestEnvironment.requireRegistry()
        try await TestImage(layers: [layer, small]).push(to: registry, repository: repository, tag: "1")
        try await FaultProxy.with(upstream: "http://\(registry)") { proxy in
            try await RoostSandbox.with { sandbox in
                let folder = sandbox.directory.path("small")
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
                try await TestMount.with(["-t", "tmpfs", "-o", "size=8m,mode=0700", "roost-test"], on: folder) {
                    let options = ["--dir", folder, "--max-size", "1gb"]
                    try await CacheBench.with(sandbox, upstreams: ["docker.io": proxy.url], options: options) { cache in
                        let answers = try await cache.together(2, CacheBench.blob(layer.digest, of: repository))
                        #expect(answers.allSatisfy { $0.isExactly(layer.blob) })
                        // What does fit is kept beside it: no room is lost.
                        let path = CacheBench.blob(small.digest, of: repository)
                        #expect(try await cache.get(path).isExactly(small.blob))
                        #expect(try await cache.get(path).result == "hit")
                        let partials = try FileManager.default.contentsOfDirectory(atPath: folder + "/partial")
                        #expect(partials.isEmpty)
                    }
                }
            }
        }
    }
}
