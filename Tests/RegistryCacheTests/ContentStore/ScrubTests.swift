import Foundation
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Reading again what is stored", .timeLimit(.minutes(2)))
struct ScrubTests {
    private let blobs = (0..<5).map { Content(seed: UInt64(300 + $0), size: 5 << 20) }

    private func damage(_ fixture: StoreFixture, _ content: Content) throws {
        let file = try FileHandle(forUpdating: URL(filePath: fixture.layout.blob(content.digest)))
        try file.seek(toOffset: UInt64(content.bytes.count - 1))
        try file.write(contentsOf: [content.bytes[content.bytes.count - 1] ^ 0x10])
        try file.close()
    }

    @Test("one flipped bit is found; the file is quarantined, whose it was is told, and it can be stored anew")
    func flippedBit() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                for blob in blobs[0..<2] { try await store.store(blob) }
                try await store.note(quay(), has: [blobs[0].digest])
                try damage(fixture, blobs[0])
                let told = Shared<[Digest]>([])
                let report = try await store.verify(
                    pause: { _ in },
                    onDamage: { damaged in told.update { $0.append(damaged.digest) } }
                )
                #expect(report.checked == 2)
                #expect(report.bytes == 10 << 20)
                #expect(report.damaged.map(\.digest) == [blobs[0].digest])
                #expect(report.damaged.first?.repositories == [try quay()])
                #expect(told.value == [blobs[0].digest])
                #expect(!store.holds(blobs[0]))
                #expect(store.holds(blobs[1]))
                #expect(try await store.status().quarantinedCount == 1)
                #expect(try store.used == fixture.bytesOnDisk())
                try await store.store(blobs[0])
                #expect(try contents(of: try #require(store.open(blobs[0].digest))) == blobs[0].bytes)
                #expect(try await store.verify(pause: { _ in }).damaged.isEmpty)
            }
            try await fixture.withStore { store in
                #expect(try await store.status().quarantinedCount == 1, "it stays to be looked at")
                let plan = try await store.collect(toFree: 1, dryRun: false)
                #expect(plan.victims.map(\.kind) == [.quarantined], "and is the first to go")
                #expect(try store.used == fixture.bytesOnDisk())
            }
        }
    }

    @Test("those come first that were read the longest ago, at a bounded rate")
    func orderAndRate() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                for blob in blobs { try await store.store(blob) }
                let pauses = Shared<[Duration]>([])
                let first = try await store.verify(
                    limit: 3,
                    rate: .mebibytes(1),
                    pause: { pause in pauses.update { $0.append(pause) } }
                )
                #expect(first.checked == 3)
                #expect(pauses.value.reduce(.zero, +) == .seconds(15), "15 MiB at 1 MiB a second")
                try damage(fixture, blobs[4])
                #expect(try await store.verify(limit: 2, pause: { _ in }).damaged.map(\.digest) == [blobs[4].digest])
            }
        }
    }

    @Test("reading again is no use: the order of eviction stays")
    func order() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                for blob in blobs { try await store.store(blob) }
                let before = try await store.list().map(\.digest)
                _ = try await store.verify(pause: { _ in })
                #expect(try await store.list().map(\.digest) == before)
            }
        }
    }

    @Test("a file that somebody has removed is forgotten")
    func removedFile() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                try await store.store(blobs[0])
                try FileManager.default.removeItem(atPath: fixture.layout.blob(blobs[0].digest))
                #expect(try await store.verify(pause: { _ in }).damaged.isEmpty)
                #expect(try await store.list().isEmpty)
                #expect(store.used == 0)
            }
        }
    }
}
