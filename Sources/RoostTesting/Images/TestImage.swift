import Foundation
package import NIOCore

/// A real image, built in memory. The same parts always give the same digests.
package struct TestImage: Sendable {
    /// Whose media types the image carries; the bytes mean the same.
    package enum Format: Sendable {
        case docker
        case oci

        var manifest: String {
            switch self {
            case .docker: "application/vnd.docker.distribution.manifest.v2+json"
            case .oci: "application/vnd.oci.image.manifest.v1+json"
            }
        }

        var index: String {
            switch self {
            case .docker: "application/vnd.docker.distribution.manifest.list.v2+json"
            case .oci: "application/vnd.oci.image.index.v1+json"
            }
        }

        fileprivate var configuration: String {
            switch self {
            case .docker: "application/vnd.docker.container.image.v1+json"
            case .oci: "application/vnd.oci.image.config.v1+json"
            }
        }

        fileprivate var layer: String {
            switch self {
            case .docker: "application/vnd.docker.image.rootfs.diff.tar.gzip"
            case .oci: "application/vnd.oci.image.layer.v1.tar+gzip"
            }
        }
    }

    /// The part of an image's configuration that decides how its containers start.
    package struct Configuration: Sendable {
        package var entrypoint: [String]?
        package var command: [String]?
        package var environment: [String]
        package var user: String
        package var workingDirectory: String
        package var labels: [String: String]
        package var volumes: [String]
        /// Shell form of a health check, run every second.
        package var healthCheck: String?

        package init(
            entrypoint: [String]? = nil,
            command: [String]? = ["/bin/sh"],
            environment: [String] = ["PATH=/usr/bin:/bin"],
            user: String = "",
            workingDirectory: String = "",
            labels: [String: String] = [:],
            volumes: [String] = [],
            healthCheck: String? = nil
        ) {
            self.entrypoint = entrypoint
            self.command = command
            self.environment = environment
            self.user = user
            self.workingDirectory = workingDirectory
            self.labels = labels
            self.volumes = volumes
            self.healthCheck = healthCheck
        }
    }

    package let layers: [TestLayer]
    /// The configuration's exact bytes.
    package let configuration: ByteBuffer
    /// The image's id on an engine.
    package let configurationDigest: String
    /// The manifest's exact bytes.
    package let manifest: ByteBuffer
    package let manifestDigest: String
    package let mediaType: String
    package let architecture: String
    package let os: String

    /// An image of these layers, the lowest first.
    ///
    /// - Parameters:
    ///   - layers: The layers; images that share some share their blobs.
    ///   - configuration: How containers start.
    ///   - format: The media types.
    ///   - architecture: In the words of Go and Docker; this machine's where none is given.
    ///   - os: The operating system, in the same words.
    /// - Throws: When the JSON can't be written.
    package init(
        layers: [TestLayer],
        configuration: Configuration = Configuration(),
        format: Format = .docker,
        architecture: String = TestImage.machineArchitecture,
        os: String = "linux"
    ) throws {
        self.layers = layers
        self.architecture = architecture
        self.os = os
        mediaType = format.manifest
        let document = ImageDocument(layers: layers, configuration: configuration, architecture: architecture, os: os)
        self.configuration = try CanonicalJSON.encode(document)
        configurationDigest = TestDigest.sha256(self.configuration)
        let manifest = ManifestDocument(
            mediaType: format.manifest,
            config: DescriptorDocument(
                mediaType: format.configuration,
                digest: configurationDigest,
                size: self.configuration.readableBytes
            ),
            layers: layers.map { DescriptorDocument(mediaType: format.layer, digest: $0.digest, size: $0.size) }
        )
        self.manifest = try CanonicalJSON.encode(manifest)
        manifestDigest = TestDigest.sha256(self.manifest)
    }

    /// An image with a shell and the usual small programs, of one layer.
    ///
    /// - Throws: ``TestLayer/NoBusybox`` when the machine has no busybox.
    package static var busybox: TestImage {
        get throws { try TestImage(layers: [.busybox()]) }
    }

    /// The busybox image with a random layer on top.
    ///
    /// - Parameters:
    ///   - count: The random file's size in bytes.
    ///   - seed: Decides its content.
    ///   - configuration: How containers start.
    /// - Returns: An image of two layers.
    /// - Throws: ``TestLayer/NoBusybox`` when the machine has no busybox.
    package static func busybox(
        plusRandom count: Int,
        seed: UInt64,
        configuration: Configuration = Configuration()
    ) throws -> TestImage {
        try TestImage(layers: [.busybox(), .random(bytes: count, seed: seed)], configuration: configuration)
    }

    /// This machine's architecture in the words of Go and Docker.
    package static let machineArchitecture: String = {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }()

    /// Puts the image into a registry in memory.
    package func add(to registry: InMemoryRegistry, repository: String, tag: String?) {
        for layer in layers { registry.addBlob(layer.blob, to: repository) }
        registry.addBlob(configuration, to: repository)
        registry.addManifest(manifest, mediaType: mediaType, to: repository, tag: tag)
    }
}

/// Several images under one name, one a platform.
package struct TestImageIndex: Sendable {
    package let images: [TestImage]
    /// The index's exact bytes.
    package let bytes: ByteBuffer
    package let digest: String
    package let mediaType: String

    package init(_ images: [TestImage], format: TestImage.Format = .docker) throws {
        self.images = images
        mediaType = format.index
        let document = IndexDocument(
            mediaType: format.index,
            manifests: images.map { image in
                DescriptorDocument(
                    mediaType: image.mediaType,
                    digest: image.manifestDigest,
                    size: image.manifest.readableBytes,
                    platform: PlatformDocument(architecture: image.architecture, os: image.os)
                )
            }
        )
        bytes = try CanonicalJSON.encode(document)
        digest = TestDigest.sha256(bytes)
    }

    /// Puts the index and its images into a registry in memory.
    package func add(to registry: InMemoryRegistry, repository: String, tag: String?) {
        for image in images { image.add(to: registry, repository: repository, tag: nil) }
        registry.addManifest(bytes, mediaType: mediaType, to: repository, tag: tag)
    }
}
