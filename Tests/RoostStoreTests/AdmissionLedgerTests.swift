import Foundation
import GRDB
import RoostCore
import RoostTesting
import Testing

@testable import RoostStore

@Suite("The memory of an engine, shared", .timeLimit(.minutes(2)))
struct AdmissionLedgerTests {
    private let budget = ByteCount(100)

    @Test("what fits is had at once; what does not waits for a release in its own process")
    func oneProcess() async throws {
        try await StoreFixture.with { fixture in
            let (one, _) = fixture.roost(1)
            let first = try await one.admissions.acquire(memory(60), budget: budget)
            let order = Shared<[String]>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let second = try await one.admissions.acquire(memory(60), budget: budget)
                    order.update { $0.append("admitted") }
                    try await one.admissions.release(second)
                }
                try await waitForTickets(2, fixture)
                order.update { $0.append("released") }
                try await one.admissions.release(first)
                try await group.waitForAll()
            }
            #expect(order.value == ["released", "admitted"])
            #expect(try await tickets(fixture) == 0)
        }
    }

    @Test("a process learns of another's release, and of its death")
    func twoProcesses() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            let (two, _) = fixture.roost(2)
            let held = try await one.admissions.acquire(memory(60), budget: budget)
            _ = try await one.admissions.acquire(memory(30), budget: budget)
            async let second = two.admissions.acquire(memory(60), budget: budget)
            try await waitForTickets(3, fixture)
            try await one.admissions.release(held)
            let admitted = try await second
            async let third = two.admissions.acquire(memory(40), budget: budget)
            try await waitForTickets(3, fixture)
            fixture.processes.end(owner)
            try await two.admissions.release(try await third)
            try await two.admissions.release(admitted)
            #expect(try await tickets(fixture) == 0, "the dead one's ticket is removed")
        }
    }

    @Test("a dead one's memory is free when what it left is removed, and not before")
    func removedFirst() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            _ = try await one.admissions.acquire(memory(60), budget: budget)
            fixture.processes.end(owner)
            let tries = Shared(0)
            let two = fixture.roost(2) { owners in
                tries.update { $0 += 1 }
                #expect(owners == [owner])
                #expect(try await tickets(fixture) == 2, "the dead one's is still there")
                switch tries.value {
                case 1: throw NoEngine()
                case 2: return []
                default: return owners
                }
            }
            let small = try await two.admissions.acquire(memory(40), budget: budget)
            #expect(tries.value == 0, "nobody waits for the dead one's memory")
            try await two.admissions.release(small)
            _ = try await two.admissions.acquire(memory(60), budget: budget)
            #expect(tries.value == 3)
            #expect(try await tickets(fixture) == 1)
        }
    }

    private struct NoEngine: Error {}

    @Test("a dead one's promises are told until they are dropped, on its engine alone; the living keep theirs")
    func promisesOfTheDead() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            let (two, other) = fixture.roost(2)
            _ = try await one.admissions.acquire(memory(60), budget: budget)
            _ = try await two.admissions.acquire(memory(40), budget: budget)
            let store = fixture.store()
            #expect(try await store.endedOwners(on: StoreFixture.engine).isEmpty)
            fixture.processes.end(owner)
            #expect(try await store.promises().map(\.owner) == [owner, other])
            #expect(!store.mayLive(owner) && store.mayLive(other))
            #expect(try await store.endedOwners(on: StoreFixture.engine) == [owner])
            #expect(try await store.endedOwners(on: EngineID("OTHER")).isEmpty)
            try await store.dropPromises(of: [owner], on: EngineID("OTHER"))
            #expect(try await store.promises().count == 2)
            try await store.dropPromises(of: [owner], on: StoreFixture.engine)
            #expect(try await store.promises().map(\.owner) == [other])
        }
    }

    @Test("who asks first is served first: a small one does not pass a large one")
    func strictOrder() async throws {
        try await StoreFixture.with { fixture in
            let (one, _) = fixture.roost(1)
            let (two, _) = fixture.roost(2)
            let held = try await one.admissions.acquire(memory(50), budget: budget)
            let order = Shared<[String]>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let large = try await one.admissions.acquire(memory(100), budget: budget)
                    order.update { $0.append("large") }
                    try await one.admissions.release(large)
                }
                try await waitForTickets(2, fixture)
                for number in 0..<5 {
                    group.addTask {
                        let records = number.isMultiple(of: 2) ? one : two
                        let small = try await records.admissions.acquire(memory(1), budget: budget)
                        order.update { $0.append("small") }
                        try await records.admissions.release(small)
                    }
                }
                try await waitForTickets(7, fixture)
                #expect(order.value.isEmpty, "there is room for every small one, but it is not their turn")
                try await one.admissions.release(held)
                try await group.waitForAll()
            }
            #expect(order.value == ["large"] + Array(repeating: "small", count: 5))
        }
    }

    @Test("a cancelled wait withdraws its ticket, and those behind it go on")
    func cancellation() async throws {
        try await StoreFixture.with { fixture in
            let (one, _) = fixture.roost(1)
            _ = try await one.admissions.acquire(memory(50), budget: budget)
            let large = Task { try await one.admissions.acquire(memory(100), budget: budget) }
            try await waitForTickets(2, fixture)
            async let small = one.admissions.acquire(memory(10), budget: budget)
            try await waitForTickets(3, fixture)
            large.cancel()
            await #expect(throws: CancellationError.self) { try await large.value }
            _ = try await small
            #expect(try await tickets(fixture) == 2)
        }
    }

    @Test("a step that can never fit is refused, and holds nobody up")
    func tooLarge() async throws {
        try await StoreFixture.with { fixture in
            let (one, _) = fixture.roost(1)
            await #expect(throws: BudgetTooSmall(request: memory(101), budget: budget)) {
                try await one.admissions.acquire(memory(101), budget: budget)
            }
            _ = try await one.admissions.acquire(memory(100), budget: budget)
        }
    }

    @Test("steps that clean up take memory beyond the budget, and it counts for the others")
    func withoutWaiting() async throws {
        try await StoreFixture.with { fixture in
            let (one, _) = fixture.roost(1)
            let (two, _) = fixture.roost(2)
            let held = try await one.admissions.acquire(memory(100), budget: budget)
            let cleaning = try await one.admissions.acquireWithoutWaiting(memory(50))
            async let waiting = two.admissions.acquire(memory(60), budget: budget)
            try await waitForTickets(3, fixture)
            try await one.admissions.release(held)
            let waits = try await fixture.connection().read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM ticket WHERE admitted = 0")
            }
            #expect(waits == 1, "50 of clean-up and 60 are more than 100")
            try await one.admissions.release(cleaning)
            _ = try await waiting
        }
    }

    @Test("never more than the budget at once, whoever asks for how much in which order")
    func neverBeyondBudget() async throws {
        try await StoreFixture.with { fixture in
            let roosts = (1...3).map { fixture.roost($0).records }
            let used = Shared(Int64(0))
            let peak = Shared(Int64(0))
            var random = SplitMix64(seed: 7)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    let bytes = Int64.random(in: 1...100, using: &random)
                    group.addTask {
                        let ledger = roosts[number % 3].admissions
                        let admission = try await ledger.acquire(memory(bytes), budget: budget)
                        used.update { $0 += bytes }
                        peak.update { $0 = max($0, used.value) }
                        await Task.yield()
                        used.update { $0 -= bytes }
                        try await ledger.release(admission)
                    }
                }
                try await group.waitForAll()
            }
            #expect(peak.value <= 100 && peak.value > 0)
            #expect(try await tickets(fixture) == 0)
        }
    }

    private func tickets(_ fixture: StoreFixture) async throws -> Int {
        try await fixture.connection().read { try Int.fetchOne($0, sql: "SELECT count(*) FROM ticket") ?? 0 }
    }

    /// Waits until so many tickets have been drawn and not given back.
    private func waitForTickets(_ count: Int, _ fixture: StoreFixture) async throws {
        while try await tickets(fixture) != count { await Task.yield() }
    }
}
