import Foundation
import OCIDistribution
import RoostCore

/// What an operator can ask of a cache that is being served.
package struct CacheOperations: Sendable {
    typealias Progress = @Sendable (CacheProgress) async throws -> Void

    let store: ContentStore
    let upstream: UpstreamClient
    let fills: FillTable
    let server: CacheServer
    let tally: UsageTally
    let fetch: ImageFetch
    let folder: String
    let address: String
    let startedAt: Date
    /// Has the store know what runs need now.
    let refreshLeases: @Sendable () async -> Void

    func status() async throws -> CacheStatusDocument {
        tally.carry()
        return CacheStatusDocument(
            folder: folder,
            address: address,
            startedAt: startedAt,
            store: try await store.status(),
            filling: fills.digests.count,
            pins: try await store.pins().count,
            upstreams: upstream.status
        )
    }

    func list(limit: Int) async throws -> CacheListDocument {
        await refreshLeases()
        return CacheListDocument(try await store.list(limit: limit), pins: try await store.pins())
    }

    func collect(bytes: Int64?, dryRun: Bool) async throws -> CacheCollectionDocument {
        await refreshLeases()
        return CacheCollectionDocument(try await store.collect(toFree: bytes, dryRun: dryRun), dryRun: dryRun)
    }

    func metrics() async throws -> String {
        CacheMetrics(
            server: server.counters.values,
            store: try await store.status(),
            upstreams: upstream.status,
            fills: fills.times.value,
            filling: fills.digests.count
        ).text
    }

    // MARK: Pins

    /// Pins what a reference leads to now, and fetches what is missing of it.
    func pin(
        _ image: ImageReference,
        _ platform: Platform,
        progress: @escaping Progress
    ) async throws -> CachePinDocument {
        let root: ServedManifest
        do {
            root = try await fetch.root(of: image)
        } catch let failure as ImageFetch.Failure {
            var fetched = FetchedImage(image: image.description)
            fetched.error = failure.description
            return CachePinDocument(fetched, pinned: false)
        }
        // First of all: what comes then is not evicted for the rest of it.
        try await store.pin(image.description, to: root.digest)
        return CachePinDocument(try await fetch.fetch(image, platform, progress: progress), pinned: true)
    }

    func unpin(_ image: ImageReference) async throws -> CacheUnpinDocument {
        CacheUnpinDocument(image: image.description, wasPinned: try await store.unpin(image.description))
    }

    // MARK: Work on contents

    func prefetch(
        _ images: [ImageReference],
        _ platform: Platform,
        progress: @escaping Progress
    ) async throws -> CachePrefetchDocument {
        var fetched: [FetchedImage] = []
        for image in images { fetched.append(try await fetch.fetch(image, platform, progress: progress)) }
        return CachePrefetchDocument(fetched)
    }

    /// Reads again what is stored; what is damaged is put aside and fetched again.
    func verify(bytesPerSecond: Int64?, progress: @escaping Progress) async throws -> CacheVerificationDocument {
        let report = try await store.verify(rate: bytesPerSecond.map { ByteCount($0) })
        var damaged: [CacheVerificationDocument.Damaged] = []
        for blob in report.damaged {
            let subject = blob.repositories.first?.description ?? "an unknown repository"
            try await progress(
                CacheProgress(subject: subject, digest: blob.digest, state: .damaged, bytes: 0, size: blob.size)
            )
            let problem = try await refetch(blob, progress)
            damaged.append(
                .init(
                    digest: blob.digest,
                    size: blob.size,
                    repositories: blob.repositories.map(\.description),
                    refetched: problem == nil,
                    error: problem
                )
            )
        }
        return CacheVerificationDocument(checked: report.checked, bytes: report.bytes, damaged: damaged)
    }

    /// - Returns: What keeps it from being fetched; `nil` where it is there again.
    private func refetch(_ damaged: DamagedBlob, _ progress: @escaping Progress) async throws -> String? {
        var problem = "nobody knows where it came from: it is fetched when it is asked for"
        for repository in damaged.repositories {
            if damaged.mediaType != nil {
                switch await fetch.service.answer(.manifest(repository, .digest(damaged.digest))) {
                case .manifest: return nil
                case .refusal(let refusal): problem = refusal.reason
                case .blob, .blobHead: break
                }
            } else {
                let descriptor = Descriptor(
                    mediaType: MediaType("application/octet-stream"),
                    digest: damaged.digest,
                    size: damaged.size
                )
                switch try await fetch.blob(descriptor, of: repository, subject: repository.description, progress) {
                case .present, .fetched: return nil
                case .failed(let reason): problem = reason
                }
            }
        }
        return problem
    }
}
