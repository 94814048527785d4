import GRDB
import Glibc
import RoostCore

/// Opens the file of the index, and deals with what may be wrong with it. Everything here blocks.
struct IndexFile: Sendable {
    struct Opened {
        let database: DatabaseQueue
        /// Whether a damaged file was moved aside, and an empty one made.
        let wasDamaged: Bool
    }

    let path: String

    /// Opens the database, making what is missing. A file that is no database is moved aside: all that is in it can be
    /// had again, but for the pins.
    ///
    /// - Throws: ``ContentStoreError``.
    func open() throws(ContentStoreError) -> Opened {
        do {
            return Opened(database: try openDatabase(), wasDamaged: false)
        } catch let error as DatabaseError where Self.isDamage(error) {
            try setAside()
        } catch {
            throw translate(error)
        }
        do {
            return Opened(database: try openDatabase(), wasDamaged: true)
        } catch {
            throw translate(error)
        }
    }

    /// Where a damaged file goes; one before it is replaced.
    var damagedPath: String { "\(path).damaged" }

    private func openDatabase() throws -> DatabaseQueue {
        if try makeFile() { try examine() }
        let database = try connect(readOnly: false)
        try database.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            // Enough for WAL to survive any crash of a process. What a loss of power takes is found again from the files.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        if try !database.read(IndexSchema.migrator.hasCompletedMigrations) {
            try IndexSchema.migrator.migrate(database)
        }
        return database
    }

    /// Looks at a file that is there, without changing it.
    private func examine() throws {
        let database = try connect(readOnly: true)
        defer { try? database.close() }
        try database.read { db in
            if try IndexSchema.migrator.hasBeenSuperseded(db) { throw ContentStoreError.newerIndex(file: path) }
            // Not the whole file, which may be large: its first pages, and what the tables look like.
            let names = try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
            guard names.isEmpty || Set(Self.tables).isSubset(of: names) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "tables are missing")
            }
            for table in Self.tables where names.contains(table) {
                _ = try Row.fetchOne(db, sql: "SELECT * FROM \(table) LIMIT 1")
            }
        }
    }

    private static let tables = ["blob", "partial", "child", "tag", "member", "pin", "counter"]

    private func connect(readOnly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.label = "roost.cache.index"
        configuration.busyMode = .timeout(5)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Makes an empty file that only its owner may read; SQLite gives the files beside it the same permissions.
    ///
    /// - Returns: Whether there was a file already.
    private func makeFile() throws(ContentStoreError) -> Bool {
        if let size = StoreLayout.size(of: path) {
            chmod(path, 0o600)
            return size > 0
        }
        let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(FileFault(operation: "open", path: path, code: errno)) }
        close(descriptor)
        return false
    }

    private func setAside() throws(ContentStoreError) {
        // What stands beside the file belongs to it: with another it would do harm.
        for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
        guard rename(path, damagedPath) == 0 else {
            throw .file(FileFault(operation: "rename", path: path, code: errno))
        }
    }

    func translate(_ error: any Error) -> ContentStoreError {
        (error as? ContentStoreError) ?? .index(file: path, cause: error)
    }

    /// What was read is no database, or a broken one, or not one of this index.
    static func isDamage(_ error: DatabaseError) -> Bool {
        [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR].contains(error.resultCode)
    }
}
