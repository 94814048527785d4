import Foundation
import GRDB
import OCIDistribution

/// What the store knows of its files, in SQLite. All calls block, and come from one thread at a time.
///
/// Whatever is in it is only believed as far as it makes sense: a row whose digest can't be read is passed over.
struct StoreIndex: Sendable {
    struct Blob: Hashable, Sendable {
        let digest: Digest
        let size: Int64
        /// Of a manifest; `nil` for other blobs.
        let mediaType: MediaType?
        let use: Use
    }

    let file: IndexFile
    let database: DatabaseQueue
    /// Told of each change before it is made.
    let files: any StoreFiles

    // MARK: Transactions

    func read<Value>(_ body: (Database) throws -> Value) throws(ContentStoreError) -> Value {
        do {
            return try database.read(body)
        } catch {
            throw file.translate(error)
        }
    }

    func write<Value>(_ body: (Database) throws -> Value) throws(ContentStoreError) -> Value {
        do {
            try files.willRecord()
            return try database.write(body)
        } catch let fault as FileFault {
            throw .file(fault)
        } catch {
            throw file.translate(error)
        }
    }

    // MARK: Blobs

    func blob(_ digest: Digest) throws(ContentStoreError) -> Blob? {
        try read { db in
            try Row.fetchOne(db, cachedSQL: "SELECT * FROM blob WHERE digest = ?", [digest.description])
                .flatMap(Self.blob)
        }
    }

    /// The number and the bytes of all blobs.
    func total() throws(ContentStoreError) -> (count: Int, size: Int64) {
        try read { db in
            let row = try Row.fetchOne(db, sql: "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM blob")
            return (row?[0] ?? 0, row?[1] ?? 0)
        }
    }

    /// One more than the last place in the order of eviction.
    func nextUseOrder() throws(ContentStoreError) -> Int64 {
        try read { db in try Int64.fetchOne(db, sql: "SELECT COALESCE(MAX(use_order), 0) + 1 FROM blob") ?? 1 }
    }

    /// Blobs in the order in which they were last used.
    ///
    /// - Parameters:
    ///   - last: Where to go on.
    ///   - limit: At most how many.
    /// - Returns: One page of them.
    /// - Throws: ``ContentStoreError``.
    func leastRecentlyUsed(after last: Blob?, limit: Int) throws(ContentStoreError) -> [Blob] {
        try read { db in
            try Row.fetchAll(
                db,
                cachedSQL: Self.leastRecentlyUsedQuery,
                [last?.use.order ?? .min, last?.digest.description ?? "", limit]
            ).compactMap(Self.blob)
        }
    }

    static let leastRecentlyUsedQuery = """
        SELECT * FROM blob WHERE (use_order, digest) > (?, ?) ORDER BY use_order, digest LIMIT ?
        """

    /// All blobs whose digests begin with a text such as `sha256:a7`.
    func blobs(withPrefix prefix: String) throws(ContentStoreError) -> [Blob] {
        try read { db in
            try Row.fetchAll(db, cachedSQL: Self.prefixQuery, [prefix, prefix + "g"]).compactMap(Self.blob)
        }
    }

    static let prefixQuery = "SELECT * FROM blob WHERE digest >= ? AND digest < ?"

    /// Records a whole blob, whose partial is none any more, and what it refers to.
    func add(_ blob: Blob, children: [Digest]) throws(ContentStoreError) {
        try write { db in
            // A new file has just been hashed: it comes last among those that are read again.
            try db.execute(
                cachedSQL: """
                    INSERT INTO blob (digest, size, media_type, use_order, used_at, check_order)
                    VALUES (?, ?, ?, ?, ?, (SELECT COALESCE(MAX(check_order), 0) + 1 FROM blob))
                    ON CONFLICT (digest) DO UPDATE SET size = excluded.size, use_order = excluded.use_order,
                      media_type = COALESCE(excluded.media_type, media_type), used_at = excluded.used_at
                    """,
                [
                    blob.digest.description, blob.size, blob.mediaType?.description, blob.use.order,
                    blob.use.time.timeIntervalSince1970,
                ]
            )
            try db.execute(cachedSQL: "DELETE FROM partial WHERE digest = ?", [blob.digest.description])
            for child in children {
                try db.execute(
                    cachedSQL: "INSERT OR IGNORE INTO child (parent, child) VALUES (?, ?)",
                    [blob.digest.description, child.description]
                )
            }
        }
    }

