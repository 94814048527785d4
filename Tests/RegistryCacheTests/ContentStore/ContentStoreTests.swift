import Foundation
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The store of contents", .timeLimit(.minutes(2)))
struct ContentStoreTests {
    private let blobs = (0..<6).map { Content(seed: UInt64($0), size: 100) }

    private func digests(_ numbers: Int...) -> [Digest] { numbers.map { blobs[$0].digest } }

    @Test("a blob is there once it is whole, and after opening the folder again; only its owner may read it")
    func wholeBlob() async throws {
        try await StoreFixture.with { fixture in
            let blob = blobs[0]
            try await fixture.withStore { store in
                guard case .writing(let writer) = try await store.begin(blob.digest, size: 100) else {
                    Issue.record("nobody else has it")
                    return
                }
                try writer.write(ByteBuffer(bytes: blob.bytes), at: 0)
                #expect(store.open(blob.digest) == nil)
                try await store.commit(writer)
                #expect(try contents(of: try #require(store.open(blob.digest))) == blob.bytes)
            }
            try await fixture.withStore { store in
                #expect(store.size(of: blob.digest) == 100)
                #expect(store.opening == OpeningReport())
                let path = fixture.layout.blob(blob.digest)
                let modes = try [path, fixture.layout.shelf(of: blob.digest), fixture.folder].map(mode)
                #expect(modes == [0o600, 0o700, 0o700])
            }
        }
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test("no more is written than was reserved")
    func reserved() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                guard case .writing(let writer) = try await store.begin(blobs[0].digest, size: 99) else { return }
                #expect(throws: ContentStoreError.self) { try writer.write(ByteBuffer(bytes: blobs[0].bytes), at: 0) }
                await store.abandon(writer, keeping: 0)
                #expect(try fixture.bytesOnDisk() == 0)
            }
        }
    }

    @Test("the least recently used goes first, and what is used goes back to the end, also across a restart")
    func order() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore(cap: 300) { store in
                for blob in blobs[0..<3] { try await store.store(blob) }
                _ = store.open(blobs[0].digest)
            }
            try await fixture.withStore(cap: 300) { store in
                #expect(try await store.list().map(\.digest) == digests(1, 2, 0))
                try await store.store(blobs[3])
                #expect(try fixture.storedDigests() == Set(digests(2, 0, 3)))
                _ = store.open(blobs[2].digest)
                try await store.store(blobs[4])
                #expect(try fixture.storedDigests() == Set(digests(2, 3, 4)))
                #expect(try await store.status().counters["evictions"] == 2)
            }
        }
    }

    @Test("what is evicted while it is read completes")
    func evictedWhileRead() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore(cap: 100) { store in
                try await store.store(blobs[0])
                let reader = try #require(store.open(blobs[0].digest))
                try await store.store(blobs[1])
                #expect(!store.holds(blobs[0]))
                #expect(try contents(of: reader) == blobs[0].bytes)
            }
        }
    }

    @Test("what is pinned or leased never goes, with all that it refers to; nothing goes for what can't fit")
    func held() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore(cap: 1400) { store in
                let pinned = try manifestDocument(of: [blobs[0], blobs[1]])
                let leased = try manifestDocument(of: [blobs[2], blobs[3]])
                for blob in blobs[0..<5] { try await store.store(blob) }
                try await store.put(manifest: pinned, of: debian())
                try await store.put(manifest: leased, of: debian())
                try await store.pin("debian:12", to: pinned.digest)
                store.setLeased([leased.digest])
                fixture.pass(3600)
                let size = 1400 - Int64(pinned.bytes.count + leased.bytes.count) - 400
                let fits = Content(seed: 50, size: Int(size))
                await #expect(throws: ContentStoreError.self) {
                    try await store.store(Content(seed: 51, size: Int(size) + 1))
                }
                #expect(store.holds(blobs[4]), "it would not have sufficed")
                try await store.store(fits)
                #expect(!store.holds(blobs[4]))
                for blob in blobs[0..<4] { #expect(store.holds(blob)) }
                let plan = try await store.collect(toFree: .max, dryRun: true)
                #expect(plan.victims.map(\.digest) == [fits.digest])
                #expect(Set(plan.verdicts.filter { !$0.goes }.map(\.reason)) == [.pinned, .leased])
                #expect(plan.verdicts.count == 7)
                #expect(store.holds(fits), "it was only asked")
                store.setLeased([])
                #expect(try await store.unpin("debian:12"))
                #expect(try await store.unpin("debian:12") == false)
                _ = try await store.collect(toFree: .max, dryRun: false)
                #expect(try fixture.bytesOnDisk() == 0)
            }
        }
    }

    @Test("what a manifest asked for lately refers to goes last, and once it is old in its turn")
    func freshLast() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                let manifest = try manifestDocument(of: [blobs[0], blobs[1]])
                for blob in blobs[0..<3] { try await store.store(blob) }
                try await store.put(manifest: manifest, of: debian())
                let fresh = try await store.plan(toFree: 150)
                #expect(fresh.victims.map(\.digest) == [blobs[2].digest, blobs[0].digest])
                #expect(fresh.verdicts.map(\.reason).prefix(2) == [.leastRecentlyUsed, .nothingElse])
                fixture.pass(61)
                #expect(try await store.plan(toFree: 150).victims.map(\.digest) == digests(0, 1))
                try await store.setTag(
                    "12",
                    of: debian(),
                    to: CachedTag(
                        digest: manifest.digest,
                        mediaType: .ociManifest,
                        size: nil,
                        checkedAt: fixture.clock.value
                    )
                )
                #expect(try await store.plan(toFree: 100).victims.map(\.digest) == [blobs[2].digest])
            }
        }
    }

    @Test("the cap is never exceeded, while many fill at once and leave what they began")
    func capUnderLoad() async throws {
        try await StoreFixture.with { fixture in
            let cap: Int64 = 5000
            try await fixture.withStore(cap: cap) { store in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<8 as Range<UInt64> {
                        group.addTask { try await load(store, fixture, cap, seed: worker) }
                    }
                    try await group.waitForAll()
                }
                #expect(try store.used == fixture.bytesOnDisk())
            }
        }
    }

    private func load(_ store: ContentStore, _ fixture: StoreFixture, _ cap: Int64, seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<40 {
            let size = Int.random(in: 1...1500, using: &random)
            let content = Content(seed: random.next(), size: size)
            try await store.storeOrLeave(content, leaves: Bool.random(using: &random))
            let onDisk = try fixture.bytesOnDisk()
            #expect(onDisk <= cap)
            #expect(store.used <= cap)
        }
    }

    @Test("the floor of free disk holds, though the cap would allow more")
    func floor() async throws {
        try await StoreFixture.with { fixture in
            let files = StoppingFiles(free: Shared(250))
            try await fixture.withStore(minFree: 100, files: files) { store in
                try await store.store(blobs[0])
                files.free.update { $0 = 150 }
                await #expect(throws: ContentStoreError.self) { try await store.store(blobs[1]) }
                #expect(!store.holds(blobs[0]), "it went, but the disk was no freer: somebody else fills it")
                #expect(try fixture.bytesOnDisk() == 0)
                files.free.update { $0 = 200 }
                try await store.store(blobs[1])
                #expect(store.holds(blobs[1]))
            }
        }
    }

    @Test("a folder is used by one store at a time")
    func lock() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { _ in
                await #expect(throws: ContentStoreError.self) { try await fixture.open() }
            }
            try await fixture.withStore { _ in }
        }
    }

    @Test("a manifest keeps its exact bytes and type, in memory and on the disk; a blob is none")
    func manifests() async throws {
        try await StoreFixture.with { fixture in
            let document = try manifestDocument(of: Array(blobs[0..<2]))
            try await fixture.withStore { store in
                try await store.put(manifest: document, of: debian())
                try await store.put(manifest: document, of: quay())
                let held = try #require(store.manifestAtOnce(document.digest))
                #expect(Array(held.bytes.readableBytesView) == document.bytes)
            }
            try await fixture.withStore { store in
                #expect(store.manifestAtOnce(document.digest) == nil)
                let read = try #require(try await store.manifest(document.digest))
                #expect(Array(read.bytes.readableBytesView) == document.bytes)
                #expect(read.mediaType == .ociManifest)
                #expect(store.manifestAtOnce(document.digest) != nil)
                try await store.store(blobs[3])
                #expect(try await store.manifest(blobs[3].digest) == nil)
                #expect(try store.used == fixture.bytesOnDisk())
                #expect(try await store.repositories(of: document.digest) == [debian(), quay()])
            }
        }
    }

    @Test("a repository has only what its own upstream has shown it to have, until that is withdrawn or evicted")
    func members() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                try await store.store(blobs[0])
                try await store.note(debian(), has: [blobs[0].digest])
            }
            try await fixture.withStore { store in
                #expect(try store.admitsAtOnce(debian(), blobs[0].digest) == false, "memory does not know yet")
                #expect(try await store.admits(debian(), blobs[0].digest))
                #expect(try store.admitsAtOnce(debian(), blobs[0].digest))
                #expect(try await store.admits(quay(), blobs[0].digest) == false)
                #expect(try await store.admits(debian(), blobs[1].digest) == false)
                try await store.withdraw(blobs[0].digest, from: debian())
                #expect(try await store.admits(debian(), blobs[0].digest) == false)
                try await store.note(debian(), has: [blobs[0].digest])
                _ = try await store.collect(toFree: .max, dryRun: false)
            }
            try await fixture.withStore { store in
                let admits = try await store.admits(debian(), blobs[0].digest)
                #expect(!admits)
            }
        }
    }

    @Test("tags, pins and counters outlive the process; a tag goes with its manifest")
    func names() async throws {
        try await StoreFixture.with { fixture in
            let document = try manifestDocument(of: [blobs[0]])
            let tag = CachedTag(
                digest: document.digest,
                mediaType: document.mediaType,
                size: 7,
                checkedAt: fixture.clock.value
            )
            try await fixture.withStore { store in
                try await store.put(manifest: document, of: debian())
                try await store.setTag("12", of: debian(), to: tag)
                #expect(try store.tagAtOnce("12", of: debian()) == tag)
                try await store.pin("debian:12", to: document.digest)
                store.count(["hits": 2])
                try await store.flush()
                store.count(["hits": 3])
            }
            try await fixture.withStore { store in
                #expect(try await store.tag("12", of: debian()) == tag)
                #expect(try await store.tag("12", of: quay()) == nil)
                #expect(try await store.pins().map(\.reference) == ["debian:12"])
                #expect(try await store.status().counters == ["hits": 5])
                #expect(try await store.list().map(\.tags) == [["docker.io/library/debian:12"]])
                _ = try await store.unpin("debian:12")
                _ = try await store.collect(toFree: .max, dryRun: false)
            }
            try await fixture.withStore { store in
                let gone = try await store.tag("12", of: debian())
                #expect(gone == nil)
            }
        }
    }
}
