import Foundation
import GRDB
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("A store's folder as it is found", .timeLimit(.minutes(2)))
struct StoreOpeningTests {
    private let blobs = (0..<3).map { Content(seed: UInt64(200 + $0), size: 1000) }

    private func fill(_ fixture: StoreFixture) async throws -> ManifestDocument {
        let store = try await fixture.open()
        for blob in blobs { try await store.store(blob) }
        let manifest = try manifestDocument(of: blobs)
        try await store.put(manifest: manifest, of: debian())
        await store.close()
        return manifest
    }

    private func removeIndex(_ fixture: StoreFixture) throws {
        for suffix in ["", "-wal", "-shm"] where StoreLayout.size(of: fixture.layout.index + suffix) != nil {
            try FileManager.default.removeItem(atPath: fixture.layout.index + suffix)
        }
    }

    @Test("without its index, all is found again from the files, manifests and what they refer to included")
    func deletedIndex() async throws {
        try await StoreFixture.with { fixture in
            let manifest = try await fill(fixture)
            try removeIndex(fixture)
            try await fixture.withStore { store in
                #expect(Set(store.opening.adopted) == Set(blobs.map(\.digest) + [manifest.digest]))
                #expect(try await store.manifest(manifest.digest)?.mediaType == .ociManifest)
                #expect(try await store.admits(debian(), manifest.digest) == false, "that was in the index alone")
                try await store.pin("it", to: manifest.digest)
                #expect(try await store.plan(toFree: .max).victims.isEmpty, "its children are known")
                #expect(try store.used == fixture.bytesOnDisk())
            }
            try await fixture.withStore { #expect($0.opening == OpeningReport()) }
        }
    }

    @Test("a damaged index is moved aside and made anew", arguments: ["no database", "SQLite format 3\u{0}rest"])
    func damagedIndex(text: String) async throws {
        try await StoreFixture.with { fixture in
            _ = try await fill(fixture)
            try removeIndex(fixture)
            try Data(text.utf8).write(to: URL(filePath: fixture.layout.index))
            try await fixture.withStore { store in
                #expect(store.opening.wasIndexDamaged)
                #expect(store.opening.adopted.count == 4)
            }
            let aside = FileManager.default.contents(atPath: "\(fixture.layout.index).damaged")
            #expect(aside == Data(text.utf8))
        }
    }

    @Test("an index of a newer Roost is refused, and left as it is")
    func newerIndex() async throws {
        try await StoreFixture.with { fixture in
            _ = try await fill(fixture)
            let database = try DatabaseQueue(path: fixture.layout.index)
            try await database.write { db in
                try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('of tomorrow')")
            }
            try database.close()
            let before = FileManager.default.contents(atPath: fixture.layout.index)
            let error = await #expect(throws: ContentStoreError.self) { try await fixture.open() }
            guard case .newerIndex = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(FileManager.default.contents(atPath: fixture.layout.index) == before)
            #expect(try fixture.storedDigests().count == 4)
        }
    }

    @Test("rows without a file are dropped; files that are not what their names say, links and strangers are removed")
    func disagreement() async throws {
        try await StoreFixture.with { fixture in
            _ = try await fill(fixture)
            let manager = FileManager.default
            try manager.removeItem(atPath: fixture.layout.blob(blobs[0].digest))
            // Cut by a loss of power.
            try Data(blobs[1].bytes[..<10]).write(to: URL(filePath: fixture.layout.blob(blobs[1].digest)))
            let link = Content(seed: 1, size: 10)
            try manager.createDirectory(
                atPath: fixture.layout.shelf(of: link.digest),
                withIntermediateDirectories: true
            )
            try manager.createSymbolicLink(
                atPath: fixture.layout.blob(link.digest),
                withDestinationPath: fixture.layout.blob(blobs[2].digest)
            )
            for name in ["partial/sha256-zz", "partial/\(StoreLayout.flatName(link.digest))", "quarantine/x"] {
                try Data("x".utf8).write(to: URL(filePath: "\(fixture.folder)/\(name)"))
            }
            try Data("x".utf8).write(to: URL(filePath: "\(fixture.layout.shelf(of: link.digest))/strange"))
            try await fixture.withStore { store in
                #expect(Set(store.opening.dropped) == [blobs[0].digest, blobs[1].digest])
                #expect(store.opening.removed.count == 6)
                #expect(!store.holds(blobs[0]))
                #expect(!store.holds(blobs[1]))
                #expect(store.open(link.digest) == nil)
                #expect(store.holds(blobs[2]))
                let onDisk = try fixture.bytesOnDisk()
                #expect(store.used == onDisk)
            }
        }
    }

    @Test("a store that is larger than a new cap is brought under it by the next fill or collection")
    func smallerCap() async throws {
        try await StoreFixture.with { fixture in
            _ = try await fill(fixture)
            fixture.pass(3600)
            try await fixture.withStore(cap: 2000) { store in
                #expect(store.used > 2000)
                let plan = try await store.collect(dryRun: false)
                #expect(plan.suffices)
                #expect(try fixture.bytesOnDisk() <= 2000)
                #expect(try await store.collect(dryRun: false).victims.isEmpty)
            }
        }
    }

    @Test(
        "on a disk of 8 MiB that is full, a fill is refused before its first byte, and leaves nothing",
        .enabled(if: TestMount.isPossible)
    )
    func fullDisk() async throws {
        try await StoreFixture.with { fixture in
            try FileManager.default.createDirectory(atPath: fixture.folder, withIntermediateDirectories: false)
            try await TestMount.with(["-t", "tmpfs", "-o", "size=8m", "tmpfs"], on: fixture.folder) {
                try await fixture.withStore { store in
                    let large = Content(seed: 1, size: 9 << 20)
                    let error = await #expect(throws: ContentStoreError.self) { try await store.store(large) }
                    #expect(error?.isLackOfRoom == true)
                    #expect(try fixture.bytesOnDisk() == 0)
                    // What fits makes room for itself, over and over.
                    for seed in 2...6 as ClosedRange<UInt64> {
                        let content = Content(seed: seed, size: 3 << 20)
                        try await store.store(content)
                        #expect(store.holds(content))
                    }
                    #expect(try store.used == fixture.bytesOnDisk())
                }
            }
        }
    }
}