    /// Removes blobs, and what is known of them.
    func remove(_ digests: [Digest]) throws(ContentStoreError) {
        guard !digests.isEmpty else { return }
        try write { db in
            for digest in digests { try Self.remove(digest, in: db) }
        }
    }

    private static func remove(_ digest: Digest, in db: Database) throws {
        for statement in [
            "DELETE FROM blob WHERE digest = ?", "DELETE FROM member WHERE digest = ?",
            "DELETE FROM child WHERE parent = ?", "DELETE FROM tag WHERE digest = ?",
        ] {
            try db.execute(cachedSQL: statement, [digest.description])
        }
    }

    func record(_ uses: [Digest: Use]) throws(ContentStoreError) {
        guard !uses.isEmpty else { return }
        try write { db in
            for (digest, use) in uses {
                try db.execute(
                    cachedSQL: "UPDATE blob SET use_order = ?, used_at = ? WHERE digest = ?",
                    [use.order, use.time.timeIntervalSince1970, digest.description]
                )
            }
        }
    }

    // MARK: Partials

    /// The sizes that partials will have.
    func partials() throws(ContentStoreError) -> [Digest: Int64] {
        try read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT digest, size FROM partial")
            return Dictionary(
                rows.compactMap { row in Self.digest(row["digest"]).map { ($0, row["size"]) } },
                uniquingKeysWith: { first, _ in first }
            )
        }
    }

    func partialSize(_ digest: Digest) throws(ContentStoreError) -> Int64? {
        try read { db in
            try Int64.fetchOne(db, cachedSQL: "SELECT size FROM partial WHERE digest = ?", [digest.description])
        }
    }

    func addPartial(_ digest: Digest, size: Int64) throws(ContentStoreError) {
        try write { db in
            try db.execute(
                cachedSQL: "INSERT OR REPLACE INTO partial (digest, size) VALUES (?, ?)",
                [digest.description, size]
            )
        }
    }

    func removePartials(_ digests: [Digest]) throws(ContentStoreError) {
        guard !digests.isEmpty else { return }
        try write { db in
            for digest in digests {
                try db.execute(cachedSQL: "DELETE FROM partial WHERE digest = ?", [digest.description])
            }
        }
    }

    // MARK: Order of checks

    /// The blobs that were read again the longest ago.
    func leastRecentlyChecked(limit: Int) throws(ContentStoreError) -> [Blob] {
        try read { db in
            try Row.fetchAll(db, cachedSQL: Self.leastRecentlyCheckedQuery, [limit]).compactMap(Self.blob)
        }
    }

    static let leastRecentlyCheckedQuery = "SELECT * FROM blob ORDER BY check_order, digest LIMIT ?"

    /// Puts a blob last among those that are read again.
    func noteChecked(_ digest: Digest) throws(ContentStoreError) {
        try write { db in
            try db.execute(
                cachedSQL: """
                    UPDATE blob SET check_order = (SELECT MAX(check_order) + 1 FROM blob) WHERE digest = ?
                    """,
                [digest.description]
            )
        }
    }

    // MARK: Rows

    static func blob(_ row: Row) -> Blob? {
        guard let digest = digest(row["digest"]), let size: Int64 = row["size"], size >= 0 else { return nil }
        let mediaType: String? = row["media_type"]
        return Blob(
            digest: digest,
            size: size,
            mediaType: mediaType.map { MediaType($0) },
            use: Use(order: row["use_order"], time: Date(timeIntervalSince1970: row["used_at"]))
        )
    }

    static func digest(_ text: String?) -> Digest? { text.flatMap { try? Digest(parsing: $0) } }
}

extension Database {
    /// Runs a statement that is compiled once.
    func execute(cachedSQL sql: String, _ arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}

extension Row {
    fileprivate static func prepared(_ db: Database, _ sql: String) throws -> Statement {
        try db.cachedStatement(sql: sql)
    }

    static func fetchOne(_ db: Database, cachedSQL sql: String, _ arguments: StatementArguments) throws -> Row? {
        try fetchOne(try prepared(db, sql), arguments: arguments)
    }

    static func fetchAll(_ db: Database, cachedSQL sql: String, _ arguments: StatementArguments) throws -> [Row] {
        try fetchAll(try prepared(db, sql), arguments: arguments)
    }
}

extension DatabaseValueConvertible {
    static func fetchOne(_ db: Database, cachedSQL sql: String, _ arguments: StatementArguments) throws -> Self? {
        try fetchOne(try db.cachedStatement(sql: sql), arguments: arguments)
    }
}
