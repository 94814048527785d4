import Foundation
package import OCIDistribution
import RoostCore
import Synchronization

/// How content leaves the store.
extension ContentStore {
    /// Says which digests runs need; they, and what they refer to as manifests, stay until the next call.
    package func setLeased(_ digests: Set<Digest>) { leased.withLock { $0 = digests } }

    /// What would go, with a reason for each candidate that had to be looked at; changes nothing.
    ///
    /// - Parameters:
    ///   - bytes: How many are to be freed; `nil` for what is over the limits.
    ///   - explainingAll: Whether to go on to the candidates that are not needed.
    /// - Returns: The plan.
    /// - Throws: ``ContentStoreError``.
    package func plan(
        toFree bytes: Int64? = nil,
        explainingAll: Bool = false
    ) async throws(ContentStoreError) -> EvictionPlan {
        try await changes.run { () throws(ContentStoreError) -> EvictionPlan in
            let wanted: Int64
            if let bytes { wanted = bytes } else { wanted = try self.excess(for: nil, size: 0) }
            return try self.makePlan(toFree: max(0, wanted), explainingAll: explainingAll)
        }
    }

    /// Frees room.
    ///
    /// - Parameters:
    ///   - bytes: How many; `nil` for what is over the limits.
    ///   - dryRun: Whether to change nothing.
    /// - Returns: What has gone, or would go, with the reason for every candidate.
    /// - Throws: ``ContentStoreError``.
    package func collect(toFree bytes: Int64? = nil, dryRun: Bool) async throws(ContentStoreError) -> EvictionPlan {
        try await changes.run { () throws(ContentStoreError) -> EvictionPlan in
            let wanted: Int64
            if let bytes { wanted = bytes } else { wanted = try self.excess(for: nil, size: 0) }
            let plan = try self.makePlan(toFree: max(0, wanted), explainingAll: true)
            if !dryRun { try self.evict(plan) }
            return plan
        }
    }

    // MARK: On the thread of changes

    /// Evicts until there is room for something.
    ///
    /// - Throws: ``ContentStoreError/full(needed:)`` where there can't be; nothing has gone then, but what was thought to
    ///   suffice and did not, since others fill the same disk or still read what has gone.
    func makeRoom(for digest: Digest, size: Int64) throws(ContentStoreError) {
        let excess = try excess(for: digest, size: size)
        guard excess > 0 else { return }
        let plan = try makePlan(toFree: excess, sparing: digest)
        guard plan.suffices else { throw .full(needed: .init(size)) }
        try evict(plan)
        guard try self.excess(for: digest, size: size) <= 0 else { throw .full(needed: .init(size)) }
    }

    private func excess(for digest: Digest?, size: Int64) throws(ContentStoreError) -> Int64 {
        let free = try blocking { () throws(FileFault) in try files.freeSpace(at: layout.folder) }
        return space.withLock { $0.excess(for: digest, size: size, limits: limits, free: free) }
    }

    func protection() throws(ContentStoreError) -> Protection {
        let since = now().addingTimeInterval(-Double(limits.freshFor.components.seconds))
        return try index.protection(leased: leased.withLock { $0 }, freshSince: since)
    }

    private static let pageSize = 64

    private func makePlan(
        toFree bytes: Int64,
        sparing digest: Digest? = nil,
        explainingAll: Bool = false
    ) throws(ContentStoreError) -> EvictionPlan {
        // The order has to be that of now.
        try writeUnwritten()
        let protection = try protection()
        var planner = EvictionPlanner(toFree: bytes)
        let space = space.withLock { $0 }
        for (digest, size) in space.quarantined.sorted(by: { $0.key.hex < $1.key.hex }) {
            planner.offer(.init(digest: digest, size: size, kind: .quarantined, hold: .none))
        }
        for (other, size) in space.idlePartials.sorted(by: { $0.key.hex < $1.key.hex }) where other != digest {
            planner.offer(.init(digest: other, size: size, kind: .partial, hold: .none))
        }
        var last: StoreIndex.Blob?
        while explainingAll || !planner.isSatisfied {
            let page = try index.leastRecentlyUsed(after: last, limit: Self.pageSize)
            guard let end = page.last else { break }
            for blob in page {
                planner.offer(
                    .init(
                        digest: blob.digest,
                        size: blob.size,
                        kind: blob.mediaType == nil ? .blob : .manifest,
                        hold: protection.hold(on: blob.digest)
                    )
                )
            }
            last = end
        }
        return planner.plan()
    }

    private func evict(_ plan: EvictionPlan) throws(ContentStoreError) {
        var gone: [EvictionCandidate] = []
        var failure: ContentStoreError?
        for victim in plan.victims {
            do throws(ContentStoreError) {
                switch victim.kind {
                case .quarantined: try removeQuarantined(victim.digest)
                case .partial: try removePartials([victim.digest])
                case .blob, .manifest:
                    // The file goes first: a row without a file is found at the next start, and a file without a row
                    // would be taken for one that has just come.
                    try blocking { () throws(FileFault) in try files.remove(layout.blob(victim.digest)) }
                    gone.append(victim)
                    space.withLock { $0.removeStored(victim.size) }
                }
            } catch {
                failure = error
                break
            }
        }
        forget(gone.map(\.digest))
        count(["evictions": Int64(gone.count), "evicted_bytes": gone.reduce(0) { $0 + $1.size }])
        try index.remove(gone.map(\.digest))
        if let failure { throw failure }
    }

    /// Drops what memory knows of blobs that have gone.
    func forget(_ digests: [Digest]) {
        recent.withLock { recent in for digest in digests { recent.manifests.remove(digest) } }
        unwritten.withLock { unwritten in for digest in digests { unwritten.uses.forget(digest) } }
    }

    func removePartials(_ digests: [Digest]) throws(ContentStoreError) {
        for digest in digests {
            try blocking { () throws(FileFault) in try files.remove(layout.partial(digest)) }
            space.withLock { $0.removeIdlePartial(digest) }
        }
        try index.removePartials(digests)
    }

    private func removeQuarantined(_ digest: Digest) throws(ContentStoreError) {
        try blocking { () throws(FileFault) in try files.remove(layout.quarantined(digest)) }
        space.withLock { $0.removeQuarantined(digest) }
    }
}
