import Synchronization

/// Carries what the port has counted over into the store's counters, which outlive the process.
final class UsageTally: Sendable {
    static let bytes = "served_bytes"
    static let savedBytes = "saved_bytes"

    private let server: ServerCounters
    private let store: ContentStore
    private let carried = Mutex(ServerCounters.Values())

    init(from server: ServerCounters, to store: ContentStore) {
        self.server = server
        self.store = store
    }

    /// The counter of answers that were come by in a way.
    static func name(_ result: CacheResult) -> String { "answers_\(result.rawValue)" }

    /// Counts what has been served since the last call.
    func carry() {
        carried.withLock { carried in
            let values = server.values
            store.count(Self.difference(values, since: carried))
            carried = values
        }
    }

    /// The amounts by which the counters grow.
    static func difference(_ now: ServerCounters.Values, since before: ServerCounters.Values) -> [String: Int64] {
        var amounts = [bytes: now.bytes - before.bytes, savedBytes: now.savedBytes - before.savedBytes]
        for (result, count) in now.results { amounts[name(result)] = Int64(count - (before.results[result] ?? 0)) }
        return amounts.filter { $0.value != 0 }
    }
}
