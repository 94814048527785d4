import Foundation
import NIOCore

/// JSON with sorted keys: the same bytes for the same document.
enum CanonicalJSON {
    static func encode(_ document: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(document))
    }
}

/// An image configuration (OCI image specification, config.md).
struct ImageDocument: Encodable {
    let architecture: String
    let os: String
    /// Fixed: an image's digest must not depend on when it was made.
    let created = "2024-01-01T00:00:00Z"
    let config: Container
    let rootfs: RootFileSystem
    let history: [Step]

    struct RootFileSystem: Encodable {
        let type = "layers"
        let diff_ids: [String]
    }

    struct Step: Encodable {
        let created = "2024-01-01T00:00:00Z"
        let created_by: String
    }

    struct Container: Encodable {
        struct HealthCheck: Encodable {
            let Test: [String]
            /// Nanoseconds.
            let Interval: Int
        }

        struct Empty: Encodable {}

        let Entrypoint: [String]?
        let Cmd: [String]?
        let Env: [String]
        let User: String
        let WorkingDir: String
        let Labels: [String: String]?
        let Volumes: [String: Empty]?
        let Healthcheck: HealthCheck?
    }

    init(layers: [TestLayer], configuration: TestImage.Configuration, architecture: String, os: String) {
        self.architecture = architecture
        self.os = os
        let volumes = configuration.volumes.map { ($0, Container.Empty()) }
        config = Container(
            Entrypoint: configuration.entrypoint,
            Cmd: configuration.command,
            Env: configuration.environment,
            User: configuration.user,
            WorkingDir: configuration.workingDirectory,
            Labels: configuration.labels.isEmpty ? nil : configuration.labels,
            Volumes: volumes.isEmpty ? nil : Dictionary(volumes) { first, _ in first },
            Healthcheck: configuration.healthCheck.map {
                .init(Test: ["CMD-SHELL", $0], Interval: 1_000_000_000)
            }
        )
        rootfs = RootFileSystem(diff_ids: layers.map(\.diffID))
        history = layers.indices.map { Step(created_by: "test layer \($0)") }
    }
}

struct PlatformDocument: Encodable {
    let architecture: String
    let os: String
}

struct DescriptorDocument: Encodable {
    let mediaType: String
    let digest: String
    let size: Int
    var platform: PlatformDocument?
}

struct ManifestDocument: Encodable {
    let schemaVersion = 2
    let mediaType: String
    let config: DescriptorDocument
    let layers: [DescriptorDocument]
}

struct IndexDocument: Encodable {
    let schemaVersion = 2
    let mediaType: String
    let manifests: [DescriptorDocument]
}
