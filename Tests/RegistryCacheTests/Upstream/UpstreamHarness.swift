import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostTesting

@testable import RegistryCache

/// An ``UpstreamClient`` with one upstream, `quay.io`, that is really a server of the test.
struct UpstreamHarness {
    let client: UpstreamClient
    let time: ManualTime

    static let repository = "org/app"

    var status: UpstreamStatus? { client.status.first }

    func repository(_ path: String = Self.repository) throws -> CachedRepository {
        guard let repository = CachedRepository(upstream: "quay.io", path: path) else { throw Unreadable() }
        return repository
    }

    struct Unreadable: Error {}

    /// Waits never end by themselves: whatever is timed waits for the test.
    static func with(
        url: String,
        login: UpstreamLogin = .anonymous,
        environment: [String: String] = [:],
        permittedHosts: Set<String> = ["127.0.0.1"],
        limits: UpstreamClient.Limits = .once,
        resolver: any HostResolver = FixedResolver([:]),
        body: (UpstreamHarness) async throws -> Void
    ) async throws {
        guard let endpoint = UpstreamConfiguration.endpoint(url),
            let configuration = UpstreamConfiguration(
                name: "quay.io",
                endpoint: endpoint,
                login: login,
                permittedHosts: permittedHosts
            )
        else { throw Unreadable() }
        let clients = JudgedDialler.Clients()
        let time = ManualTime()
        let client = UpstreamClient(
            [configuration],
            clients: clients,
            environment: environment,
            limits: limits,
            resolver: resolver,
            time: time.time,
            jitter: { 1 }
        )
        do {
            try await body(UpstreamHarness(client: client, time: time))
        } catch {
            await clients.shutDown()
            throw error
        }
        await clients.shutDown()
    }

    func head(_ tag: String = "1") async throws -> ManifestHead {
        try await client.head(.tag(tag), of: repository(), deadline: .seconds(10))
    }

    func manifest(_ name: ManifestName = .tag("1")) async throws -> ManifestDocument {
        try await client.manifest(name, of: repository(), deadline: .seconds(10))
    }

    func read(_ blob: Digest, range: Range<Int64>? = nil) async throws -> (body: UpstreamBody, bytes: [UInt8]) {
        let body = try await client.open(blob, of: repository(), range: range)
        var bytes: [UInt8] = []
        for try await chunk in body.chunks { bytes.append(contentsOf: chunk.readableBytesView) }
        return (body, bytes)
    }
}

extension UpstreamClient.Limits {
    /// No second attempt.
    static var once: UpstreamClient.Limits {
        var limits = UpstreamClient.Limits()
        limits.backoff = Backoff(attempts: 1)
        return limits
    }
}

/// Answers from a table, and counts.
final class FixedResolver: HostResolver {
    private let table: [String: [String]]
    let asked = Shared<[String]>([])

    init(_ table: [String: [String]]) { self.table = table }

    func addresses(of host: String) async throws -> [InternetAddress] {
        asked.update { $0.append(host) }
        return (table[host] ?? []).compactMap { InternetAddress(parsing: $0) }
    }
}

/// Content for a registry of the test.
struct TestContent {
    static let manifest = """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
         "config":{"mediaType":"application/vnd.oci.image.config.v1+json",
         "digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":[]}
        """
    static let blob = ByteBuffer(bytes: (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) })
    static let digest = Digest.sha256(of: blob.readableBytesView)

    static func fill(_ registry: InMemoryRegistry, repository: String = UpstreamHarness.repository) {
        registry.addBlob(blob, to: repository)
        registry.addManifest(
            ByteBuffer(string: manifest),
            mediaType: "application/vnd.oci.image.manifest.v1+json",
            to: repository,
            tag: "1"
        )
    }
}

/// The ``UpstreamError`` that `body` throws; nil for anything else.
func upstreamError(_ body: () async throws -> some Any) async -> UpstreamError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? UpstreamError
    }
}
