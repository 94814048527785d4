import Foundation
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Synchronization

@testable import RegistryCache

/// Content that a test decides, question by question.
final class FakeContent: CacheContent {
    private let quick: @Sendable (CacheRequest) -> CacheAnswer?
    private let slow: @Sendable (CacheRequest) async -> CacheAnswer
    /// What was asked, in this order; `answerAtOnce` and `answer` of one question are one.
    let asked = Shared<[CacheRequest]>([])

    init(
        atOnce quick: @escaping @Sendable (CacheRequest) -> CacheAnswer? = { _ in nil },
        slowly slow: @escaping @Sendable (CacheRequest) async -> CacheAnswer = { _ in .refusal(.unknownManifest) }
    ) {
        self.quick = quick
        self.slow = slow
    }

    func answerAtOnce(_ request: CacheRequest) -> CacheAnswer? {
        asked.update { $0.append(request) }
        return quick(request)
    }

    func answer(_ request: CacheRequest) async -> CacheAnswer { await slow(request) }
}

/// A file that a test serves.
struct BlobFile: Sendable {
    let path: String
    let bytes: [UInt8]
    /// How many descriptors of it are open.
    let open = Shared(0)

    let digest: Digest
    var request: String { "/v2/library/a/blobs/\(digest)" }

    init(in folder: TemporaryDirectory, size: Int, seed: UInt64 = 1) throws {
        var random = SplitMix64(seed: seed)
        bytes = random.bytes(size)
        digest = .sha256(of: bytes)
        path = folder.url.appending(path: UniqueName.make("blob")).path
        try Data(bytes).write(to: URL(filePath: path))
    }

    /// A descriptor of its own, as a store would give.
    func opened() -> OpenBlob {
        open.update { $0 += 1 }
        return OpenBlob(descriptor: Foundation.open(path, O_RDONLY | O_CLOEXEC), size: Int64(bytes.count)) { [open] in
            _ = Foundation.close($0)
            open.update { $0 -= 1 }
        }
    }

    /// Serves it, and its size, at once.
    func content(_ result: CacheResult = .hit) -> FakeContent {
        FakeContent(atOnce: { request in
            switch request {
            case .blob: .blob(.stored(self.opened()), result)
            case .blobHead: .blobHead(Int64(self.bytes.count), result)
            case .manifest: nil
            }
        })
    }
}

/// A fill that a test lets grow.
final class FakeGrowing: GrowingBlob {
    private struct State {
        var available: Int64 = 0
        var error: UpstreamError?
        var changed = Latch()
        var waiting = 0
    }

    let size: Int64
    var descriptor: CInt { blob.descriptor }
    private let blob: OpenBlob
    private let state = Mutex(State())
    /// Opens when somebody waits for more than there is.
    let isWaitedFor = Gate()

    init(_ file: BlobFile) {
        blob = file.opened()
        size = blob.size
    }

    /// How many wait for more.
    var waiting: Int { state.withLock { $0.waiting } }

    func grow(to available: Int64) { change { $0.available = available } }

    func fail(_ error: UpstreamError) { change { $0.error = error } }

    private func change(_ change: (inout State) -> Void) {
        let changed = state.withLock { state in
            change(&state)
            defer { state.changed = Latch() }
            return state.changed
        }
        changed.open()
    }

    func available(beyond offset: Int64) async throws -> Int64 {
        while true {
            let (available, error, changed) = state.withLock { state in
                if state.available <= offset, state.error == nil { state.waiting += 1 }
                return (state.available, state.error, state.changed)
            }
            if available > offset { return available }
            if let error { throw error }
            isWaitedFor.open()
            await changed.wait()
            state.withLock { $0.waiting -= 1 }
            try Task.checkCancellation()
        }
    }
}

extension UpstreamBody {
    /// A body of these chunks, and then perhaps an error.
    static func of(_ chunks: [[UInt8]], size: Int64?, error: UpstreamError? = nil) -> UpstreamBody {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
        for chunk in chunks { continuation.yield(ByteBuffer(bytes: chunk)) }
        continuation.finish(throwing: error)
        return UpstreamBody(totalSize: size, start: 0, end: size, chunks: stream)
    }
}

/// A manifest, served by its digest and by any tag.
struct FakeManifest: Sendable {
    let bytes: [UInt8]
    var staleness: String?

    init(_ text: String = #"{"schemaVersion":2}"#) { bytes = Array(text.utf8) }

    var digest: Digest { .sha256(of: bytes) }

    var served: ServedManifest {
        ServedManifest(
            bytes: ByteBuffer(bytes: bytes),
            mediaType: .ociManifest,
            digest: digest,
            staleness: staleness
        )
    }

    func content(_ result: CacheResult = .hit) -> FakeContent {
        FakeContent(atOnce: { _ in .manifest(self.served, result) })
    }
}
