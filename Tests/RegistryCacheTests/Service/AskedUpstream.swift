import NIOCore
import OCIDistribution
import RoostTesting
import Synchronization

@testable import RegistryCache

/// An upstream that a test fills, counts and breaks.
final class AskedUpstream: UpstreamSource {
    /// What was asked, in words: `HEAD quay.io/a:1`.
    let asked = Shared<[String]>([])
    /// What every question fails with.
    let failure = Shared<UpstreamError?>(nil)
    /// Questions wait for it, where it is there, once they are counted.
    let gate = Shared<Gate?>(nil)
    /// Told of each question.
    let onQuestion = Shared<(@Sendable (String) -> Void)?>(nil)

    private struct State {
        var manifests: [CachedRepository: [String: ManifestDocument]] = [:]
        var blobs: [CachedRepository: [Digest: [UInt8]]] = [:]
    }
    private let state = Mutex(State())

    func set(_ tag: String, of repository: CachedRepository, to manifest: ManifestDocument?) {
        state.withLock { state in
            state.manifests[repository, default: [:]][tag] = manifest
            guard let manifest else { return }
            state.manifests[repository, default: [:]][manifest.digest.description] = manifest
        }
    }

    func add(_ content: Content, to repository: CachedRepository) {
        state.withLock { $0.blobs[repository, default: [:]][content.digest] = content.bytes }
    }

    func count(_ prefix: String) -> Int { asked.value.count { $0.hasPrefix(prefix) } }

    private func ask(_ question: String) async throws(UpstreamError) {
        asked.update { $0.append(question) }
        onQuestion.value?(question)
        if let gate = gate.value {
            do { try await gate.wait() } catch { throw .cancelled }
        }
        if let failure = failure.value { throw failure }
    }

    private func document(_ name: ManifestName, _ repository: CachedRepository) throws(UpstreamError)
        -> ManifestDocument
    {
        guard let found = state.withLock({ $0.manifests[repository]?[name.description] }) else { throw .notFound }
        return found
    }

    private func bytes(_ digest: Digest, _ repository: CachedRepository) throws(UpstreamError) -> [UInt8] {
        guard let found = state.withLock({ $0.blobs[repository]?[digest] }) else { throw .notFound }
        return found
    }

    func head(
        _ name: ManifestName,
        of repository: CachedRepository,
        deadline: Duration
    ) async throws(UpstreamError) -> ManifestHead {
        try await ask("HEAD \(repository) \(name) within \(deadline)")
        let found = try document(name, repository)
        return ManifestHead(digest: found.digest, mediaType: found.mediaType, size: Int64(found.bytes.count))
    }

    func manifest(
        _ name: ManifestName,
        of repository: CachedRepository,
        deadline: Duration
    ) async throws(UpstreamError) -> ManifestDocument {
        try await ask("GET \(repository) \(name)")
        return try document(name, repository)
    }

    func size(of blob: Digest, in repository: CachedRepository) async throws(UpstreamError) -> Int64 {
        try await ask("SIZE \(repository) \(blob)")
        return Int64(try bytes(blob, repository).count)
    }

    func open(
        _ blob: Digest,
        of repository: CachedRepository,
        range: Range<Int64>?
    ) async throws(UpstreamError) -> UpstreamBody {
        try await ask("OPEN \(repository) \(blob)")
        let all = try bytes(blob, repository)
        let range = range ?? 0..<Int64(all.count)
        let part = Array(all[Int(range.lowerBound)..<min(Int(range.upperBound), all.count)])
        let chunks = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(bytes: part))
            continuation.finish()
        }
        return UpstreamBody(
            totalSize: Int64(all.count),
            start: range.lowerBound,
            end: range.lowerBound + Int64(part.count),
            chunks: chunks
        )
    }
}
