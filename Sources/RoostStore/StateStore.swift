import Dispatch
package import Foundation
import GRDB
package import RoostCore
import Synchronization

/// What Roost knows of its own work on this host, in one SQLite file of the state folder.
///
/// The file is opened at the first call. Where the disk is full or read-only, the store goes on in memory and says so: what
/// is written then holds for this process alone. Calls block no task and go on when their task is cancelled.
package final class StateStore: Sendable {
    private struct State {
        var database: DatabaseQueue?
        var isInMemory = false
        var warnings: [String] = []
    }

    private let file: StateFile
    private let state = Mutex(State())
    /// SQLite blocks: its calls get a thread of their own, one after another.
    private let queue = DispatchQueue(label: "roost.state")

    let processes: any ProcessFacts

    /// - Parameters:
    ///   - folder: The state folder; made where it is missing.
    ///   - patience: How long to wait for somebody else's lock.
    ///   - processes: Tells whether an owner lives.
    package init(folder: URL, patience: Duration = .seconds(5), processes: any ProcessFacts = SystemProcesses()) {
        file = StateFile(folder: folder, patience: patience)
        self.processes = processes
    }

    /// The path of the database.
    package var path: String { file.path }

    /// False where there is no state yet; true also where that can't be seen.
    package var mayExist: Bool {
        var status = stat()
        return lstat(path, &status) == 0 || errno != ENOENT
    }

    /// True where nothing is written to the disk.
    package var isInMemory: Bool { state.withLock { $0.isInMemory } }

    /// What the user should know since the last time that this was asked.
    package func takeWarnings() -> [String] {
        state.withLock { state in
            defer { state.warnings = [] }
            return state.warnings
        }
    }

    /// The records of one engine.
    ///
    /// - Parameters:
    ///   - engine: Which engine.
    ///   - owner: Whose leases, runs and tickets those that are made are.
    ///   - pause: How long nothing is tried again where `removeLeft` has failed.
    ///   - removeLeft: Removes what dead owners left on the engine, by the journal and by their labels, and returns the owners
    ///     of whom no container is left: their memory is free then. By default there is never anything to remove.
    /// - Returns: The records; to be made once, since those who wait for memory know each other by them.
    package func records(
        of engine: EngineID,
        owner: OwnerIdentity = .current,
        pause: Duration = .seconds(2),
        removeLeft: @escaping @Sendable (Set<OwnerIdentity>, any Journal) async throws -> Set<OwnerIdentity> = {
            owners,
            _ in owners
        }
    ) -> EngineRecords {
        let journal = StoredJournal(store: self, engine: engine, owner: owner)
        return EngineRecords(
            engine: engine,
            journal: journal,
            leases: StoredLeaseBook(store: self, engine: engine, owner: owner),
            admissions: StoredAdmissionLedger(
                store: self,
                engine: engine,
                owner: owner,
                estates: Estates(pause: pause) { try await removeLeft($0, journal) }
            )
        )
    }

    // MARK: For the records

    /// Reads, in one transaction.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await perform { database in
            try database.writeWithoutTransaction { db in
                var value: Value?
                try db.inTransaction(.deferred) {
                    value = try body(db)
                    return .commit
                }
                return value
            }
        }
    }

    /// Reads and writes, in one transaction that no other process's comes between.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await perform { database in
            try database.writeWithoutTransaction { db in
                var value: Value?
                try db.inTransaction(.immediate) {
                    value = try body(db)
                    return .commit
                }
                return value
            }
        }
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (DatabaseQueue) throws -> Value?
    ) async throws -> Value {
        let value = try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try self.attempt(body) }) }
        }
        guard let value else { throw StoreError.database(file: path, cause: CancellationError()) }
        return value
    }

    private func attempt<Value>(_ body: (DatabaseQueue) throws -> Value?) throws -> Value? {
        let database: DatabaseQueue
        do {
            database = try openedDatabase()
        } catch let error as StateFile.DiskUnusable {
            return try body(try goOnInMemory(after: error.cause, copying: nil))
        }
        do {
            return try body(database)
        } catch let error as DatabaseError where !isInMemory && (error.isDiskUnusable || error.isCorruption) {
            return try body(
                try goOnInMemory(after: error, copying: error.isCorruption ? nil : database)
            )
        } catch let error as DatabaseError {
            throw file.translate(error)
        }
    }

    private func openedDatabase() throws -> DatabaseQueue {
        if let database = state.withLock({ $0.database }) { return database }
        let opened = try file.open()
        state.withLock { state in
            state.database = opened.database
            if let warning = opened.warning { state.warnings.append(warning) }
        }
        return opened.database
    }

    private func goOnInMemory(after cause: any Error, copying source: DatabaseQueue?) throws -> DatabaseQueue {
        let database = try StateFile.inMemory(copying: source)
        state.withLock { state in
            state.database = database
            state.isInMemory = true
            state.warnings.append(
                "Roost can't write its state to \(path) (\(FileErrorCause.text(of: cause))): it goes on without, so that other roost processes "
                    + "know nothing of this one, and share no memory budget with it; free some space, or set "
                    + "ROOST_HOME to another folder"
            )
        }
        return database
    }
}
