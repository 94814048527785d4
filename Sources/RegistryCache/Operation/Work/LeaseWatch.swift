import GRDB
import OCIDistribution
import Synchronization

/// Keeps the store told of what runs need: an image's lease is on its configuration's digest, and what has to stay are the
/// manifests that refer to it.
final class LeaseWatch: Sendable {
    private let store: ContentStore
    private let leased: @Sendable () async -> Set<Digest>?

    /// - Parameters:
    ///   - store: Is told.
    ///   - leased: The digests that are leased now; `nil` where that can't be found out, and what was known stays.
    init(_ store: ContentStore, leased: @escaping @Sendable () async -> Set<Digest>?) {
        self.store = store
        self.leased = leased
    }

    func refresh() async {
        guard let digests = await leased() else { return }
        // Where the index can't tell, the images themselves are held at least.
        let parents = (try? await store.parents(of: digests)) ?? []
        store.setLeased(digests.union(parents))
    }
}

extension ContentStore {
    /// The manifests that refer to any of some digests.
    ///
    /// - Throws: ``ContentStoreError``.
    func parents(of digests: Set<Digest>) async throws(ContentStoreError) -> Set<Digest> {
        guard !digests.isEmpty else { return [] }
        return try await changes.run { () throws(ContentStoreError) -> Set<Digest> in
            try self.index.parents(of: digests)
        }
    }
}

extension StoreIndex {
    /// One pass over the table, however many are asked for.
    func parents(of digests: Set<Digest>) throws(ContentStoreError) -> Set<Digest> {
        try read { db in
            var parents: Set<Digest> = []
            let rows = try Row.fetchCursor(db, sql: "SELECT parent, child FROM child")
            while let row = try rows.next() {
                guard let child = Self.digest(row[1]), digests.contains(child), let parent = Self.digest(row[0])
                else { continue }
                parents.insert(parent)
            }
            return parents
        }
    }
}
