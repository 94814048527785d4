/// A media type as registries give it: lowercase, without parameters.
package struct MediaType: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Reads a `Content-Type` or a `mediaType` field; parameters such as `charset` are dropped.
    package init(_ text: String) {
        let bare = text.prefix { $0 != ";" }
        description = String(bare.filter { !$0.isWhitespace }).lowercased()
    }

    package static let ociIndex = MediaType("application/vnd.oci.image.index.v1+json")
    package static let ociManifest = MediaType("application/vnd.oci.image.manifest.v1+json")
    package static let dockerManifestList = MediaType("application/vnd.docker.distribution.manifest.list.v2+json")
    package static let dockerManifest = MediaType("application/vnd.docker.distribution.manifest.v2+json")

    /// Whether this names a manifest for several platforms.
    package var isIndex: Bool { self == .ociIndex || self == .dockerManifestList }

    /// Whether this names the manifest of one image.
    package var isImageManifest: Bool { self == .ociManifest || self == .dockerManifest }

    /// What a registry is asked for when it is asked for a manifest.
    static let manifests: [MediaType] = [.ociIndex, .ociManifest, .dockerManifestList, .dockerManifest]
}

extension MediaType: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
