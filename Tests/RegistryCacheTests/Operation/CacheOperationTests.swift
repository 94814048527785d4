import Foundation
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Operating a cache", .timeLimit(.minutes(2)))
struct CacheOperationTests {
    @Test("prefetch brings an image whole, once, with its progress")
    func prefetch() async throws {
        try await ControlFixture.with { fixture in
            let image = try fixture.image("app")
            let reference = try fixture.reference("app")
            let steps = Shared<[CacheProgress]>([])
            let first = try await fixture.ask { client in
                try await client.document(CachePrefetchDocument.self, .prefetch([reference], .host)) { step in
                    steps.update { $0.append(step) }
                }
            }
            let fetched = try #require(first.images.first)
            #expect(fetched.error == nil)
            #expect((fetched.blobs, fetched.fetched, fetched.present) == (3, 3, 0))
            let digest = try Digest(parsing: image.manifestDigest)
            #expect(fetched.digest == digest)
            #expect(Set(steps.value.filter { $0.state == .fetched }.map(\.digest.description)).count == 3)
            for layer in image.layers {
                let digest = try Digest(parsing: layer.digest)
                #expect(fixture.cache.store.size(of: digest) == Int64(layer.size))
            }
            let second = try #require(try await fixture.prefetch("app").images.first)
            #expect((second.fetched, second.present) == (0, 3))
        }
    }

