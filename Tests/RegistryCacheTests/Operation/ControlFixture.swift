import Foundation
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

/// A cache that is served, of one upstream `quay.io` that is really a registry of the test, and its control socket.
struct ControlFixture: Sendable {
    let registry: InMemoryRegistry
    let cache: ImageCache
    /// Where the port is.
    let address: String
    let folder: String
    let socket: String

    static func with(
        cap: Int64 = 1 << 30,
        leased: @escaping @Sendable () async -> Set<Digest>? = { [] },
        _ body: @escaping @Sendable (ControlFixture) async throws -> Void
    ) async throws {
        try await InMemoryRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                let folder = directory.url.appending(path: "cache").path(percentEncoded: false)
                try await serve(registry, folder, cap, leased, body)
            }
        }
    }

    static func serve(
        _ registry: InMemoryRegistry,
        _ folder: String,
        _ cap: Int64 = 1 << 30,
        _ leased: @escaping @Sendable () async -> Set<Digest>? = { [] },
        _ body: @escaping @Sendable (ControlFixture) async throws -> Void
    ) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let endpoint = try #require(UpstreamConfiguration.endpoint(registry.url))
        let upstream = try #require(
            UpstreamConfiguration(
                name: "quay.io",
                endpoint: endpoint,
                login: .anonymous,
                permittedHosts: ["127.0.0.1"]
            )
        )
        // A unix socket's path is short.
        let socket = "/tmp/\(UniqueName.make("rc"))/control.sock"
        defer { try? FileManager.default.removeItem(at: URL(filePath: socket).deletingLastPathComponent()) }
        let configuration = ImageCache.Configuration(
            folder: folder,
            address: try ListenAddress(parsing: "127.0.0.1:0"),
            limits: StoreLimits(maxSize: ByteCount(cap), minFree: ByteCount(0)),
            upstreams: [upstream],
            control: socket,
            leased: leased
        )
        let stop = Latch()
        let (caches, started) = AsyncStream.makeStream(of: (ImageCache, String).self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { started.finish() }
                try await ImageCache.serve(
                    configuration,
                    environment: [:],
                    until: stop,
                    access: { _ in },
                    report: { _ in },
                    started: { started.yield(($0, $1)) }
                )
            }
            for await (cache, address) in caches {
                do {
                    try await body(
                        ControlFixture(
                            registry: registry,
                            cache: cache,
                            address: address,
                            folder: folder,
                            socket: socket
                        )
                    )
                } catch {
                    stop.open()
                    throw error
                }
                break
            }
            stop.open()
            try await group.waitForAll()
        }
    }

    /// From the port.
    func get(_ target: String) async throws -> CacheClient.Response {
        let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
        return try await CacheClient.with(port: port) { try await $0.get(target) }
    }

    func ask<Value: Sendable>(_ body: @Sendable (ControlClient) async throws -> Value) async throws -> Value {
        try await ControlClient.with([socket], body)
    }

    /// An image of layers of random bytes, in the registry.
    func image(_ name: String, layers: Int = 2, size: Int = 20_000, architecture: String? = nil) throws -> TestImage {
        let seed = UInt64(name.utf8.reduce(7) { $0 &* 31 &+ Int($1) } & 0xFFFF)
        let image = try TestImage(
            layers: (0..<layers).map { try TestLayer.random(bytes: size, seed: seed &* 10 &+ UInt64($0)) },
            architecture: architecture ?? TestImage.machineArchitecture
        )
        image.add(to: registry, repository: "org/\(name)", tag: "1")
        return image
    }

    func reference(_ name: String) throws -> ImageReference { try ImageReference(parsing: "quay.io/org/\(name):1") }

    func prefetch(_ names: String...) async throws -> CachePrefetchDocument {
        let images = try names.map(reference)
        return try await ask { client in
            try await client.document(CachePrefetchDocument.self, .prefetch(images, .host)) { _ in }
        }
    }
}
