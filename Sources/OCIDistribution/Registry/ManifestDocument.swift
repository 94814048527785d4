/// What a registry says of a manifest without giving it.
package struct ManifestHead: Hashable, Sendable {
    package let digest: Digest
    package let mediaType: MediaType
    /// The manifest's own size in bytes, not the image's, where the registry says.
    package let size: Int64?
    package let rateLimit: RateLimit?

    package init(digest: Digest, mediaType: MediaType, size: Int64?, rateLimit: RateLimit? = nil) {
        self.digest = digest
        self.mediaType = mediaType
        self.size = size
        self.rateLimit = rateLimit
    }
}

/// A manifest as a registry serves it, its bytes checked against its digest.
package struct ManifestDocument: Hashable, Sendable {
    /// The exact bytes, which the digest is of.
    package let bytes: [UInt8]
    package let mediaType: MediaType
    package let digest: Digest
    package let rateLimit: RateLimit?

    package init(bytes: [UInt8], mediaType: MediaType, digest: Digest, rateLimit: RateLimit? = nil) {
        self.bytes = bytes
        self.mediaType = mediaType
        self.digest = digest
        self.rateLimit = rateLimit
    }

    /// What the bytes say.
    package func manifest() throws(ManifestError) -> Manifest {
        try Manifest(parsing: bytes, mediaType: mediaType)
    }
}

/// The image of one platform, found through the indexes that led to it.
package struct ResolvedImage: Hashable, Sendable {
    /// The document that the reference itself names: an index, or the image's manifest.
    package let root: ManifestDocument
    /// The digest of the image's own manifest.
    package let digest: Digest
    package let manifest: ImageManifest
}