    @Test("prefetch takes one platform of an index")
    func platforms() async throws {
        try await ControlFixture.with { fixture in
            let images = try (["amd64", "arm64"] as [String]).map { (name: String) in
                try fixture.image("one-\(name)", architecture: name)
            }
            try TestImageIndex(images).add(to: fixture.registry, repository: "org/both", tag: "1")
            let reference = try fixture.reference("both")
            let done = try await fixture.ask { client in
                try await client.document(
                    CachePrefetchDocument.self,
                    .prefetch([reference], Platform(os: "linux", architecture: "arm64"))
                ) { _ in }
            }
            #expect(done.images.first?.error == nil)
            #expect(done.images.first?.platform == "linux/arm64")
            for (image, isThere) in zip(images, [false, true]) {
                let digest = try Digest(parsing: try #require(image.layers.first).digest)
                #expect((fixture.cache.store.size(of: digest) != nil) == isThere)
            }
        }
    }

    @Test("status counts what was served, also that of earlier processes")
    func status() async throws {
        try await ControlFixture.with { fixture in
            let image = try fixture.image("app")
            let digest = try #require(image.layers.first).digest
            let blob = "/v2/quay.io/org/app/blobs/\(digest)"
            for target in ["/v2/quay.io/org/app/manifests/1", blob] {
                #expect(try await fixture.get(target).status == 200)
            }
            // It is stored when it has been sent.
            while !fixture.cache.fills.digests.isEmpty { await Task.yield() }
            #expect(try await fixture.get(blob).status == 200)
            // An answer is counted once it is sent, which its client may see first.
            while fixture.cache.server.counters.values.requests < 3 { await Task.yield() }
            let status = try await fixture.ask { try await $0.document(CacheStatusDocument.self, .status) }
            #expect(status.schema == "roost.cache.status/1")
            #expect(status.requests.misses == 2)
            #expect(status.requests.hits == 1)
            let size = try #require(image.layers.first).size
            #expect(status.requests.savedBytes == Int64(size))
            #expect(status.size.max == 1 << 30)
            #expect(status.size.storedCount == 2)
            #expect(status.upstreams.map(\.name) == ["quay.io"])
            #expect((status.upstreams.first?.requests ?? 0) >= 2)
            #expect(status.upstreams.first?.breaker == "closed")
        }
    }

    @Test("ls lists tags, and gc explains each candidate")
    func collection() async throws {
        try await ControlFixture.with { fixture in
            _ = try fixture.image("app")
            _ = try await fixture.prefetch("app")
            let list = try await fixture.ask { try await $0.document(CacheListDocument.self, .list(limit: .max)) }
            #expect(list.entries.count == 4)
            #expect(list.entries.first { $0.kind == "manifest" }?.tags == ["quay.io/org/app:1"])
            let one = try await fixture.ask { try await $0.document(CacheListDocument.self, .list(limit: 1)) }
            #expect(one.entries == Array(list.entries.prefix(1)))
            let dry = try await fixture.ask {
                try await $0.document(CacheCollectionDocument.self, .collect(bytes: 1, dryRun: true))
            }
            #expect(dry.candidates.count == 4)
            #expect(dry.candidates.filter { $0.goes }.count == 1)
            #expect(dry.dryRun && dry.suffices)
            #expect(try await fixture.cache.store.status().storedCount == 4)
            let wet = try await fixture.ask {
                try await $0.document(CacheCollectionDocument.self, .collect(bytes: 1, dryRun: false))
            }
            #expect(wet.candidates == dry.candidates)
            #expect(try await fixture.cache.store.status().storedCount == 3)
        }
    }

    @Test("pin fetches an image, which stays till unpin")
    func pins() async throws {
        try await ControlFixture.with { fixture in
            _ = try fixture.image("app")
            let reference = try fixture.reference("app")
            let done = try await fixture.ask { client in
                try await client.document(CachePinDocument.self, .pin(reference, .host)) { _ in }
            }
            #expect(done.pinned)
            #expect(done.image.fetched == 3)
            let all = ControlRoute.collect(bytes: 1 << 20, dryRun: false)
            let kept = try await fixture.ask { try await $0.document(CacheCollectionDocument.self, all) }
            #expect(kept.candidates.allSatisfy { !$0.goes && $0.reason == "it is pinned" })
            #expect(!kept.suffices)
            let unpin = ControlRoute.unpin(reference)
            #expect(try await fixture.ask { try await $0.document(CacheUnpinDocument.self, unpin) }.wasPinned)
            #expect(try await !fixture.ask { try await $0.document(CacheUnpinDocument.self, unpin) }.wasPinned)
            _ = try await fixture.ask { try await $0.document(CacheCollectionDocument.self, all) }
            #expect(try await fixture.cache.store.status().storedCount == 0)
            let missing = try fixture.reference("missing")
            let failed = try await fixture.ask { client in
                try await client.document(CachePinDocument.self, .pin(missing, .host)) { _ in }
            }
            #expect(!failed.pinned)
            #expect(failed.image.error?.contains("no such image") == true)
        }
    }

    @Test("verify puts aside what is damaged, and fetches it again")
    func verification() async throws {
        try await ControlFixture.with { fixture in
            let image = try fixture.image("app")
            _ = try await fixture.prefetch("app")
            let layer = try Digest(parsing: try #require(image.layers.first).digest)
            for digest in [layer, try Digest(parsing: image.manifestDigest)] {
                let path = "\(fixture.folder)/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)"
                let file = try #require(FileHandle(forWritingAtPath: path))
                try file.write(contentsOf: Data([0, 1, 2]))
                try file.close()
            }
            let done = try await fixture.ask { client in
                try await client.document(CacheVerificationDocument.self, .verify(bytesPerSecond: nil)) { _ in }
            }
            #expect(done.checked == 4)
            #expect(done.damaged.count == 2)
            #expect(done.damaged.compactMap(\.error) == [])
            let again = try await fixture.ask { client in
                try await client.document(CacheVerificationDocument.self, .verify(bytesPerSecond: nil)) { _ in }
            }
            #expect(again.damaged.isEmpty)
            #expect(again.checked == 4)
        }
    }

    @Test("what a run needs stays, by its configuration's digest")
    func leases() async throws {
        let leased = Shared<Set<Digest>>([])
        try await ControlFixture.with(leased: { leased.value }) { fixture in
            let image = try fixture.image("app")
            _ = try fixture.image("other")
            _ = try await fixture.prefetch("app", "other")
            let configuration = try Digest(parsing: image.configurationDigest)
            leased.update { $0 = [configuration] }
            let done = try await fixture.ask {
                try await $0.document(CacheCollectionDocument.self, .collect(bytes: 1 << 20, dryRun: false))
            }
            let kept = done.candidates.filter { $0.reason == "a run needs it" }.map(\.digest.description)
            #expect(
                Set(kept) == Set([image.manifestDigest, image.configurationDigest] + image.layers.map(\.digest))
            )
            #expect(try await fixture.cache.store.status().storedCount == 4)
        }
    }
}
