/// Content by its digest, size and type, as the OCI image specification describes it.
///
/// The `urls` of foreign layers are deliberately not read: a manifest never chooses where content comes from.
package struct Descriptor: Hashable, Sendable, Codable {
    package let mediaType: MediaType
    package let digest: Digest
    /// The content's size in bytes, never negative.
    package let size: Int64
    /// The platform an entry of an index is for.
    package let platform: Platform?

    package init(mediaType: MediaType, digest: Digest, size: Int64, platform: Platform? = nil) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try container.decode(MediaType.self, forKey: .mediaType)
        digest = try container.decode(Digest.self, forKey: .digest)
        size = try container.decode(Int64.self, forKey: .size)
        platform = try container.decodeIfPresent(Platform.self, forKey: .platform)
        guard size >= 0 else {
            throw DecodingError.dataCorruptedError(forKey: .size, in: container, debugDescription: "negative size")
        }
    }
}
