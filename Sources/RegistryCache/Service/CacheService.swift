package import Foundation
import NIOCore
import OCIDistribution

/// What the cache's port serves: content from the store where it is there and may be had, else from its upstream, kept for the next.
package struct CacheService: CacheContent {
    private let store: ContentStore
    private let upstream: any UpstreamSource
    private let fills: FillTable
    private let freshness: TagFreshness
    private let now: @Sendable () -> Date
    private let report: @Sendable (String) -> Void
    private let manifests = SharedFetch<ManifestQuestion, ManifestOutcome>()
    private let proofs = SharedFetch<BlobQuestion, ProofOutcome>()

    private struct ManifestQuestion: Hashable, Sendable {
        let repository: CachedRepository
        let name: ManifestName
    }

    private struct BlobQuestion: Hashable, Sendable {
        let repository: CachedRepository
        let digest: Digest
    }

    private enum ManifestOutcome: Sendable {
        case served(ServedManifest, CacheResult)
        case failed(UpstreamError)
    }

    private enum ProofOutcome: Sendable {
        /// It may have the blob, of this size in bytes.
        case admitted(Int64)
        case failed(UpstreamError)
    }

    /// How long an upstream may take for a manifest of which nothing is cached.
    private static let patience = Duration.seconds(20)

    /// - Parameters:
    ///   - store: What is kept.
    ///   - upstream: Where the rest comes from.
    ///   - fills: Fills the store; ``FillTable/run()`` runs meanwhile.
    ///   - freshness: How long tags are trusted.
    ///   - now: The time.
    ///   - report: Told what an operator should know: what is served stale, and why; what can't be kept.
    package init(
        store: ContentStore,
        upstream: any UpstreamSource,
        fills: FillTable,
        freshness: TagFreshness = TagFreshness(),
        now: @escaping @Sendable () -> Date = { Date() },
        report: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.upstream = upstream
        self.fills = fills
        self.freshness = freshness
        self.now = now
        self.report = report
    }

    package func answerAtOnce(_ request: CacheRequest) -> CacheAnswer? {
        switch request {
        case .manifest(let repository, .digest(let digest)):
            guard store.admitsAtOnce(repository, digest), let held = store.manifestAtOnce(digest) else { return nil }
            return .manifest(ServedManifest(bytes: held.bytes, mediaType: held.mediaType, digest: digest), .hit)
        case .manifest(let repository, .tag(let name)):
            guard let tag = store.tagAtOnce(name, of: repository),
                freshness.step(checkedAt: tag.checkedAt, now: now()) == .serve,
                let held = store.manifestAtOnce(tag.digest)
            else { return nil }
            return .manifest(ServedManifest(bytes: held.bytes, mediaType: held.mediaType, digest: tag.digest), .hit)
        case .blob(let repository, let digest):
            guard store.admitsAtOnce(repository, digest), let blob = store.open(digest) else { return nil }
            return .blob(.stored(blob), .hit)
        case .blobHead(let repository, let digest):
            guard store.admitsAtOnce(repository, digest), let size = store.size(of: digest) else { return nil }
            return .blobHead(size, .hit)
        }
    }

    package func answer(_ request: CacheRequest) async -> CacheAnswer {
        do throws(UpstreamError) {
            switch request {
            case .manifest(let repository, let name): return try await manifest(name, of: repository)
            case .blob(let repository, let digest): return try await blob(digest, of: repository)
            case .blobHead(let repository, let digest): return try await head(digest, of: repository)
            }
        } catch {
            return .refusal(CacheRefusal(error, of: request))
        }
    }
}

// MARK: - Manifests

extension CacheService {
    /// A question that many ask at once is put to the upstream once; a refusal is remembered for a short while.
    private func manifest(
        _ name: ManifestName,
        of repository: CachedRepository
    ) async throws(UpstreamError) -> CacheAnswer {
        let outcome: ManifestOutcome
        do {
            outcome = try await manifests.value(for: ManifestQuestion(repository: repository, name: name)) {
                () async throws(RegistryError.Failure) in
                do throws(UpstreamError) {
                    let (served, result) =
                        switch name {
                        case .digest(let digest): try await self.manifest(digest, repository)
                        case .tag(let tag): try await self.manifest(tagged: tag, repository)
                        }
                    return (.served(served, result), .zero)
                } catch {
                    // Another of those who wait goes on in the place of one that is gone.
                    if case .cancelled = error { throw .cancelled }
                    return (.failed(error), TagFreshness.lifetime(of: error))
                }
            }
        } catch {
            throw .cancelled
        }
        switch outcome {
        case .served(let manifest, let result): return .manifest(manifest, result)
        case .failed(let error): throw error
        }
    }

    private func manifest(
        _ digest: Digest,
        _ repository: CachedRepository
    ) async throws(UpstreamError) -> (ServedManifest, CacheResult) {
        if let held = await stored(digest) {
            if await admits(repository, digest) { return (held, .hit) }
            // Another repository's: this one's upstream has to say that it is here too.
            _ = try await upstream.head(.digest(digest), of: repository, deadline: Self.patience)
            await keep { () async throws(ContentStoreError) in try await store.note(repository, has: [digest]) }
            return (held, .revalidated)
        }
        return (try await fetch(.digest(digest), repository, within: Self.patience), .miss)
    }

