import GRDB
package import RoostCore

extension StateStore {
    /// The memory that is promised on all engines, in the order in which it was asked for. That of dead owners is among it
    /// until somebody needs it.
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

    /// As ``promises()``, of owners that may still live.
    package func promisesOfTheLiving() async throws -> [PromisedMemory] {
        try await promises().filter { $0.owner.isAlive(by: processes) }
    }
}
