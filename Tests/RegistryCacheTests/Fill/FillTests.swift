import Foundation
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Filling", .timeLimit(.minutes(2)))
struct FillTests {
    private let blob = Content(seed: 400, size: 1000)

    private static func readsAll(_ fetched: Fetched, _ content: Content) -> Bool {
        fetched.error == nil && fetched.bytes == content.bytes
    }

    @Test("fifty who ask for one cold blob at once cost one request, and all get it")
    func singleFlight() async throws {
        let gate = Gate()
        let blob = blob
        try await FillFixture.with([blob], scripts: [.init(wait: (500, gate))]) { fill in
            let started = Gate(count: 50)
            let results = try await withThrowingTaskGroup(of: Fetched.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        let (served, result) = try await fill.table.blob(blob.digest, of: debian())
                        started.open()
                        return await FillFixture.read(served, result)
                    }
                }
                try await started.wait()
                gate.open()
                var results: [Fetched] = []
                for try await result in group { results.append(result) }
                return results
            }
            let whole = results.filter { Self.readsAll($0, blob) }
            #expect(whole.count == 50)
            #expect(results.filter { $0.result == .miss }.count == 1)
            #expect(results.filter { $0.result == .joined }.count == 49)
            #expect(fill.upstream.opened.value.count == 1)
            let again = try await fill.fetch(blob, of: debian())
            #expect(again.result == .hit)
            #expect(again.bytes == blob.bytes)
            #expect(fill.upstream.opened.value.count == 1)
        }
    }

    @Test("who leaves does not end the fill, and who is slow keeps nobody waiting")
    func readers() async throws {
        let gate = Gate()
        let blob = blob
        try await FillFixture.with([blob], scripts: [.init(wait: (500, gate))]) { fill in
            let leaving = Task { try await fill.fetch(blob, of: debian()) }
            guard case (.filling(let slow), _) = try await fill.table.blob(blob.digest, of: debian()) else {
                Issue.record("it is being filled")
                return
            }
            // The one who leaves has read what there is, and waits for more.
            _ = try await slow.available(beyond: 499 - 1)
            leaving.cancel()
            let left = try? await leaving.value
            #expect(left?.bytes.count != 1000)
            gate.open()
            let fast = try await fill.fetch(blob, of: debian())
            #expect(Self.readsAll(fast, blob))
            try await fill.settle(blob, of: debian())
            #expect(fill.store.holds(blob))
            let late = await FillFixture.read(.filling(slow), .joined)
            #expect(Self.readsAll(late, blob), "though all of it has long been there")
            #expect(fill.upstream.opened.value.count == 1)
        }
    }

    @Test("a body that is cut is gone on with by its range, and one that ignores the range is passed over")
    func cut() async throws {
        let blob = blob
        let scripts: [FakeUpstream.Script] = [
            .init(cut: 300), .init(cut: 250, error: .unavailable("reset")), .init(refusal: .tooSlow),
            .init(cut: 700, ignoresRange: true),
        ]
        try await FillFixture.with([blob], scripts: scripts) { fill in
            let fetched = try await fill.fetch(blob, of: debian())
            #expect(Self.readsAll(fetched, blob))
            #expect(fill.upstream.opened.value == [nil, 300..<1000, 550..<1000, 550..<1000, 700..<1000])
            #expect(fill.pauses.value.count == 4)
            #expect(fill.pauses.value.allSatisfy { $0 > .zero && $0 <= .seconds(8) })
        }
    }

    @Test("what an earlier process has left is gone on with, once it has been read again")
    func resumed() async throws {
        let blob = blob
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                let upstream = FakeUpstream(
                    [blob],
                    scripts: [.init(cut: 400, error: .rateLimited(retryAfter: .seconds(9)))]
                )
                try await FillFixture.run(fixture, store, upstream) { fill in
                    let fetched = try await fill.fetch(blob, of: debian())
                    #expect(fetched.bytes == Array(blob.bytes[..<fetched.bytes.count]))
                    #expect(fetched.error is UpstreamError)
                }
            }
            try await fixture.withStore { store in
                #expect(store.opening.resumable == [blob.digest])
                let upstream = FakeUpstream([blob])
                try await FillFixture.run(fixture, store, upstream) { fill in
                    let fetched = try await fill.fetch(blob, of: debian())
                    #expect(Self.readsAll(fetched, blob))
                    #expect(upstream.opened.value == [400..<1000])
                }
            }
        }
    }

    @Test("a partial that is damaged, or of a blob that has another size now, is begun anew", arguments: [true, false])
    func uselessPartial(isDamaged: Bool) async throws {
        let blob = blob
        try await FillFixture.with([blob]) { fill in
            var bytes = blob.bytes
            bytes[3] ^= 1
            guard case .writing(let writer) = try await fill.store.begin(blob.digest, size: isDamaged ? 1000 : 1001)
            else { return }
            try writer.write(ByteBuffer(bytes: bytes), at: 0)
            await fill.store.abandon(writer, keeping: 1000)
            let fetched = try await fill.fetch(blob, of: debian())
            #expect(Self.readsAll(fetched, blob))
            #expect(fill.upstream.opened.value.last == .some(nil), "all of it was asked for")
        }
    }

    @Test("wrong bytes, too few and too many are never delivered whole, and nothing is kept of them")
    func wrongBodies() async throws {
        let blob = blob
        var flipped = blob.bytes
        flipped[999] ^= 1
        let scripts: [[FakeUpstream.Script]] = [
            [.init(bytes: flipped)], [.init(totalSize: 999)],
            Array(repeating: .init(cut: 0, totalSize: 1001), count: 40),
            [.init(totalSize: 1001)] + Array(repeating: .init(totalSize: 1001), count: 40),
        ]
        for script in scripts {
            try await FillFixture.with([blob], scripts: script) { fill in
                let fetched = try? await fill.fetch(blob, of: debian())
                // Who was told of more bytes than there are never gets the last of them.
                let isBroken = fetched.map { $0.error is UpstreamError } ?? true
                #expect(isBroken)
                try await fill.settle(blob, of: debian())
                #expect(!fill.store.holds(blob))
                let onDisk = try fill.fixture.bytesOnDisk()
                #expect(onDisk == 0)
                fill.upstream.scripts.update { $0 = [] }
                let again = try await fill.fetch(blob, of: debian())
                #expect(Self.readsAll(again, blob), "the next one gets it")
            }
        }
    }

    @Test("an empty blob comes, and so does one whose size nobody says")
    func sizes() async throws {
        let empty = Content([])
        let blob = blob
        try await FillFixture.with([empty, blob], scripts: [.init(), .init(saysNoSize: true)]) { fill in
            let nothing = try await fill.fetch(empty, of: debian())
            #expect(Self.readsAll(nothing, empty))
            let fetched = try await fill.fetch(blob, of: debian())
            #expect(Self.readsAll(fetched, blob))
            #expect(fill.upstream.sizesAsked.value == 1)
        }
    }

    @Test("what is larger than the cap is handed through, checked, and leaves nothing")
    func largerThanCap() async throws {
        let blob = blob
        var flipped = blob.bytes
        flipped[0] ^= 1
        let wrong = flipped
        try await FillFixture.with([blob], cap: 999) { fill in
            let fetched = try await fill.fetch(blob, of: debian())
            #expect(fetched.result == .uncached)
            #expect(Self.readsAll(fetched, blob))
            for script in [FakeUpstream.Script(bytes: wrong), .init(cut: 950), .init(totalSize: 1001)] {
                fill.upstream.scripts.update { $0 = [script] }
                let broken = try await fill.fetch(blob, of: debian())
                #expect(broken.error is UpstreamError)
                #expect(broken.bytes.count < 1000)
            }
            let onDisk = try fill.fixture.bytesOnDisk()
            #expect(onDisk == 0)
        }
    }

    @Test("on a full disk the pull goes on, uncached", .enabled(if: TestMount.isPossible))
    func fullDisk() async throws {
        let large = Content(seed: 5, size: 9 << 20)
        try await StoreFixture.with { fixture in
            try FileManager.default.createDirectory(atPath: fixture.folder, withIntermediateDirectories: false)
            try await TestMount.with(["-t", "tmpfs", "-o", "size=8m", "tmpfs"], on: fixture.folder) {
                try await fixture.withStore { store in
                    let upstream = FakeUpstream([large], chunkSize: 1 << 20)
                    try await FillFixture.run(fixture, store, upstream) { fill in
                        let fetched = try await fill.fetch(large, of: debian())
                        #expect(fetched.result == .uncached)
                        #expect(Self.readsAll(fetched, large))
                        let onDisk = try fixture.bytesOnDisk()
                        #expect(onDisk == 0)
                    }
                }
            }
        }
    }

    @Test("a disk that fills up while a blob comes: others go for it once; else it is broken off, and nothing is left")
    func fillsUp() async throws {
        let blob = blob
        // The first write of the fill: folders, the index, its row and its file come before.
        for (once, isWhole) in [(true, true), (false, false)] {
            var files = StoppingFiles()
            files.code = ENOSPC
            files.failsOnce = once
            files.stop = try await StoppingFiles.changesBeforeFirstWrite()
            try await FillFixture.with([blob], files: files) { fill in
                let fetched = try? await fill.fetch(blob, of: debian())
                #expect((fetched.map { Self.readsAll($0, blob) } ?? false) == isWhole)
                try await fill.settle(blob, of: debian())
                #expect(fill.store.holds(blob) == isWhole)
            }
        }
    }

    @Test("an answer of the upstream is passed on, and another repository that waited asks for itself")
    func refusals() async throws {
        let blob = blob
        try await FillFixture.with([blob], scripts: [.init(refusal: .forbidden)]) { fill in
            await #expect(throws: UpstreamError.self) { _ = try await fill.table.blob(blob.digest, of: debian()) }
            let fetched = try await fill.fetch(blob, of: quay())
            #expect(Self.readsAll(fetched, blob))
        }
    }

    @Test("when fills end for good, what has come is kept, and whoever waits is told")
    func stopped() async throws {
        let gate = Gate()
        let blob = blob
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                let upstream = FakeUpstream([blob], scripts: [.init(wait: (500, gate))])
                let growing = Shared<(any GrowingBlob)?>(nil)
                let table = Shared<FillTable?>(nil)
                try await FillFixture.run(fixture, store, upstream) { fill in
                    guard case (.filling(let blob), _) = try await fill.table.blob(blob.digest, of: debian()) else {
                        return
                    }
                    _ = try await blob.available(beyond: 498)
                    growing.update { $0 = blob }
                    table.update { $0 = fill.table }
                }
                await #expect(throws: UpstreamError.self) { _ = try await growing.value?.available(beyond: 500) }
                await #expect(throws: UpstreamError.self) { _ = try await table.value?.blob(blob.digest, of: debian()) }
                let partial = try await store.partial(blob.digest)
                #expect(partial?.length == 500)
                #expect(partial?.size == 1000)
            }
        }
    }

    @Test("a range of a cold blob waits for its own bytes only")
    func range() async throws {
        let gate = Gate()
        let blob = blob
        try await FillFixture.with([blob], scripts: [.init(wait: (500, gate))]) { fill in
            guard case (.filling(let growing), .miss) = try await fill.table.blob(blob.digest, of: debian()) else {
                Issue.record("it is being filled")
                return
            }
            var end: Int64 = 0
            while end < 400 { end = try await growing.available(beyond: end) }
            let part = try contents(of: growing.descriptor, 300..<400)
            #expect(part == Array(blob.bytes[300..<400]))
            gate.open()
        }
    }
}
