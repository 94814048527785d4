import GRDB
package import RoostCore

extension StateStore {
    /// The memory that is promised on all engines, in the order in which it was asked for. That of dead owners is among it
    /// until what they left has been removed.
    package func promises() async throws -> [PromisedMemory] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT engine, owner, run, step, bytes FROM ticket WHERE admitted = 1 ORDER BY number"
            )
            .compactMap { row in
                OwnerIdentity(parsing: row["owner"]).map {
                    PromisedMemory(
                        engine: EngineID(row["engine"]),
                        owner: $0,
                        run: row["run"],
                        step: row["step"],
                        memory: ByteCount(row["bytes"])
                    )
                }
            }
        }
    }

    /// Whether an owner may still live; the promises of one that has ended count until what it left is removed.
    package func mayLive(_ owner: OwnerIdentity) -> Bool { owner.isAlive(by: processes) }

    /// Owners that have ended, and are still promised memory on an engine.
    package func endedOwners(on engine: EngineID) async throws -> Set<OwnerIdentity> {
        Set(try await promises().filter { $0.engine == engine && !mayLive($0.owner) }.map(\.owner))
    }

    /// Drops what owners were promised on an engine that have ended, and of whom no container is left there.
    package func dropPromises(of owners: Set<OwnerIdentity>, on engine: EngineID) async throws {
        guard !owners.isEmpty else { return }
        try await write { db in
            for owner in owners {
                try db.execute(
                    sql: "DELETE FROM ticket WHERE engine = ? AND owner = ?",
                    arguments: [engine.description, owner.description]
                )
            }
        }
    }
}
