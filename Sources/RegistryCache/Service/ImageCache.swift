import Foundation
import NIOCore
package import OCIDistribution
package import RoostCore

/// The image cache as a whole: its store, its upstreams, its fills and its port, for as long as it is served.
package struct ImageCache: Sendable {
    /// What an operator chooses.
    package struct Configuration: Sendable {
        package var folder: String
        package var address: ListenAddress
        package var limits: StoreLimits
        package var freshness: TagFreshness
        package var upstreams: [UpstreamConfiguration]
        /// The path of the control socket; `nil` for none.
        package var control: String?
        /// The digests that runs need now; `nil` where that can't be found out.
        package var leased: @Sendable () async -> Set<Digest>?

        package init(
            folder: String,
            address: ListenAddress,
            limits: StoreLimits,
            freshness: TagFreshness = TagFreshness(),
            upstreams: [UpstreamConfiguration],
            control: String? = nil,
            leased: @escaping @Sendable () async -> Set<Digest>? = { [] }
        ) {
            self.folder = folder
            self.address = address
            self.limits = limits
            self.freshness = freshness
            self.upstreams = upstreams
            self.control = control
            self.leased = leased
        }
    }

    package let store: ContentStore
    package let upstream: UpstreamClient
    package let fills: FillTable
    package let service: CacheService
    package let server: CacheServer
    private let configuration: Configuration
    private let tally: UsageTally
    private let leases: LeaseWatch

    /// How often it is looked what runs need.
    private static let watching = Duration.seconds(3)

    /// How often what is kept in memory, such as when content was last used, is written.
    private static let flushing = Duration.seconds(10)

    /// Opens the store, serves it until `stop` opens, and closes it.
    ///
    /// It needs no upstream to be up.
    ///
    /// - Parameters:
    ///   - configuration: What an operator chose.
    ///   - environment: The environment variables, for credentials.
    ///   - stop: Ends it.
    ///   - access: Takes the lines of the access log.
    ///   - report: Told what an operator should know.
    ///   - started: Told where it listens, before anything is served.
    /// - Throws: ``ContentStoreError``, or what keeps it from listening.
    package static func serve(
        _ configuration: Configuration,
        environment: [String: String],
        until stop: Latch,
        access: @escaping @Sendable ([UInt8]) async -> Void,
        report: @escaping @Sendable (String) -> Void,
        started: @escaping @Sendable (ImageCache, String) -> Void
    ) async throws {
        let store = try await ContentStore.open(folder: configuration.folder, limits: configuration.limits)
        do {
            try await UpstreamClient.with(configuration.upstreams, environment: environment) { upstream in
                let cache = ImageCache(configuration, store, upstream, access, report)
                try await cache.run(until: stop, report: report) { started(cache, $0) }
            }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    private init(
        _ configuration: Configuration,
        _ store: ContentStore,
        _ upstream: UpstreamClient,
        _ access: @escaping @Sendable ([UInt8]) async -> Void,
        _ report: @escaping @Sendable (String) -> Void
    ) {
        self.configuration = configuration
        self.store = store
        self.upstream = upstream
        fills = FillTable(store: store, upstream: upstream)
        service = CacheService(
            store: store,
            upstream: upstream,
            fills: fills,
            freshness: configuration.freshness,
            report: report
        )
        server = CacheServer(
            content: service,
            upstreams: Set(configuration.upstreams.map(\.name)),
            log: AccessLog { await access(Array(buffer: $0)) }
        )
        tally = UsageTally(from: server.counters, to: store)
        leases = LeaseWatch(store, leased: configuration.leased)
    }

    private func run(
        until stop: Latch,
        report: @escaping @Sendable (String) -> Void,
        started: @escaping @Sendable (String) -> Void
    ) async throws {
        for problem in store.opening.notices { report(problem) }
        // Before anything is evicted.
        await leases.refresh()
        let socket = try configuration.control.map { path throws(ControlSocketError) in
            try ControlSocket(binding: path)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await fills.run() }
            group.addTask { await flush(report) }
            group.addTask { await watchLeases() }
            let (addresses, listening) = AsyncStream.makeStream(of: String.self)
            if let socket { group.addTask { try await control(on: socket, at: addresses) } }
            defer { group.cancelAll() }
            try await server.run(on: configuration.address, until: stop) { address in
                let address =
                    address.map { "\($0.ipAddress ?? "?"):\($0.port ?? 0)" } ?? configuration.address.description
                listening.yield(address)
                started(address)
            }
        }
        tally.carry()
    }

    /// Answers on the control socket, from when the port is listened on until its task is cancelled.
    private func control(on socket: ControlSocket, at addresses: AsyncStream<String>) async throws {
        defer { socket.remove() }
        for await address in addresses {
            try await ControlServer(routes: ControlRoutes(operations(at: address))).run(on: socket)
            return
        }
        socket.close()
    }

    private func operations(at address: String) -> CacheOperations {
        CacheOperations(
            store: store,
            upstream: upstream,
            fills: fills,
            server: server,
            tally: tally,
            fetch: ImageFetch(service: service, store: store, upstreams: configuration.upstreams.map(\.name)),
            folder: configuration.folder,
            address: address,
            startedAt: Date(),
            refreshLeases: { await leases.refresh() }
        )
    }

    /// Until its task is cancelled.
    private func watchLeases() async {
        while (try? await ContinuousClock().sleep(for: Self.watching)) != nil { await leases.refresh() }
    }

    /// Until its task is cancelled; what is left is written when the store is closed.
    private func flush(_ report: @Sendable (String) -> Void) async {
        while (try? await ContinuousClock().sleep(for: Self.flushing)) != nil {
            tally.carry()
            do throws(ContentStoreError) {
                try await store.flush()
            } catch {
                report("what was used when could not be recorded: \(error)")
            }
        }
    }
}

extension OpeningReport {
    /// For an operator: what was amiss and has been put right.
    var notices: [String] {
        var notices: [String] = []
        if wasIndexDamaged {
            notices.append("the index was damaged or missing: it was made anew from what is on the disk")
        }
        if !adopted.isEmpty {
            notices.append("\(adopted.count) blobs that the index did not know were checked and taken in")
        }
        if !dropped.isEmpty {
            notices.append("\(dropped.count) blobs that the index knew are not on the disk any more")
        }
        if !resumable.isEmpty { notices.append("\(resumable.count) fills that were cut off can be gone on with") }
        if !removed.isEmpty { notices.append("\(removed.count) files that are of no use were removed") }
        return notices
    }
}
