import Foundation
import OCIDistribution

/// A blob's place in the order of eviction, and when it took it. The order is by number: clocks can be set back.
struct Use: Hashable, Sendable {
    let order: Int64
    let time: Date
}

/// Uses that are not in the index yet. A hit costs no write: uses are written in batches.
struct UseLog: Sendable {
    private(set) var nextOrder: Int64
    private(set) var pending: [Digest: Use] = [:]

    init(nextOrder: Int64) { self.nextOrder = nextOrder }

    /// A place behind all others.
    mutating func place(at time: Date) -> Use {
        defer { nextOrder += 1 }
        return Use(order: nextOrder, time: time)
    }

    mutating func note(_ digest: Digest, at time: Date) {
        pending[digest] = place(at: time)
    }

    /// What is to be written now; it counts as written until ``putBack(_:)``.
    mutating func take() -> [Digest: Use] {
        defer { pending = [:] }
        return pending
    }

    /// Takes back what could not be written, unless there is something newer.
    mutating func putBack(_ uses: [Digest: Use]) {
        pending.merge(uses) { newer, _ in newer }
    }

    mutating func forget(_ digest: Digest) { pending[digest] = nil }
}
