/// The manifest of one image for one platform: its configuration and its layers, the lowest first.
package struct ImageManifest: Hashable, Sendable, Codable {
    package let schemaVersion: Int
    package let mediaType: MediaType?
    package let config: Descriptor
    package let layers: [Descriptor]

    package init(mediaType: MediaType = .ociManifest, config: Descriptor, layers: [Descriptor]) {
        self.schemaVersion = 2
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
    }
}

/// The manifest of an image for several platforms (an OCI index or a Docker manifest list).
package struct ImageIndex: Hashable, Sendable, Codable {
    package let schemaVersion: Int
    package let mediaType: MediaType?
    package let manifests: [Descriptor]

    package init(mediaType: MediaType = .ociIndex, manifests: [Descriptor]) {
        self.schemaVersion = 2
        self.mediaType = mediaType
        self.manifests = manifests
    }
}

/// The part of an image's configuration that says what it runs on and what its layers hold.
package struct ImageConfig: Hashable, Sendable, Codable {
    package struct RootFS: Hashable, Sendable, Codable {
        package let type: String
        /// The digests of the layers' uncompressed content, the lowest first.
        package let diffIDs: [Digest]

        package init(type: String = "layers", diffIDs: [Digest]) {
            self.type = type
            self.diffIDs = diffIDs
        }

        private enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }

    package let os: String
    package let architecture: String
    package let variant: String?
    package let rootfs: RootFS

    package init(platform: Platform, rootfs: RootFS) {
        self.os = platform.os
        self.architecture = platform.architecture
        self.variant = platform.variant
        self.rootfs = rootfs
    }

    package var platform: Platform { Platform(os: os, architecture: architecture, variant: variant) }
}
