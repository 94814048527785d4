import Foundation
import GRDB
import RoostCore
import RoostTesting
import Testing

@testable import RoostStore

@Suite("Leases and the journal")
struct LeaseAndJournalTests {
    @Test("a lease is seen by other processes until it is released, or its owner dies")
    func leases() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            let (two, _) = fixture.roost(2)
            let first = try await one.leases.take(.run, on: "sha256:aa")
            _ = try await one.leases.take(.pull, on: "sha256:aa")
            #expect(try await two.leases.leases().map(\.kind) == [.run, .pull])
            #expect(try await two.leases.leases().first == first)
            try await one.leases.release(first)
            try await one.leases.release(first)
            #expect(try await two.leases.leases().map(\.kind) == [.pull])
            fixture.processes.stop(owner)
            #expect(try await two.leases.leases().count == 1, "a stopped process lives")
            fixture.processes.end(owner)
            #expect(try await two.leases.leases().isEmpty)
            let rows = try await fixture.connection().read { try Int.fetchOne($0, sql: "SELECT count(*) FROM lease") }
            #expect(rows == 0, "a dead owner's lease is removed")
        }
    }

    @Test("a lease lies on its subject while the body runs, and is gone after it fails")
    func scopedLease() async throws {
        struct Failure: Error {}
        try await StoreFixture.with { fixture in
            let (one, _) = fixture.roost(1)
            try await one.leases.withLease(.build, on: "x") {
                let subjects = try await one.leases.leases().map(\.subject)
                #expect(subjects == ["x"])
            }
            #expect(try await one.leases.leases().isEmpty)
            await #expect(throws: Failure.self) {
                try await one.leases.withLease(.build, on: "x") { throw Failure() }
            }
            #expect(try await one.leases.leases().isEmpty)
        }
    }

    @Test("a lease is released in a cancelled task too")
    func cancelledRelease() async throws {
        try await StoreFixture.with { fixture in
            let (one, _) = fixture.roost(1)
            let taken = Gate()
            let holder = Task {
                try await one.leases.withLease(.run, on: "x") {
                    taken.open()
                    await Latch().wait()
                }
            }
            try await taken.wait()
            holder.cancel()
            try await holder.value
            #expect(try await one.leases.leases().isEmpty)
        }
    }

    @Test("what one engine has in use says nothing of another's")
    func enginesApart() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            let store = fixture.store()
            let other = store.records(of: EngineID("OTHER"), owner: owner)
            _ = try await one.leases.take(.run, on: "x")
            try await one.journal.begin(run("r", owner))
            _ = try await one.journal.announce(container: "c", kind: "build")
            _ = try await one.admissions.acquire(memory(10), budget: ByteCount(10))
            #expect(try await other.leases.leases().isEmpty)
            #expect(try await other.journal.unfinishedRuns().isEmpty)
            #expect(try await other.journal.containers().isEmpty)
            _ = try await other.admissions.acquire(memory(10), budget: ByteCount(10))
            #expect(try await store.leases().map(\.engine) == [StoreFixture.engine])
        }
    }

    @Test("a run is known from its start, with its exits, to its end, and the first end counts")
    func runs() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            let (two, _) = fixture.roost(2)
            try await one.journal.begin(run("r", owner))
            let exit = StepExit(stage: "s", step: "x", attempt: 1, exitCode: 3)
            try await one.journal.record(exit, of: "r")
            try await one.journal.record(StepExit(stage: "s", step: "x", attempt: 1, exitCode: 9), of: "r")
            try await one.journal.record(exit, of: "unknown")
            var expected = run("r", owner)
            expected.exits = [exit]
            #expect(try await two.journal.unfinishedRuns() == [expected])
            let end = RunEnd(endedAt: Date(timeIntervalSince1970: 2_000), status: "failed", exitCode: 1)
            #expect(try await one.journal.end("r", end))
            let late = RunEnd(endedAt: .now, status: RunEnd.cutOff, exitCode: nil)
            #expect(try await two.journal.end("r", late) == false)
            expected.end = end
            #expect(try await two.journal.run("r") == expected)
            #expect(try await two.journal.unfinishedRuns().isEmpty)
            #expect(try await two.journal.run("unknown") == nil)
        }
    }

    @Test("two roosts with one state: a run has one owner")
    func oneOwner() async throws {
        try await StoreFixture.with { fixture in
            let (one, first) = fixture.roost(1)
            let (two, second) = fixture.roost(2)
            let begun = await withTaskGroup(of: Bool.self) { group in
                group.addTask { (try? await one.journal.begin(run("r", first))) != nil }
                group.addTask { (try? await two.journal.begin(run("r", second))) != nil }
                return await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(begun.count { $0 } == 1)
            await #expect(throws: RunIsKnown(id: "r")) { try await two.journal.begin(run("r", second)) }
            let unfinished = try await one.journal.unfinishedRuns()
            #expect(unfinished.count == 1)
        }
    }

    @Test("old runs are forgotten by their number, never one that has not ended")
    func oldRuns() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            try await one.journal.begin(run("open", owner))
            for number in 0..<StoredJournal.keptRuns + 5 {
                try await one.journal.begin(run("r\(number)", owner))
                try await one.journal.end("r\(number)", RunEnd(endedAt: .now, status: "succeeded", exitCode: 0))
            }
            #expect(try await one.journal.run("open") != nil)
            #expect(try await one.journal.run("r4") == nil)
            #expect(try await one.journal.run("r10") != nil)
        }
    }

    @Test("no clock makes anything expire: times of another century change nothing")
    func clockJumps() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            for (id, time) in [("past", -4e9), ("future", 4e9)] {
                try await one.journal.begin(run(id, owner, startedAt: Date(timeIntervalSince1970: time)))
            }
            _ = try await one.leases.take(.run, on: "x")
            _ = try await one.admissions.acquire(memory(10), budget: ByteCount(10))
            let connection = try fixture.connection()
            for time in [-4e9, 4e9] {
                try await connection.write { try $0.execute(sql: "UPDATE lease SET taken_at = ?", arguments: [time]) }
                let (two, _) = fixture.roost(2)
                #expect(try await two.leases.leases().count == 1)
                #expect(try await two.journal.unfinishedRuns().map(\.id) == ["past", "future"])
            }
        }
    }

    @Test("a container is known ahead of its call, then by its ID, until it is forgotten")
    func containers() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            let (two, _) = fixture.roost(2)
            var entry = try await one.journal.announce(container: "roost-build-1", kind: "build")
            #expect(try await two.journal.containers() == [entry])
            #expect(entry.owner == owner && entry.containerID == nil)
            try await one.journal.identify(entry, as: "c0ffee")
            entry.containerID = "c0ffee"
            #expect(try await two.journal.containers() == [entry])
            try await one.journal.forget(entry)
            #expect(try await two.journal.containers().isEmpty)
        }
    }
}
