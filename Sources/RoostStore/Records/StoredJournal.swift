import Foundation
import GRDB
import RoostCore

/// The journal of one engine.
struct StoredJournal: Journal {
    let store: StateStore
    let engine: EngineID
    let owner: OwnerIdentity

    /// Ended runs beyond these are forgotten, the oldest first.
    static let keptRuns = 1_000

    // MARK: Runs

    func begin(_ run: RunRecord) async throws {
        let engine = engine
        try await store.write { db in
            do {
                try db.execute(
                    sql: "INSERT INTO run (id, engine, owner, project, started_at) VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        run.id, engine.description, run.owner.description, run.projectFolder,
                        run.startedAt.timeIntervalSince1970,
                    ]
                )
            } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
                throw RunIsKnown(id: run.id)
            }
            try db.execute(
                sql: "DELETE FROM run WHERE status IS NOT NULL AND number <= ?",
                arguments: [db.lastInsertedRowID - Int64(Self.keptRuns)]
            )
        }
    }

    func record(_ exit: StepExit, of run: String) async throws {
        try await store.write { db in
            // A run that the journal does not know has no exits either: its start could not be recorded.
            try db.cachedStatement(
                sql: """
                    INSERT OR IGNORE INTO step_exit (run, stage, step, attempt, exit_code)
                    SELECT id, ?, ?, ?, ? FROM run WHERE id = ?
                    """
            ).execute(arguments: [exit.stage, exit.step, exit.attempt, exit.exitCode, run])
        }
    }

    func end(_ run: String, _ end: RunEnd) async throws -> Bool {
        try await store.write { db in
            try db.execute(
                sql: "UPDATE run SET ended_at = ?, status = ?, exit_code = ? WHERE id = ? AND status IS NULL",
                arguments: [end.endedAt.timeIntervalSince1970, end.status, end.exitCode, run]
            )
            return db.changesCount > 0
        }
    }

    func unfinishedRuns() async throws -> [RunRecord] {
        let engine = engine
        return try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM run WHERE engine = ? AND status IS NULL ORDER BY number",
                arguments: [engine.description]
            )
            return try rows.compactMap { try Self.record($0, in: db) }
        }
    }

    func run(_ id: String) async throws -> RunRecord? {
        try await store.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM run WHERE id = ?", arguments: [id])
                .flatMap { try Self.record($0, in: db) }
        }
    }

    private static func record(_ row: Row, in db: Database) throws -> RunRecord? {
        guard let owner = OwnerIdentity(parsing: row["owner"]) else { return nil }
        let id: String = row["id"]
        var run = RunRecord(
            id: id,
            owner: owner,
            projectFolder: row["project"],
            startedAt: Date(timeIntervalSince1970: row["started_at"])
        )
        if let status: String = row["status"], let endedAt: Double = row["ended_at"] {
            run.end = RunEnd(
                endedAt: Date(timeIntervalSince1970: endedAt),
                status: status,
                exitCode: (row["exit_code"] as Int64?).map { Int32(clamping: $0) }
            )
        }
        run.exits = try Row.fetchAll(
            db,
            sql: "SELECT * FROM step_exit WHERE run = ? ORDER BY stage, step, attempt",
            arguments: [id]
        ).map {
            StepExit(stage: $0["stage"], step: $0["step"], attempt: $0["attempt"], exitCode: $0["exit_code"])
        }
        return run
    }

    // MARK: Containers that labels can't tell

    func announce(container name: String, kind: String) async throws -> JournaledContainer {
        let (engine, owner) = (engine, owner)
        return try await store.write { db in
            try db.execute(
                sql: "INSERT INTO container (engine, owner, kind, name) VALUES (?, ?, ?, ?)",
                arguments: [engine.description, owner.description, kind, name]
            )
            return JournaledContainer(number: db.lastInsertedRowID, owner: owner, kind: kind, name: name)
        }
    }

    func identify(_ container: JournaledContainer, as containerID: String) async throws {
        try await store.write { db in
            try db.execute(
                sql: "UPDATE container SET container_id = ? WHERE number = ?",
                arguments: [containerID, container.number]
            )
        }
    }

    func forget(_ container: JournaledContainer) async throws {
        try await store.write { db in
            try db.execute(sql: "DELETE FROM container WHERE number = ?", arguments: [container.number])
        }
    }

    func containers() async throws -> [JournaledContainer] {
        let engine = engine
        return try await store.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM container WHERE engine = ? ORDER BY number",
                arguments: [engine.description]
            ).compactMap { row in
                guard let owner = OwnerIdentity(parsing: row["owner"]) else { return nil }
                return JournaledContainer(
                    number: row["number"],
                    owner: owner,
                    kind: row["kind"],
                    name: row["name"],
                    containerID: row["container_id"]
                )
            }
        }
    }
}
