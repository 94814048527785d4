import Foundation
import GRDB
import OCIDistribution

/// What names lead to digests, and who may have them.
extension StoreIndex {
    // MARK: Tags

    func tag(_ name: String, of repository: CachedRepository) throws(ContentStoreError) -> CachedTag? {
        try read { db in
            let row = try Row.fetchOne(
                db,
                cachedSQL: Self.tagQuery,
                [repository.upstream, repository.path, name]
            )
            guard let row, let digest = Self.digest(row["digest"]) else { return nil }
            return CachedTag(
                digest: digest,
                mediaType: MediaType(row["media_type"]),
                size: row["size"],
                checkedAt: Date(timeIntervalSince1970: row["checked_at"])
            )
        }
    }

    static let tagQuery = "SELECT * FROM tag WHERE upstream = ? AND repository = ? AND name = ?"

    func setTag(_ name: String, of repository: CachedRepository, to tag: CachedTag) throws(ContentStoreError) {
        try write { db in
            try db.execute(
                cachedSQL: """
                    INSERT OR REPLACE INTO tag (upstream, repository, name, digest, media_type, size, checked_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                [
                    repository.upstream, repository.path, name, tag.digest.description, tag.mediaType.description,
                    tag.size, tag.checkedAt.timeIntervalSince1970,
                ]
            )
        }
    }

    func removeTag(_ name: String, of repository: CachedRepository) throws(ContentStoreError) {
        try write { db in
            try db.execute(
                cachedSQL: "DELETE FROM tag WHERE upstream = ? AND repository = ? AND name = ?",
                [repository.upstream, repository.path, name]
            )
        }
    }

    /// The tags that lead to a manifest.
    func tags(of digest: Digest) throws(ContentStoreError) -> [String] {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                cachedSQL: "SELECT * FROM tag WHERE digest = ? ORDER BY upstream, repository, name",
                [digest.description]
            )
            return rows.map { "\($0["upstream"] as String)/\($0["repository"] as String):\($0["name"] as String)" }
        }
    }

    // MARK: Members

    func admits(_ repository: CachedRepository, _ digest: Digest) throws(ContentStoreError) -> Bool {
        try read { db in
            try Row.fetchOne(
                db,
                cachedSQL: Self.memberQuery,
                [digest.description, repository.upstream, repository.path]
            ) != nil
        }
    }

    static let memberQuery = "SELECT 1 FROM member WHERE digest = ? AND upstream = ? AND repository = ?"

    func note(_ repository: CachedRepository, has digests: [Digest]) throws(ContentStoreError) {
        try write { db in
            for digest in digests {
                try db.execute(
                    cachedSQL: "INSERT OR IGNORE INTO member (digest, upstream, repository) VALUES (?, ?, ?)",
                    [digest.description, repository.upstream, repository.path]
                )
            }
        }
    }

    func removeMember(_ repository: CachedRepository, _ digest: Digest) throws(ContentStoreError) {
        try write { db in
            try db.execute(
                cachedSQL: "DELETE FROM member WHERE digest = ? AND upstream = ? AND repository = ?",
                [digest.description, repository.upstream, repository.path]
            )
        }
    }

    /// Whose a digest is known to be.
    func repositories(of digest: Digest) throws(ContentStoreError) -> [CachedRepository] {
        try read { db in
            try Row.fetchAll(
                db,
                cachedSQL: "SELECT * FROM member WHERE digest = ? ORDER BY upstream, repository",
                [digest.description]
            ).compactMap { CachedRepository(upstream: $0["upstream"], path: $0["repository"]) }
        }
    }

    /// Removes what is known of digests that are neither stored nor being filled.
    func removeOrphans() throws(ContentStoreError) {
        try write { db in
            for (table, column) in [("member", "digest"), ("child", "parent"), ("tag", "digest")] {
                try db.execute(
                    sql: """
                        DELETE FROM \(table) WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.digest = \(table).\(column))
                          AND NOT EXISTS (SELECT 1 FROM partial WHERE partial.digest = \(table).\(column))
                        """
                )
            }
        }
    }

    // MARK: Holds

    /// What must not go, or not first.
    ///
    /// - Parameters:
    ///   - leased: What runs need.
    ///   - freshSince: Manifests asked for, and tags compared, since then are fresh.
    /// - Returns: Those digests, and what they refer to.
    /// - Throws: ``ContentStoreError``.
    func protection(leased: Set<Digest>, freshSince: Date) throws(ContentStoreError) -> Protection {
        try read { db in
            let since = freshSince.timeIntervalSince1970
            var protection = Protection()
            protection.pinned = try Self.digests(db, Self.pinnedQuery, [])
            protection.fresh = try Self.digests(db, Self.freshQuery, [since, since])
            for digest in leased {
                protection.leased.formUnion(try Self.digests(db, Self.familyQuery, [digest.description]))
            }
            return protection
        }
    }

    private static func digests(_ db: Database, _ sql: String, _ arguments: StatementArguments) throws -> Set<Digest> {
        var digests: Set<Digest> = []
        let rows = try Row.fetchCursor(try db.cachedStatement(sql: sql), arguments: arguments)
        while let row = try rows.next() { if let digest = digest(row[0]) { digests.insert(digest) } }
        return digests
    }

    static let pinnedQuery = family(of: "SELECT digest, 0 FROM pin")
    static let familyQuery = family(of: "SELECT ?, 0")
    static let freshQuery = family(
        of: """
            SELECT digest, 0 FROM tag WHERE checked_at >= ?
            UNION SELECT digest, 0 FROM blob WHERE media_type IS NOT NULL AND used_at >= ?
            """
    )

    /// Digests and what they refer to, as deep as indexes may be nested; a cycle ends there too.
    private static func family(of roots: String) -> String {
        """
        WITH RECURSIVE family(digest, depth) AS (
          SELECT * FROM (\(roots))
          UNION SELECT child.child, depth + 1 FROM family JOIN child ON child.parent = family.digest
          WHERE depth <= \(Manifest.deepestIndex)
        ) SELECT digest FROM family
        """
    }

    // MARK: Pins

    func pins() throws(ContentStoreError) -> [Pin] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM pin ORDER BY reference").compactMap { row in
                Self.digest(row["digest"]).map {
                    Pin(
                        reference: row["reference"],
                        digest: $0,
                        pinnedAt: Date(timeIntervalSince1970: row["pinned_at"])
                    )
                }
            }
        }
    }

    func pin(_ pin: Pin) throws(ContentStoreError) {
        try write { db in
            try db.execute(
                cachedSQL: "INSERT OR REPLACE INTO pin (reference, digest, pinned_at) VALUES (?, ?, ?)",
                [pin.reference, pin.digest.description, pin.pinnedAt.timeIntervalSince1970]
            )
        }
    }

    func unpin(_ reference: String) throws(ContentStoreError) -> Bool {
        try write { db in
            try db.execute(cachedSQL: "DELETE FROM pin WHERE reference = ?", [reference])
            return db.changesCount > 0
        }
    }

    // MARK: Counters

    func counters() throws(ContentStoreError) -> [String: Int64] {
        try read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT name, value FROM counter")
            return Dictionary(rows.map { ($0["name"], $0["value"]) }, uniquingKeysWith: { first, _ in first })
        }
    }

    func add(_ amounts: [String: Int64]) throws(ContentStoreError) {
        guard !amounts.isEmpty else { return }
        try write { db in
            for (name, amount) in amounts {
                try db.execute(
                    cachedSQL: """
                        INSERT INTO counter (name, value) VALUES (?, ?)
                        ON CONFLICT (name) DO UPDATE SET value = value + excluded.value
                        """,
                    [name, amount]
                )
            }
        }
    }
}
