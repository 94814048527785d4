import OCIDistribution
import RoostCore

/// The metrics of `/metrics`, in Prometheus's text format, version 0.0.4. Those that count begin anew with the process.
struct CacheMetrics {
    let server: ServerCounters.Values
    let store: StoreStatus
    let upstreams: [UpstreamStatus]
    let fills: FillTimes.Value
    let filling: Int

    private typealias Sample = (labels: [(String, String)], value: String)

    var text: String {
        let results = CacheResult.allCases.map { result -> Sample in
            ([("result", result.rawValue)], "\(server.results[result] ?? 0)")
        }
        let statuses = server.statuses.sorted { $0.key < $1.key }.map { status -> Sample in
            ([("status", "\(status.key)")], "\(status.value)")
        }
        return [
            family("requests_total", "counter", "Answers from the content, by how they were come by.", results),
            family("responses_total", "counter", "All answers, by status.", statuses),
            family("served_bytes_total", "counter", "Bytes of bodies sent.", one(server.bytes)),
            family(
                "saved_bytes_total",
                "counter",
                "Bytes of bodies that no upstream was asked for.",
                one(server.savedBytes)
            ),
            family("connections", "gauge", "Connections that are open.", one(Int64(server.openConnections))),
            family("size_bytes", "gauge", "What counts against the cap.", one(store.used)),
            family("cap_bytes", "gauge", "The cap.", one(store.limits.maxSize.bytes)),
            family("disk_free_bytes", "gauge", "What the disk has left.", store.free.map { one($0) } ?? []),
            family("blobs", "gauge", "Blobs and manifests that are stored.", one(Int64(store.storedCount))),
            family("quarantined_blobs", "gauge", "Damaged files put aside.", one(Int64(store.quarantinedCount))),
            family("fills", "gauge", "Blobs that are being filled.", one(Int64(filling))),
            family(
                "evictions_total",
                "counter",
                "Blobs and manifests evicted since the folder was made.",
                one(store.counters["evictions"] ?? 0)
            ),
            family(
                "evicted_bytes_total",
                "counter",
                "Their bytes.",
                one(store.counters["evicted_bytes"] ?? 0)
            ),
            fillTimes, perUpstream,
        ].joined()
    }

    private var fillTimes: String {
        let name = "roost_cache_fill_seconds"
        return """
            # HELP \(name) How long fills took, whatever became of them.
            # TYPE \(name) summary
            \(name)_sum \(fills.total.inSeconds)
            \(name)_count \(fills.count)

            """
    }

    private var perUpstream: String {
        func samples(_ value: (UpstreamStatus) -> String?) -> [Sample] {
            upstreams.compactMap { upstream in value(upstream).map { ([("upstream", upstream.name)], $0) } }
        }
        return [
            family("upstream_requests_total", "counter", "Requests sent.", samples { "\($0.requests)" }),
            family("upstream_failures_total", "counter", "Requests without an answer.", samples { "\($0.failures)" }),
            family("upstream_bytes_total", "counter", "Bytes of bodies received.", samples { "\($0.bytes)" }),
            family(
                "upstream_rate_limit_remaining",
                "gauge",
                "Pulls left, as the upstream last said.",
                samples { $0.rateLimit?.remaining.map { "\($0)" } }
            ),
            family(
                "upstream_up",
                "gauge",
                "0 where the upstream has failed too often and is not asked.",
                samples { $0.breaker == .closed ? "1" : "0" }
            ),
        ].joined()
    }

    private func one(_ value: Int64) -> [Sample] { [([], "\(value)")] }

    /// A family of samples; nothing where it has none.
    private func family(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) -> String {
        guard !samples.isEmpty else { return "" }
        let name = "roost_cache_\(name)"
        let lines = samples.map { sample in
            let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
            return "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(sample.value)\n"
        }
        return "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n" + lines.joined()
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
