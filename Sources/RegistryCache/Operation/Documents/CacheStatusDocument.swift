package import Foundation
import OCIDistribution
import RoostCore

/// What `roost cache status` tells: the schema `roost.cache.status/1`. Counts are since the folder was made; an upstream's
/// since the cache was started.
package struct CacheStatusDocument: Codable, Hashable, Sendable {
    package struct Size: Codable, Hashable, Sendable {
        /// All in bytes, but for counts. What counts against the cap.
        package let used: Int64
        package let max: Int64
        package let minFree: Int64
        /// What the disk has left, where it tells.
        package let diskFree: Int64?
        package let stored: Int64
        package let storedCount: Int
        /// Reserved for fills that are under way.
        package let filling: Int64
        package let fillingCount: Int
        /// Of fills that can be gone on with.
        package let partials: Int64
        package let quarantined: Int64
        package let quarantinedCount: Int
    }

    package struct Requests: Codable, Hashable, Sendable {
        package let hits: Int64
        package let misses: Int64
        package let joined: Int64
        package let stale: Int64
        package let revalidated: Int64
        package let uncached: Int64
        /// Of bodies, in bytes.
        package let bytes: Int64
        /// Of them, what no upstream was asked for.
        package let savedBytes: Int64
    }

    package struct Evictions: Codable, Hashable, Sendable {
        package let count: Int64
        package let bytes: Int64
    }

    package struct Upstream: Codable, Hashable, Sendable {
        package struct RateLimit: Codable, Hashable, Sendable {
            package let limit: Int?
            package let remaining: Int?
            package let windowSeconds: Int64?
        }

        package let name: String
        package let url: String
        package let requests: Int
        package let failures: Int
        package let bytes: Int64
        /// As the last answer that named one has it.
        package let rateLimit: RateLimit?
        /// `closed`, `open` or `half-open`.
        package let breaker: String
        /// For how long nothing is asked.
        package let restSeconds: Double?
        /// For how long no manifest is asked for, since the upstream wants it so.
        package let heldOffSeconds: Double?
        package let lastError: String?
        package let lastErrorAgeSeconds: Double?
    }

    package let schema: String
    package let folder: String
    package let address: String
    package let startedAt: Date
    package let size: Size
    package let requests: Requests
    package let evictions: Evictions
    package let pins: Int
    package let upstreams: [Upstream]
}

extension CacheStatusDocument {
    static let schema = "roost.cache.status/1"

    init(
        folder: String,
        address: String,
        startedAt: Date,
        store: StoreStatus,
        filling: Int,
        pins: Int,
        upstreams: [UpstreamStatus]
    ) {
        schema = Self.schema
        self.folder = folder
        self.address = address
        self.startedAt = startedAt
        size = Size(
            used: store.used,
            max: store.limits.maxSize.bytes,
            minFree: store.limits.minFree.bytes,
            diskFree: store.free,
            stored: store.stored,
            storedCount: store.storedCount,
            filling: store.filling,
            fillingCount: filling,
            partials: store.idlePartials,
            quarantined: store.quarantined,
            quarantinedCount: store.quarantinedCount
        )
        func count(_ name: String) -> Int64 { store.counters[name] ?? 0 }
        func count(_ result: CacheResult) -> Int64 { count(UsageTally.name(result)) }
        requests = Requests(
            hits: count(.hit),
            misses: count(.miss),
            joined: count(.joined),
            stale: count(.stale),
            revalidated: count(.revalidated),
            uncached: count(.uncached),
            bytes: count(UsageTally.bytes),
            savedBytes: count(UsageTally.savedBytes)
        )
        evictions = Evictions(count: count("evictions"), bytes: count("evicted_bytes"))
        self.pins = pins
        self.upstreams = upstreams.map(Upstream.init)
    }
}

extension CacheStatusDocument.Upstream {
    init(_ status: UpstreamStatus) {
        name = status.name
        url = status.url
        requests = status.requests
        failures = status.failures
        bytes = status.bytes
        rateLimit = status.rateLimit.map {
            RateLimit(limit: $0.limit, remaining: $0.remaining, windowSeconds: $0.window?.components.seconds)
        }
        breaker = status.breaker.rawValue
        restSeconds = status.rest?.inSeconds
        heldOffSeconds = status.heldOff?.inSeconds
        lastError = status.lastError
        lastErrorAgeSeconds = status.lastErrorAge?.inSeconds
    }
}

extension Duration {
    /// To the millisecond.
    var inSeconds: Double { Double((self / .milliseconds(1)).rounded()) / 1000 }
}
