import GRDB
import RoostCore

/// The tickets of one engine. ``AdmissionTable`` decides; this draws tickets, asks it, and waits.
struct StoredAdmissionLedger: AdmissionLedger {
    let store: StateStore
    let engine: EngineID
    let owner: OwnerIdentity
    let estates: Estates
    private let room = WaitingRoom()

    /// How often the first in line looks whether another process has released something, or has died.
    private static let pollInterval = Duration.milliseconds(75)

    init(store: StateStore, engine: EngineID, owner: OwnerIdentity, estates: Estates) {
        self.store = store
        self.engine = engine
        self.owner = owner
        self.estates = estates
    }

    func acquire(_ request: AdmissionRequest, budget: ByteCount) async throws -> Admission {
        guard request.memory <= budget else { throw BudgetTooSmall(request: request, budget: budget) }
        try Task.checkCancellation()
        let (number, isAdmitted) = try await draw(request, budget: budget)
        let admission = Admission(number: number, memory: request.memory)
        if isAdmitted { return admission }
        room.enter(number)
        defer { room.leave(number) }
        do {
            try await waitForAdmission(number, budget: budget)
        } catch {
            // Withdrawn, so that those behind it go on. Where that fails too, the ticket ends with this process.
            try? await release(admission)
            throw error
        }
        return admission
    }

    func acquireWithoutWaiting(_ request: AdmissionRequest) async throws -> Admission {
        let (engine, owner) = (engine, owner)
        return try await store.write { db in
            Admission(
                number: try Self.insert(request, engine, owner, isAdmitted: true, db),
                memory: request.memory
            )
        }
    }

    func release(_ admission: Admission) async throws {
        try await store.write { db in
            try db.cachedStatement(sql: "DELETE FROM ticket WHERE number = ?").execute(arguments: [admission.number])
        }
        room.callFirst()
    }

    func promises() async throws -> [PromisedMemory] {
        let engine = engine
        return try await store.promises().filter { $0.engine == engine }
    }

    // MARK: Tickets

    /// Draws a ticket, and admits it where that is possible at once.
    private func draw(_ request: AdmissionRequest, budget: ByteCount) async throws -> (Int64, isAdmitted: Bool) {
        let (engine, owner, processes) = (engine, owner, store.processes)
        return try await store.write { db in
            let number = try Self.insert(request, engine, owner, isAdmitted: false, db)
            let table = try Self.table(engine, processes, db)
            try Self.remove(table.abandoned, db)
            guard table.answer(for: number, budget: budget.bytes) == .admit else { return (number, false) }
            try Self.admit(number, db)
            return (number, true)
        }
    }

    private func waitForAdmission(_ number: Int64, budget: ByteCount) async throws {
        while true {
            let call = room.nextCall(for: number)
            if try await admit(number, budget: budget) { return }
            if room.isFirst(number) {
                await call.wait(atMost: Self.pollInterval)
            } else {
                await call.wait()
            }
            try Task.checkCancellation()
        }
    }

    /// Admits a ticket if its turn has come. Only where it has does this take the lock that others wait for.
    private func admit(_ number: Int64, budget: ByteCount) async throws -> Bool {
        let (engine, processes) = (engine, store.processes)
        let decide = { @Sendable (db: Database) in
            try Self.table(engine, processes, db)
        }
        let seen = try await store.read(decide)
        let cleared = try await clear(seen, for: number, budget: budget)
        guard seen.answer(for: number, budget: budget.bytes) == .admit || !(seen.abandoned + cleared).isEmpty else {
            return false
        }
        return try await store.write { db in
            try Self.remove(cleared, db)
            let table = try decide(db)
            try Self.remove(table.abandoned, db)
            guard table.answer(for: number, budget: budget.bytes) == .admit else { return false }
            try Self.admit(number, db)
            return true
        }
    }

    /// Has the containers of dead owners removed where a ticket, the first in line, waits for their memory.
    ///
    /// - Returns: Their tickets, which no container uses any more.
    private func clear(_ table: AdmissionTable, for number: Int64, budget: ByteCount) async throws -> [Int64] {
        guard !table.leftBehind.isEmpty, room.isFirst(number),
            case .waitForMemory = table.answer(for: number, budget: budget.bytes)
        else { return [] }
        let cleared = try await estates.clear(Set(table.leftBehind.keys))
        return table.leftBehind.filter { cleared.contains($0.key) }.values.flatMap { $0 }
    }

    private static func insert(
        _ request: AdmissionRequest,
        _ engine: EngineID,
        _ owner: OwnerIdentity,
        isAdmitted: Bool,
        _ db: Database
    ) throws -> Int64 {
        try db.cachedStatement(
            sql: "INSERT INTO ticket (engine, owner, run, step, bytes, admitted) VALUES (?, ?, ?, ?, ?, ?)"
        ).execute(
            arguments: [
                engine.description, owner.description, request.run, request.step, request.memory.bytes,
                isAdmitted ? 1 : 0,
            ]
        )
        return db.lastInsertedRowID
    }

    private static func admit(_ number: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE ticket SET admitted = 1 WHERE number = ?").execute(arguments: [number])
    }

    private static func remove(_ numbers: [Int64], _ db: Database) throws {
        for number in numbers {
            try db.cachedStatement(sql: "DELETE FROM ticket WHERE number = ?").execute(arguments: [number])
        }
    }

    private static func table(
        _ engine: EngineID,
        _ processes: any ProcessFacts,
        _ db: Database
    ) throws -> AdmissionTable {
        let statement = try db.cachedStatement(
            sql: "SELECT number, owner, bytes, admitted FROM ticket WHERE engine = ? ORDER BY number"
        )
        let tickets = try Row.fetchAll(statement, arguments: [engine.description]).compactMap { row in
            OwnerIdentity(parsing: row["owner"]).map {
                AdmissionTable.Ticket(
                    number: row["number"],
                    owner: $0,
                    bytes: row["bytes"],
                    isAdmitted: row["admitted"]
                )
            }
        }
        let owners = Set(tickets.map(\.owner))
        let states = Dictionary(uniqueKeysWithValues: owners.map { ($0, $0.state(by: processes)) })
        return AdmissionTable(tickets, states: states)
    }
}
