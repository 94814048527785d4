import Foundation
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

/// Everything stops before each change in turn: of the folder, of a file, of a name, of the index.
@Suite("The store after the end of its process", .timeLimit(.minutes(5)))
struct StoreCrashTests {
    private let cap: Int64 = 700
    private let blobs = (0..<7).map { Content(seed: UInt64(100 + $0), size: 150 + $0) }

    /// What has been told to be done, in that order.
    private struct Told {
        var stored: [Digest] = []
        var pins: [String] = []
    }

    @Test(
        "whenever it ends: whole blobs, partials that can be gone on with, and nothing else; the account and the order hold"
    )
    func everyChange() async throws {
        var count = 0
        try await StoreFixture.with { fixture in
            let files = StoppingFiles()
            var told = Told()
            try await work(fixture, files, &told)
            count = files.count.value
            try await examine(fixture, told, isComplete: true)
        }
        #expect(count > 80, "all kinds of changes are among them")
        for stop in 1...max(count, 1) {
            try await StoreFixture.with { fixture in
                let files = StoppingFiles(stop: stop)
                var told = Told()
                await #expect(throws: (any Error).self, "change \(stop)") { try await work(fixture, files, &told) }
                try await examine(fixture, told, isComplete: false)
            }
        }
    }

    @Test("a disk that fails once costs at most what was being done, and the store goes on")
    func everyFailure() async throws {
        var count = 0
        try await StoreFixture.with { fixture in
            let files = StoppingFiles()
            var told = Told()
            try await work(fixture, files, &told)
            count = files.count.value
        }
        for failure in 1...max(count, 1) {
            try await StoreFixture.with { fixture in
                var files = StoppingFiles(stop: failure)
                files.failsOnce = true
                var told = Told()
                // What fails is told, or was not needed.
                try? await work(fixture, files, &told)
                try await examine(fixture, told, isComplete: false)
            }
        }
    }

    /// Some of everything that a store does.
    private func work(_ fixture: StoreFixture, _ files: StoppingFiles, _ told: inout Told) async throws {
        let store = try await fixture.open(cap: cap, files: files)
        do {
            try await work(store, &told)
            // To be over only when all is written.
            try await store.flush()
        } catch {
            await store.close()
            #expect(try fixture.bytesOnDisk() <= cap)
            throw error
        }
        #expect(try store.used == fixture.bytesOnDisk())
        await store.close()
    }

    private func work(_ store: ContentStore, _ told: inout Told) async throws {
        for blob in blobs[0..<2] {
            try await store.store(blob)
            told.stored.append(blob.digest)
        }
        let manifest = try manifestDocument(of: [blobs[6]])
        _ = store.open(blobs[0].digest)
        try await leave(store, blobs[2], half: true)
        try await store.pin("docker.io/library/debian:12", to: blobs[1].digest)
        told.pins.append("docker.io/library/debian:12")
        try await store.flush()
        // The half is gone on with.
        guard case .writing(let writer) = try await store.begin(blobs[2].digest, size: Int64(blobs[2].bytes.count))
        else { throw CancellationError() }
        // All of it, where the half was lost to a disk that failed.
        let length = Int(writer.resumableLength)
        try writer.write(ByteBuffer(bytes: blobs[2].bytes[length...]), at: Int64(length))
        try await store.commit(writer)
        told.stored.append(blobs[2].digest)
        // There is no room for these but where others have been.
        try await store.put(manifest: manifest, of: debian())
        told.stored.append(manifest.digest)
        try await store.store(blobs[3])
        told.stored.append(blobs[3].digest)
        try await leave(store, blobs[4], half: true)
        try await leave(store, blobs[5], half: false)
        try flip(store, blobs[3])
        _ = try await store.verify(pause: { _ in })
        told.stored.removeAll { $0 == blobs[3].digest }
        _ = try await store.collect(toFree: 200, dryRun: false)
    }

    private func leave(_ store: ContentStore, _ content: Content, half: Bool) async throws {
        guard case .writing(let writer) = try await store.begin(content.digest, size: Int64(content.bytes.count))
        else { throw CancellationError() }
        do {
            try writer.write(ByteBuffer(bytes: content.bytes[..<75]), at: 0)
        } catch {
            await store.abandon(writer, keeping: 0)
            throw error
        }
        await store.abandon(writer, keeping: half ? 75 : 0)
    }

    private func flip(_ store: ContentStore, _ content: Content) throws {
        let path = store.layout.blob(content.digest)
        var bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
        bytes[17] ^= 1
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.write(contentsOf: bytes)
        try file.close()
    }

    private func examine(_ fixture: StoreFixture, _ told: Told, isComplete: Bool) async throws {
        let before = try fixture.bytesIfAny()
        #expect(before <= cap)
        try await fixture.withStore(cap: cap) { store in
            let stored = try fixture.storedDigests()
            for digest in stored {
                let bytes = try contents(of: try #require(store.open(digest)))
                if digest != blobs[3].digest { #expect(digest.matches(bytes), "what is whole is right") }
            }
            let entries = try await store.list()
            #expect(
                Set(entries.map(\.digest)) == stored,
                "each file has its place in the order, and each place its file"
            )
            #expect(try store.used == fixture.bytesOnDisk(), "the account is right")
            #expect(try fixture.bytesOnDisk() <= cap)
            let partials = try store.index.partials()
            let files = try StoreFixture.files(below: fixture.layout.partials)
            #expect(files.count == partials.count, "no partial that nobody knows of")
            #expect(Set(partials.keys) == Set(store.opening.resumable))
            let top = try FileManager.default.contentsOfDirectory(atPath: fixture.folder)
            let expected: Set = [
                "blobs", "partial", "quarantine", "index.sqlite", "index.sqlite-wal", "index.sqlite-shm",
            ]
            #expect(Set(top).isSubset(of: expected), "nothing is left beside")
            #expect(Set(told.pins).isSubset(of: Set(try await store.pins().map(\.reference))))
            // All that was cut can be gone on with, and all that is missing stored.
            for blob in blobs where !store.holds(blob) {
                guard case .writing(let writer) = try await store.begin(blob.digest, size: Int64(blob.bytes.count))
                else { throw CancellationError() }
                let length = Int(writer.resumableLength)
                let there = try contents(of: writer.descriptor, 0..<Int64(length))
                #expect(there == Array(blob.bytes[..<length]))
                try writer.write(ByteBuffer(bytes: blob.bytes[length...]), at: Int64(length))
                try await store.commit(writer)
                #expect(store.holds(blob))
                #expect(try fixture.bytesOnDisk() <= cap)
            }
        }
    }
}

extension StoreFixture {
    fileprivate func bytesIfAny() throws -> Int64 {
        FileManager.default.fileExists(atPath: layout.quarantine) ? try bytesOnDisk() : 0
    }
}
