import NIOHTTP1
import OCIDistribution
import RoostCore
import Testing

@testable import RegistryCache

@Suite("The cache's metrics")
struct CacheMetricsTests {
    @Test("are Prometheus text, each family with its help and type")
    func text() {
        var server = ServerCounters.Values()
        server.results = [.hit: 3, .stale: 1]
        server.statuses = [200: 4, 404: 2]
        server.bytes = 100
        server.savedBytes = 75
        let upstream = UpstreamStatus(
            name: "docker.io",
            url: "https://registry-1.docker.io",
            rateLimit: RateLimit(headers: ["ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"]),
            breaker: .open,
            rest: .seconds(3),
            heldOff: nil,
            lastError: "down",
            lastErrorAge: .seconds(1),
            requests: 9,
            failures: 5,
            bytes: 25
        )
        let text = CacheMetrics(
            server: server,
            store: StoreStatus(
                limits: StoreLimits(maxSize: ByteCount(1000), minFree: ByteCount(1)),
                used: 600,
                storedCount: 2,
                stored: 500,
                filling: 100,
                idlePartials: 0,
                quarantined: 0,
                quarantinedCount: 0,
                free: nil,
                counters: ["evictions": 7, "evicted_bytes": 70]
            ),
            upstreams: [upstream],
            fills: FillTimes.Value(count: 2, total: .milliseconds(1500)),
            filling: 1
        ).text
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for line in [
            "roost_cache_requests_total{result=\"hit\"} 3", "roost_cache_requests_total{result=\"miss\"} 0",
            "roost_cache_responses_total{status=\"404\"} 2", "roost_cache_saved_bytes_total 75",
            "roost_cache_size_bytes 600", "roost_cache_cap_bytes 1000", "roost_cache_evictions_total 7",
            "roost_cache_fill_seconds_sum 1.5", "roost_cache_fill_seconds_count 2", "roost_cache_fills 1",
            "roost_cache_upstream_requests_total{upstream=\"docker.io\"} 9",
            "roost_cache_upstream_bytes_total{upstream=\"docker.io\"} 25",
            "roost_cache_upstream_rate_limit_remaining{upstream=\"docker.io\"} 76",
            "roost_cache_upstream_up{upstream=\"docker.io\"} 0",
        ] { #expect(lines.contains(line), "\(line)") }
        // What is not known is left out.
        #expect(!text.contains("disk_free"))
        #expect(lines.last == "")
        var typed: Set<Substring> = []
        for line in lines.dropLast() {
            if line.hasPrefix("# TYPE ") { typed.insert(line.split(separator: " ")[2]) }
            guard !line.hasPrefix("#") else { continue }
            let name = line.prefix { $0 != "{" && $0 != " " }
            let family = name.hasSuffix("_seconds_sum") ? name.dropLast(4) : name
            #expect(typed.contains(family.hasSuffix("_seconds_count") ? family.dropLast(6) : family))
        }
    }
}