    private func manifest(
        tagged name: String,
        _ repository: CachedRepository
    ) async throws(UpstreamError) -> (ServedManifest, CacheResult) {
        let cached: CachedTag?
        do { cached = try await store.tag(name, of: repository) } catch { cached = nil }
        guard let cached, let held = await stored(cached.digest) else {
            return (try await fetch(.tag(name), repository, within: Self.patience), .miss)
        }
        let deadline: Duration
        switch freshness.step(checkedAt: cached.checkedAt, now: now()) {
        case .serve: return (held, .hit)
        case .fetch: deadline = Self.patience
        case .revalidate(let time): deadline = time
        }
        let answer: Result<Digest, UpstreamError>
        do throws(UpstreamError) {
            answer = .success(try await upstream.head(.tag(name), of: repository, deadline: deadline).digest)
        } catch {
            answer = .failure(error)
        }
        switch TagFreshness.verdict(cached: cached.digest, answer) {
        case .confirmed:
            await keep(tag: name, repository, held)
            return (held, .revalidated)
        case .moved(let digest):
            if let held = await stored(digest), await admits(repository, digest) {
                await keep(tag: name, repository, held)
                return (held, .revalidated)
            }
            do throws(UpstreamError) {
                let fetched = try await fetch(.digest(digest), repository, within: Self.patience)
                await keep(tag: name, repository, fetched)
                return (fetched, .miss)
            } catch  where !error.isAnswer {
                return try stale(held, name, repository, error)
            }
        case .refused(let error):
            if case .notFound = error {
                await keep { () async throws(ContentStoreError) in try await store.removeTag(name, of: repository) }
            }
            throw error
        case .stale(let error): return try stale(held, name, repository, error)
        }
    }

    private func stale(
        _ manifest: ServedManifest,
        _ tag: String,
        _ repository: CachedRepository,
        _ error: UpstreamError
    ) throws(UpstreamError) -> (ServedManifest, CacheResult) {
        if case .cancelled = error { throw error }
        report("\(repository):\(tag): served as it was when last asked for: \(error)")
        return (
            ServedManifest(
                bytes: manifest.bytes,
                mediaType: manifest.mediaType,
                digest: manifest.digest,
                staleness: "\(error)"
            ), .stale
        )
    }

    private func fetch(
        _ name: ManifestName,
        _ repository: CachedRepository,
        within deadline: Duration
    ) async throws(UpstreamError) -> ServedManifest {
        let document = try await upstream.manifest(name, of: repository, deadline: deadline)
        let served = ServedManifest(
            bytes: ByteBuffer(bytes: document.bytes),
            mediaType: document.mediaType,
            digest: document.digest
        )
        await keep { () async throws(ContentStoreError) in try await store.put(manifest: document, of: repository) }
        if case .tag(let tag) = name { await keep(tag: tag, repository, served) }
        return served
    }

    private func stored(_ digest: Digest) async -> ServedManifest? {
        // What can't be read is fetched again.
        guard let held = try? await store.manifest(digest) else { return nil }
        return ServedManifest(bytes: held.bytes, mediaType: held.mediaType, digest: digest)
    }

    private func keep(tag name: String, _ repository: CachedRepository, _ manifest: ServedManifest) async {
        let tag = CachedTag(
            digest: manifest.digest,
            mediaType: manifest.mediaType,
            size: Int64(manifest.bytes.readableBytes),
            checkedAt: now()
        )
        await keep { () async throws(ContentStoreError) in try await store.setTag(name, of: repository, to: tag) }
    }

    /// What can't be kept is served all the same.
    private func keep(_ change: () async throws(ContentStoreError) -> Void) async {
        do throws(ContentStoreError) {
            try await change()
        } catch {
            report("not kept: \(error)")
        }
    }

    /// What the index can't tell is asked of the upstream.
    private func admits(_ repository: CachedRepository, _ digest: Digest) async -> Bool {
        (try? await store.admits(repository, digest)) ?? false
    }
}

// MARK: - Blobs

extension CacheService {
    private func blob(
        _ digest: Digest,
        of repository: CachedRepository
    ) async throws(UpstreamError) -> CacheAnswer {
        let isAdmitted = await admits(repository, digest)
        // A digest alone opens nothing that another repository brought here.
        if !isAdmitted, store.size(of: digest) != nil { _ = try await prove(digest, in: repository) }
        let (blob, result) = try await fills.blob(digest, of: repository)
        switch result {
        case .joined, .hit:
            if !isAdmitted, !(await admits(repository, digest)) { _ = try await prove(digest, in: repository) }
        case .miss, .stale, .revalidated, .uncached: break
        }
        return .blob(blob, result)
    }

    private func head(
        _ digest: Digest,
        of repository: CachedRepository
    ) async throws(UpstreamError) -> CacheAnswer {
        if await admits(repository, digest), let size = store.size(of: digest) { return .blobHead(size, .hit) }
        return .blobHead(try await prove(digest, in: repository), .miss)
    }

    /// Has a repository's own upstream say that it has a blob.
    ///
    /// - Returns: The blob's size in bytes.
    private func prove(_ digest: Digest, in repository: CachedRepository) async throws(UpstreamError) -> Int64 {
        let outcome: ProofOutcome
        do {
            outcome = try await proofs.value(for: BlobQuestion(repository: repository, digest: digest)) {
                () async throws(RegistryError.Failure) in
                do throws(UpstreamError) {
                    let size = try await self.upstream.size(of: digest, in: repository)
                    await self.keep { () async throws(ContentStoreError) in
                        try await self.store.note(repository, has: [digest])
                    }
                    return (.admitted(size), .zero)
                } catch {
                    if case .cancelled = error { throw .cancelled }
                    return (.failed(error), TagFreshness.lifetime(of: error))
                }
            }
        } catch {
            throw .cancelled
        }
        switch outcome {
        case .admitted(let size): return size
        case .failed(let error): throw error
        }
    }
}
