package import Foundation
package import OCIDistribution

/// What `roost cache ls` tells: the schema `roost.cache.ls/1`.
package struct CacheListDocument: Codable, Hashable, Sendable {
    package struct Entry: Codable, Hashable, Sendable {
        package let digest: Digest
        /// In bytes.
        package let size: Int64
        /// `manifest` or `blob`.
        package let kind: String
        package let mediaType: String?
        package let lastUsed: Date
        /// `none`, `fresh`, `leased` or `pinned`.
        package let hold: String
        package let tags: [String]
        package let repositories: [String]
    }

    package struct PinnedImage: Codable, Hashable, Sendable {
        package let image: String
        package let digest: Digest
        package let pinnedAt: Date
    }

    package let schema: String
    /// The least recently used first.
    package let entries: [Entry]
    package let pins: [PinnedImage]
}

extension CacheListDocument {
    init(_ entries: [StoredEntry], pins: [Pin]) {
        schema = "roost.cache.ls/1"
        self.entries = entries.map {
            Entry(
                digest: $0.digest,
                size: $0.size,
                kind: $0.mediaType == nil ? "blob" : "manifest",
                mediaType: $0.mediaType?.description,
                lastUsed: $0.lastUsed,
                hold: $0.hold.rawValue,
                tags: $0.tags,
                repositories: $0.repositories.map(\.description)
            )
        }
        self.pins = pins.map { PinnedImage(image: $0.reference, digest: $0.digest, pinnedAt: $0.pinnedAt) }
    }
}

/// What `roost cache gc` tells: the schema `roost.cache.gc/1`.
package struct CacheCollectionDocument: Codable, Hashable, Sendable {
    package struct Candidate: Codable, Hashable, Sendable {
        package let digest: Digest
        package let size: Int64
        /// `blob`, `manifest`, `partial` or `quarantined`.
        package let kind: String
        package let hold: String
        package let goes: Bool
        package let reason: String
    }

    package let schema: String
    package let dryRun: Bool
    /// How many bytes were to be freed, and how many are.
    package let wanted: Int64
    package let freed: Int64
    package let suffices: Bool
    /// Those that go come first, in the order in which they go.
    package let candidates: [Candidate]
}

extension CacheCollectionDocument {
    init(_ plan: EvictionPlan, dryRun: Bool) {
        schema = "roost.cache.gc/1"
        self.dryRun = dryRun
        wanted = plan.wanted
        freed = plan.frees
        suffices = plan.suffices
        candidates = plan.verdicts.map {
            Candidate(
                digest: $0.candidate.digest,
                size: $0.candidate.size,
                kind: $0.candidate.kind.rawValue,
                hold: $0.candidate.hold.rawValue,
                goes: $0.goes,
                reason: $0.reason.rawValue
            )
        }
    }
}
