import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting

@testable import RegistryCache

/// An upstream that a test controls.
final class FakeUpstream: UpstreamSource {
    /// What an opened body does.
    struct Script: Sendable {
        /// How many bytes come before it ends.
        var cut: Int64 = 1 << 40
        /// What it ends with.
        var error: UpstreamError?
        /// Where it waits until the gate opens: before the byte of that offset in the blob.
        var wait: (offset: Int64, gate: Gate)?
        /// Sends all, whatever range was asked for.
        var ignoresRange = false
        /// What it says the whole size is; `nil` for the truth.
        var totalSize: Int64?
        var saysNoSize = false
        /// Bytes other than those that the digest is of.
        var bytes: [UInt8]?
        /// Fails to open.
        var refusal: UpstreamError?
    }

    let contents = Shared<[Digest: [UInt8]]>([:])
    /// Scripts for the next bodies; those after them are sent whole.
    let scripts = Shared<[Script]>([])
    let opened = Shared<[Range<Int64>?]>([])
    let sizesAsked = Shared(0)
    private let chunkSize: Int

    init(_ contents: [Content], chunkSize: Int = 100, scripts: [Script] = []) {
        self.chunkSize = chunkSize
        self.contents.update { all in for content in contents { all[content.digest] = content.bytes } }
        self.scripts.update { $0 = scripts }
    }

    func head(_ name: ManifestName, of repository: CachedRepository, deadline: Duration) async throws(UpstreamError)
        -> ManifestHead
    { throw .notFound }

    func manifest(_ name: ManifestName, of repository: CachedRepository, deadline: Duration) async throws(UpstreamError)
        -> ManifestDocument
    { throw .notFound }

    func size(of blob: Digest, in repository: CachedRepository) async throws(UpstreamError) -> Int64 {
        sizesAsked.update { $0 += 1 }
        guard let bytes = contents.value[blob] else { throw .notFound }
        return Int64(bytes.count)
    }

    func open(_ blob: Digest, of repository: CachedRepository, range: Range<Int64>?) async throws(UpstreamError)
        -> UpstreamBody
    {
        opened.update { $0.append(range) }
        var script = Script()
        scripts.update { scripts in if !scripts.isEmpty { script = scripts.removeFirst() } }
        if let refusal = script.refusal { throw refusal }
        guard let bytes = script.bytes ?? contents.value[blob] else { throw .notFound }
        let start = script.ignoresRange ? 0 : range?.lowerBound ?? 0
        let sender = Sender(bytes: bytes, script: script, position: start, chunkSize: chunkSize)
        return UpstreamBody(
            totalSize: script.saysNoSize ? nil : script.totalSize ?? Int64(bytes.count),
            start: start,
            end: nil,
            chunks: AsyncThrowingStream(unfolding: { try await sender.next() })
        )
    }

    private actor Sender {
        let bytes: [UInt8]
        let script: Script
        let chunkSize: Int
        var position: Int64
        var sent: Int64 = 0

        init(bytes: [UInt8], script: Script, position: Int64, chunkSize: Int) {
            self.bytes = bytes
            self.script = script
            self.position = position
            self.chunkSize = chunkSize
        }

        func next() async throws -> ByteBuffer? {
            if sent >= script.cut || position >= Int64(bytes.count) {
                if sent >= script.cut, let error = script.error { throw error }
                return nil
            }
            var end = min(
                Int64(bytes.count),
                position + Int64(chunkSize),
                position + script.cut - min(sent, script.cut)
            )
            if let (offset, gate) = script.wait {
                if position >= offset { try await gate.wait() } else { end = min(end, offset) }
            }
            defer {
                sent += end - position
                position = end
            }
            return ByteBuffer(bytes: bytes[Int(position)..<Int(end)])
        }
    }
}

/// A store, an upstream and fills between them.
struct FillFixture {
    let fixture: StoreFixture
    let store: ContentStore
    let upstream: FakeUpstream
    let table: FillTable
    /// The pauses that were made.
    let pauses: Shared<[Duration]>

    static func with(
        _ contents: [Content],
        scripts: [FakeUpstream.Script] = [],
        cap: Int64 = 1 << 30,
        patience: FillPatience = FillPatience(),
        files: any StoreFiles = SystemFiles(),
        _ body: @Sendable @escaping (FillFixture) async throws -> Void
    ) async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore(cap: cap, files: files) { store in
                let upstream = FakeUpstream(contents, scripts: scripts)
                try await run(fixture, store, upstream, patience: patience, body)
            }
        }
    }

    /// Fills for as long as `body` runs.
    static func run(
        _ fixture: StoreFixture,
        _ store: ContentStore,
        _ upstream: FakeUpstream,
        patience: FillPatience = FillPatience(),
        _ body: @Sendable @escaping (FillFixture) async throws -> Void
    ) async throws {
        let pauses = Shared<[Duration]>([])
        let table = FillTable(
            store: store,
            upstream: upstream,
            patience: patience,
            pause: { pause in pauses.update { $0.append(pause) } }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await table.run() }
            try await body(
                FillFixture(fixture: fixture, store: store, upstream: upstream, table: table, pauses: pauses)
            )
            group.cancelAll()
        }
    }

    /// What a client gets: all bytes, or those up to where it broke off.
    func fetch(_ content: Content, of repository: CachedRepository) async throws -> Fetched {
        let (blob, result) = try await table.blob(content.digest, of: repository)
        return await Self.read(blob, result)
    }

    static func read(_ blob: ServedBlob, _ result: CacheResult) async -> Fetched {
        var bytes: [UInt8] = []
        do {
            switch blob {
            case .stored(let file): bytes = try RegistryCacheTests.contents(of: file)
            case .filling(let growing):
                while Int64(bytes.count) < growing.size {
                    let start = Int64(bytes.count)
                    let end = try await growing.available(beyond: start)
                    bytes += try RegistryCacheTests.contents(of: growing.descriptor, start..<end)
                }
            case .passing(let body):
                for try await chunk in body.chunks { bytes += Array(chunk.readableBytesView) }
            }
            return Fetched(bytes: bytes, result: result, error: nil)
        } catch {
            return Fetched(bytes: bytes, result: result, error: error)
        }
    }

    /// Waits until no fill is under way.
    func settle(_ content: Content, of repository: CachedRepository) async throws {
        while table.digests.contains(content.digest) { await Task.yield() }
    }
}

struct Fetched: Sendable {
    let bytes: [UInt8]
    let result: CacheResult
    let error: (any Error)?
}
