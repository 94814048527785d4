import Foundation
import GRDB
import RoostCore

/// Opens the file of the state, and deals with what may be wrong with it. Everything here blocks.
struct StateFile: Sendable {
    /// The database, and what the user should know about how it came to be.
    struct Opened {
        let database: DatabaseQueue
        let warning: String?
    }

    /// The disk takes no more, or is read-only: state can't be kept there for now.
    struct DiskUnusable: Error {
        let cause: any Error
    }

    let folder: URL
    /// How long a lock of somebody else's is waited for.
    let patience: Duration

    static let name = "roost.db"

    var path: String { folder.appending(path: Self.name).path(percentEncoded: false) }
    /// The database and the files that SQLite keeps beside it.
    var paths: [String] { ["", "-wal", "-shm"].map { path + $0 } }

    /// Opens the database, making what is missing, and setting aside a file that is none.
    ///
    /// - Throws: ``StoreError``, or ``DiskUnusable``.
    func open() throws -> Opened {
        try makeFolder()
        // One process at a time: nobody sees a database that is half made, or sets aside what another has made anew.
        return try FolderLock.with(folder, patience: patience, file: path) {
            do {
                return Opened(database: try openDatabase(), warning: nil)
            } catch let error as DatabaseError where error.isCorruption {
                let aside = try setAside()
                return Opened(
                    database: try openDatabase(),
                    warning: "Roost's state in \(path) was damaged and is now in \(aside); a new one was made, which "
                        + "knows nothing of earlier runs"
                )
            }
        }
    }

    /// A database without a file, for this process alone.
    ///
    /// - Parameter source: The database to go on with, as far as it can be read.
    /// - Returns: A copy of it, or an empty database.
    /// - Throws: What keeps SQLite from working in memory.
    static func inMemory(copying source: DatabaseQueue? = nil) throws -> DatabaseQueue {
        if let source {
            let copy = try DatabaseQueue()
            if (try? source.backup(to: copy)) != nil { return copy }
        }
        let fresh = try DatabaseQueue()
        try Schema.migrator.migrate(fresh)
        return fresh
    }

    // MARK: Opening

    /// - Returns: The database, its tables up to date.
    /// - Throws: ``StoreError``, ``DiskUnusable``, or a `DatabaseError` for a file that is damaged.
    private func openDatabase() throws -> DatabaseQueue {
        do {
            if try makeFile() { try examine() }
            let database = try connect(readOnly: false)
            try database.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                // Enough for WAL to survive any crash of a process; the last commits may be lost with the power, which
                // kills the containers too (https://www.sqlite.org/pragma.html#pragma_synchronous).
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
            }
            if try !database.read(Schema.migrator.hasCompletedMigrations) { try Schema.migrator.migrate(database) }
            return database
        } catch let error as DatabaseError where !error.isCorruption {
            throw translate(error)
        }
    }

    /// Looks at a file that is there, without changing it.
    private func examine() throws {
        let database = try connect(readOnly: true)
        defer { try? database.close() }
        try database.read { db in
            let verdict = try String.fetchOne(db, sql: "PRAGMA quick_check(1)")
            guard verdict == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict) }
            if try Schema.migrator.hasBeenSuperseded(db) { throw StoreError.newerSchema(file: path) }
        }
    }

    private func connect(readOnly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.label = "roost.state"
        configuration.busyMode = .timeout(patience.inSeconds)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    func translate(_ error: DatabaseError) -> any Error {
        if error.isLock { return StoreError.locked(file: path, limit: patience, holders: LockHolders.find(paths)) }
        if error.isDiskUnusable { return DiskUnusable(cause: error) }
        return StoreError.database(file: path, cause: error)
    }

    // MARK: Files

    private func makeFolder() throws {
        let path = folder.path(percentEncoded: false)
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            if let code = FileErrorCause.posixCode(of: error), Self.diskCodes.contains(code) {
                throw DiskUnusable(cause: error)
            }
            throw StoreError.noFolder(path: path, cause: error)
        }
    }

    /// Makes an empty file that only its owner may read; SQLite gives the files beside it the same permissions.
    ///
    /// - Returns: Whether there was a file already.
    private func makeFile() throws -> Bool {
        var status = stat()
        if lstat(path, &status) == 0 {
            if status.st_mode & 0o077 != 0 { chmod(path, 0o600) }
            guard access(path, R_OK | W_OK) != 0 else { return status.st_size > 0 }
            let code = errno
            if Self.diskCodes.contains(code) { throw DiskUnusable(cause: POSIXError(.init(rawValue: code) ?? .EIO)) }
            throw StoreError.noPermission(file: path)
        }
        // Made aside and linked into place, and so never closed under its own name: that would drop the locks of another
        // connection of this process.
        let draft = path + ".new-" + UUID().uuidString
        let descriptor = Foundation.open(draft, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let cause = POSIXError(.init(rawValue: errno) ?? .EIO)
            if Self.diskCodes.contains(cause.code.rawValue) { throw DiskUnusable(cause: cause) }
            throw StoreError.noFolder(path: folder.path(percentEncoded: false), cause: cause)
        }
        close(descriptor)
        defer { unlink(draft) }
        // Where another process was faster, its file is as good.
        guard link(draft, path) == 0 || errno == EEXIST else {
            throw StoreError.noFolder(
                path: folder.path(percentEncoded: false),
                cause: POSIXError(.init(rawValue: errno) ?? .EIO)
            )
        }
        return false
    }

    /// Moves the file and those beside it out of the way.
    ///
    /// - Returns: Where the database is now.
    private func setAside() throws -> String {
        let time = Date().formatted(
            Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day().dateSeparator(.omitted)
                .time(includingFractionalSeconds: true).timeSeparator(.omitted)
        )
        let aside = "\(path).corrupt-\(time)"
        for suffix in ["-wal", "-shm", ""] where rename(path + suffix, aside + suffix) != 0 && errno != ENOENT {
            throw StoreError.database(file: path, cause: POSIXError(.init(rawValue: errno) ?? .EIO))
        }
        return aside
    }

    /// Full, over quota, or read-only.
    private static let diskCodes: Set<Int32> = [ENOSPC, EDQUOT, EROFS]
}

extension DatabaseError {
    /// What was read is no database, or a broken one.
    var isCorruption: Bool { [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(resultCode) }
    var isLock: Bool { [.SQLITE_BUSY, .SQLITE_LOCKED].contains(resultCode) }
    /// SQLite tells a full or failing disk from a file that may not be written, but not always (a journal that can't be
    /// made on a full disk is a file that can't be opened).
    var isDiskUnusable: Bool {
        [.SQLITE_FULL, .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_CANTOPEN].contains(resultCode)
    }
}
