package import Foundation
package import OCIDistribution

/// What a tag led to when it was last asked for.
package struct CachedTag: Hashable, Sendable {
    package let digest: Digest
    package let mediaType: MediaType
    /// The manifest's own size in bytes, where it is known.
    package let size: Int64?
    /// When the upstream last said so.
    package let checkedAt: Date

    package init(digest: Digest, mediaType: MediaType, size: Int64?, checkedAt: Date) {
        self.digest = digest
        self.mediaType = mediaType
        self.size = size
        self.checkedAt = checkedAt
    }
}

/// A reference whose image never goes by itself.
package struct Pin: Hashable, Sendable {
    /// As it was pinned.
    package let reference: String
    /// The manifest; what it refers to is kept with it.
    package let digest: Digest
    package let pinnedAt: Date

    package init(reference: String, digest: Digest, pinnedAt: Date) {
        self.reference = reference
        self.digest = digest
        self.pinnedAt = pinnedAt
    }
}

/// A blob or manifest in the store, for listings.
package struct StoredEntry: Hashable, Sendable {
    package let digest: Digest
    /// In bytes.
    package let size: Int64
    /// Of a manifest; `nil` for other blobs.
    package let mediaType: MediaType?
    package let lastUsed: Date
    package let hold: EvictionCandidate.Hold
    /// Tags that lead to it, such as `docker.io/library/debian:12`.
    package let tags: [String]
    package let repositories: [CachedRepository]
}

/// How full the store is.
package struct StoreStatus: Hashable, Sendable {
    package let limits: StoreLimits
    /// What counts against the cap, in bytes.
    package let used: Int64
    /// Whole blobs and manifests: their number, and their bytes.
    package let storedCount: Int
    package let stored: Int64
    /// Bytes that are being filled, as reserved.
    package let filling: Int64
    /// Bytes of fills to be gone on with.
    package let idlePartials: Int64
    package let quarantined: Int64
    package let quarantinedCount: Int
    /// What the disk has left; `nil` where it does not tell.
    package let free: Int64?
    package let counters: [String: Int64]
}
