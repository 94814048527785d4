import Synchronization

/// What the server has done since it was started; what status and metrics are made of.
package final class ServerCounters: Sendable {
    package struct Values: Hashable, Sendable {
        /// Answers from the content, by how they were come by.
        package var results: [CacheResult: Int] = [:]
        /// All answers.
        package var statuses: [Int: Int] = [:]
        package var outcomes: [AccessEntry.Outcome: Int] = [:]
        /// Of bodies.
        package var bytes: Int64 = 0
        /// Of bodies, of those that came from the disk alone: what the upstreams were spared.
        package var savedBytes: Int64 = 0
        package var requests = 0
        package var acceptedConnections = 0
        package var openConnections = 0
    }

    private let state = Mutex(Values())

    package init() {}

    package var values: Values { state.withLock { $0 } }

    func count(_ entry: AccessEntry) {
        state.withLock { values in
            values.requests += 1
            values.statuses[entry.status, default: 0] += 1
            values.outcomes[entry.outcome, default: 0] += 1
            values.bytes += entry.bytes
            guard let result = entry.result else { return }
            values.results[result, default: 0] += 1
            switch result {
            case .hit, .stale, .revalidated, .joined: values.savedBytes += entry.bytes
            case .miss, .uncached: break
            }
        }
    }

    func opened() {
        state.withLock { values in
            values.acceptedConnections += 1
            values.openConnections += 1
        }
    }

    func closed() { state.withLock { $0.openConnections -= 1 } }
}
