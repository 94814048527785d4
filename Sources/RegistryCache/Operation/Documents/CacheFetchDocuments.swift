package import OCIDistribution

/// How one image was brought into the cache.
package struct FetchedImage: Codable, Hashable, Sendable {
    package let image: String
    /// What the reference leads to; of an index, for several platforms, its own digest.
    package var digest: Digest?
    package var platform: String?
    /// Blobs of the image, its configuration included.
    package var blobs = 0
    /// Of them, those that were there already.
    package var present = 0
    package var fetched = 0
    package var fetchedBytes: Int64 = 0
    /// What went wrong; the image is not whole in the cache then.
    package var error: String?

    package init(image: String) { self.image = image }
}

/// What `roost cache prefetch` tells: the schema `roost.cache.prefetch/1`.
package struct CachePrefetchDocument: Codable, Hashable, Sendable {
    package let schema: String
    package let images: [FetchedImage]

    package init(_ images: [FetchedImage]) {
        schema = "roost.cache.prefetch/1"
        self.images = images
    }
}

/// What `roost cache pin` tells: the schema `roost.cache.pin/1`.
package struct CachePinDocument: Codable, Hashable, Sendable {
    package let schema: String
    package let pinned: Bool
    package let image: FetchedImage

    package init(_ image: FetchedImage, pinned: Bool) {
        schema = "roost.cache.pin/1"
        self.pinned = pinned
        self.image = image
    }
}

/// What `roost cache unpin` tells: the schema `roost.cache.unpin/1`.
package struct CacheUnpinDocument: Codable, Hashable, Sendable {
    package let schema: String
    package let image: String
    package let wasPinned: Bool

    package init(image: String, wasPinned: Bool) {
        schema = "roost.cache.unpin/1"
        self.image = image
        self.wasPinned = wasPinned
    }
}

/// What `roost cache verify` tells: the schema `roost.cache.verify/1`.
package struct CacheVerificationDocument: Codable, Hashable, Sendable {
    package struct Damaged: Codable, Hashable, Sendable {
        package let digest: Digest
        package let size: Int64
        package let repositories: [String]
        package let refetched: Bool
        /// Why it was not.
        package let error: String?
    }

    package let schema: String
    /// Files, and their bytes, that were read again.
    package let checked: Int
    package let bytes: Int64
    package let damaged: [Damaged]

    package init(checked: Int, bytes: Int64, damaged: [Damaged]) {
        schema = "roost.cache.verify/1"
        self.checked = checked
        self.bytes = bytes
        self.damaged = damaged
    }
}

/// A step of something that takes its time.
package struct CacheProgress: Codable, Hashable, Sendable {
    package enum State: String, Codable, Hashable, Sendable {
        case present, fetching, fetched, damaged, failed
    }

    /// The image, or where a damaged blob comes from.
    package let subject: String
    package let digest: Digest
    package let state: State
    /// How many bytes there are of `size`.
    package let bytes: Int64
    package let size: Int64
}

/// A line of an answer that is sent as it comes to be: steps, then the end.
package struct ControlLine<Document: Codable & Sendable>: Codable, Sendable {
    package var progress: CacheProgress?
    package var result: Document?
    package var error: String?
}

/// What a refused request is answered.
package struct ControlErrorDocument: Codable, Hashable, Sendable {
    package let schema: String
    package let error: String

    package init(_ error: String) {
        schema = "roost.cache.error/1"
        self.error = error
    }
}
