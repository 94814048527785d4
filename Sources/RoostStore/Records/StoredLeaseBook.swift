import Foundation
import GRDB
package import RoostCore

/// The leases of one engine.
struct StoredLeaseBook: LeaseBook {
    let store: StateStore
    let engine: EngineID
    let owner: OwnerIdentity

    func take(_ kind: LeaseKind, on subject: String) async throws -> Lease {
        // Whole seconds, which a database gives back as they are.
        let takenAt = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        let (engine, owner) = (engine, owner)
        return try await store.write { db in
            try db.cachedStatement(
                sql: "INSERT INTO lease (engine, kind, subject, owner, taken_at) VALUES (?, ?, ?, ?, ?)"
            ).execute(
                arguments: [
                    engine.description, kind.rawValue, subject, owner.description, takenAt.timeIntervalSince1970,
                ]
            )
            return Lease(
                number: db.lastInsertedRowID,
                engine: engine,
                kind: kind,
                subject: subject,
                owner: owner,
                takenAt: takenAt
            )
        }
    }

    func release(_ lease: Lease) async throws {
        try await store.write { db in
            try db.cachedStatement(sql: "DELETE FROM lease WHERE number = ?").execute(arguments: [lease.number])
        }
    }

    func leases() async throws -> [Lease] {
        let engine = engine
        return try await store.leases().filter { $0.engine == engine }
    }
}

extension StateStore {
    /// The leases of all engines whose owners may still live, in the order in which they were taken. Those of dead owners
    /// are removed.
    package func leases() async throws -> [Lease] {
        let all = try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT number, engine, kind, subject, owner, taken_at FROM lease ORDER BY number"
            )
            .compactMap(Lease.init(row:))
        }
        let dead = all.filter { !$0.owner.isAlive(by: processes) }
        if !dead.isEmpty {
            try await write { db in
                for lease in dead {
                    try db.execute(sql: "DELETE FROM lease WHERE number = ?", arguments: [lease.number])
                }
            }
        }
        let gone = Set(dead.map(\.number))
        return all.filter { !gone.contains($0.number) }
    }
}

extension Lease {
    /// `nil` for a row that no version of Roost writes.
    fileprivate init?(row: Row) {
        guard let kind = LeaseKind(rawValue: row["kind"]), let owner = OwnerIdentity(parsing: row["owner"]) else {
            return nil
        }
        self.init(
            number: row["number"],
            engine: EngineID(row["engine"]),
            kind: kind,
            subject: row["subject"],
            owner: owner,
            takenAt: Date(timeIntervalSince1970: row["taken_at"])
        )
    }
}
