import Foundation
import GRDB
import RoostCore
import RoostTesting
import Subprocess
import SystemPackage
import Testing

@testable import RoostStore

@Suite("What can be wrong with the state", .timeLimit(.minutes(2)))
struct StateFaultTests {
    @Test("only its owner may read the state")
    func permissions() async throws {
        try await StoreFixture.with { fixture in
            let (one, _) = fixture.roost(1)
            _ = try await one.leases.take(.run, on: "x")
            #expect(try mode(fixture.folder.path(percentEncoded: false)) == 0o700)
            let names = try fixture.names()
            #expect(names == ["roost.db", "roost.db-shm", "roost.db-wal"])
            for name in names {
                #expect(try mode(fixture.folder.appending(path: name).path(percentEncoded: false)) == 0o600, "\(name)")
            }
            chmod(fixture.file, 0o644)
            let (two, _) = fixture.roost(2)
            _ = try await two.leases.leases()
            #expect(try mode(fixture.file) == 0o600)
        }
    }

    @Test("a database that is locked is waited for, and then told with the file and who holds it")
    func locked() async throws {
        try await StoreFixture.with { fixture in
            let (one, owner) = fixture.roost(1)
            _ = try await one.leases.leases()
            let waiting = fixture.store(patience: .milliseconds(50)).records(of: StoreFixture.engine, owner: owner)
            let other = try fixture.connection()
            try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            let error = await #expect(throws: StoreError.self) { try await waiting.leases.take(.run, on: "x") }
            guard case .locked(let file, let limit, let holders)? = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
            #expect(file == fixture.file && limit == .milliseconds(50))
            #expect(holders.map(\.pid) == [ProcessInfo.processInfo.processIdentifier])
            #expect(String(describing: error).contains(fixture.file))
            // Whoever has it lets go: those who wait go on.
            async let taken = one.leases.take(.run, on: "y")
            try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            #expect(try await taken.subject == "y")
        }
    }

    @Test("those who hold a lock are read from the system's list, not those who wait")
    func lockTable() {
        let table = """
            1: POSIX  ADVISORY  WRITE 4242 08:01:77 120 120
            1: -> POSIX  ADVISORY  WRITE 4343 08:01:77 120 120
            2: POSIX  ADVISORY  READ  4444 08:01:77 123 123
            3: FLOCK  ADVISORY  WRITE 4545 08:01:78 0 EOF
            4: OFDLCK ADVISORY  WRITE -1 08:01:77 0 EOF
            nonsense
            """
        #expect(LockHolders.pids(in: table, inodes: [77]) == [4242])
        #expect(LockHolders.pids(in: table, inodes: [77, 78]) == [4242, 4545])
    }

    @Test(
        "a file that is no database is set aside with what lies beside it, and a new one made",
        arguments: ["zeroed", "garbage", "text", "cut", "a damaged page"]
    )
    func corrupt(_ kind: String) async throws {
        try await StoreFixture.with { fixture in
            try await fill(fixture)
            let whole = try fixture.bytes()
            let damaged: Data
            switch kind {
            case "zeroed": damaged = Data(count: whole.count)
            case "garbage":
                var random = SplitMix64(seed: 3)
                damaged = Data((0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) })
            case "text": damaged = Data("not a database\n".utf8)
            case "cut": damaged = whole.prefix(whole.count / 2)
            default: damaged = whole.prefix(4096) + Data(repeating: 0xAB, count: whole.count - 4096)
            }
            try damaged.write(to: URL(filePath: fixture.file))
            try Data("old".utf8).write(to: URL(filePath: fixture.file + "-wal"))
            let owner = fixture.processes.start(1)
            let store = fixture.store()
            let records = store.records(of: StoreFixture.engine, owner: owner)
            _ = try await records.leases.take(.run, on: "x")
            let warnings = store.takeWarnings()
            #expect(warnings.count == 1)
            #expect(try #require(warnings.first).contains("roost.db.corrupt-"))
            #expect(store.takeWarnings().isEmpty, "told once")
            #expect(!store.isInMemory)
            let aside = try #require(
                try fixture.names().first { $0.hasPrefix("roost.db.corrupt-") && !$0.hasSuffix("-wal") }
            )
            #expect(try Data(contentsOf: fixture.folder.appending(path: aside)) == damaged)
            #expect(try fixture.names().contains(aside + "-wal"))
            // The next one finds a database in order.
            let next = fixture.store()
            #expect(try await next.leases().count == 1)
            #expect(next.takeWarnings().isEmpty)
        }
    }

    @Test("several who find it damaged set it aside once")
    func corruptForMany() async throws {
        try await StoreFixture.with { fixture in
            try await fill(fixture)
            try Data("garbage, garbage, garbage".utf8).write(to: URL(filePath: fixture.file))
            let roosts = (1...8).map { fixture.roost($0).records }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for roost in roosts { group.addTask { _ = try await roost.leases.take(.run, on: "x") } }
                try await group.waitForAll()
            }
            #expect(try fixture.names().count { $0.hasPrefix("roost.db.corrupt-") && !$0.contains("-wal") } == 1)
            #expect(try await fixture.store().leases().count == 8)
        }
    }

    @Test("an empty file is a new database")
    func empty() async throws {
        try await StoreFixture.with { fixture in
            try FileManager.default.createDirectory(at: fixture.folder, withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: fixture.file))
            let store = fixture.store()
            #expect(try await store.leases().isEmpty)
            #expect(store.takeWarnings().isEmpty)
        }
    }

    @Test("a newer schema is refused, and not a byte of the file changed")
    func newerSchema() async throws {
        try await StoreFixture.with { fixture in
            try await fill(fixture)
            let connection = try fixture.connection()
            try await connection.write {
                try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('of the year 2100')")
            }
            try connection.close()
            let before = try fixture.bytes()
            let error = await #expect(throws: StoreError.self) { try await fixture.store().leases() }
            guard case .newerSchema(let file)? = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
            #expect(file == fixture.file)
            #expect(String(describing: error).contains("ROOST_HOME"))
            #expect(try fixture.bytes() == before)
            #expect(try fixture.names().count { $0.contains("corrupt") } == 0)
        }
    }

    @Test("two roosts that make the database at once both work with it")
    func madeAtOnce() async throws {
        try await StoreFixture.with { fixture in
            let roosts = (1...8).map { fixture.roost($0).records }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for roost in roosts { group.addTask { _ = try await roost.leases.take(.run, on: "x") } }
                try await group.waitForAll()
            }
            #expect(try await fixture.store().leases().count == 8)
            #expect(try fixture.names().count { $0.contains(".new-") } == 0)
        }
    }

    @Test("a folder that can't be made is an error that names it")
    func noFolder() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write("", to: "file")
            let store = StateStore(folder: directory.url.appending(path: "file/state", directoryHint: .isDirectory))
            let error = await #expect(throws: StoreError.self) { try await store.leases() }
            guard case .noFolder(let path, _)? = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
            #expect(path.hasSuffix("file/state/") || path.hasSuffix("file/state"))
            let shown = try #require(error?.description)
            #expect(shown.contains("(Not a directory); make the folder writable"), "\(shown)")
            #expect(store.mayExist, "what can't be looked at is no empty state")
            #expect(!StateStore(folder: directory.url.appending(path: "none")).mayExist)
            let unmade = #expect(throws: Installation.Unavailable.self) {
                try Installation.load(from: directory.url.appending(path: "file/state"))
            }
            #expect(
                unmade?.description.contains("(Not a directory); make the folder writable") == true,
                "\(String(describing: unmade))"
            )
        }
    }

    @Test("a state folder that is no longer there is made again by the next roost")
    func folderGone() async throws {
        try await StoreFixture.with { fixture in
            try await fill(fixture)
            try FileManager.default.removeItem(at: fixture.folder)
            #expect(try await fixture.store().leases().isEmpty)
        }
    }

    // MARK: Disks

    @Test("a full disk is told, and the store goes on in memory", .enabled(if: Mount.isPossible))
    func fullDisk() async throws {
        try await Mount.with(megabytes: 8) { mount in
            let fixture = StoreFixture(folder: mount.url.appending(path: "state", directoryHint: .isDirectory))
            let owner = fixture.processes.start(1)
            let store = fixture.store()
            let records = store.records(of: StoreFixture.engine, owner: owner)
            let held = try await records.admissions.acquire(memory(60), budget: ByteCount(100))
            try mount.fill()
            // The files have some room left in them: so many leases need more.
            for _ in 0..<2_000 where !store.isInMemory {
                _ = try await records.leases.take(.run, on: String(repeating: "x", count: 4_000))
            }
            #expect(store.isInMemory)
            let warnings = store.takeWarnings()
            #expect(warnings.count == 1)
            #expect(try #require(warnings.first).contains(fixture.file))
            // What this process has counts on: 60 of 100 are taken.
            async let second = records.admissions.acquire(memory(60), budget: ByteCount(100))
            try await records.admissions.release(held)
            _ = try await second
            #expect(try await records.leases.leases().isEmpty == false)
            // And one that starts on the full disk has nothing to copy, but works.
            let next = StateStore(folder: mount.url.appending(path: "new", directoryHint: .isDirectory))
            _ = try await next.records(of: StoreFixture.engine).leases.take(.run, on: "x")
            #expect(next.isInMemory && next.takeWarnings().count == 1)
        }
    }

    @Test("a read-only disk is told, and the store goes on in memory", .enabled(if: Mount.isPossible))
    func readOnlyDisk() async throws {
        try await Mount.with(megabytes: 8) { mount in
            let fixture = StoreFixture(folder: mount.url.appending(path: "state", directoryHint: .isDirectory))
            try await fill(fixture)
            try await mount.makeReadOnly()
            for folder in ["state", "new"] {
                let store = StateStore(folder: mount.url.appending(path: folder, directoryHint: .isDirectory))
                let records = store.records(of: StoreFixture.engine)
                let held = try await records.admissions.acquire(memory(60), budget: ByteCount(100))
                #expect(store.isInMemory && store.takeWarnings().count == 1)
                try await records.admissions.release(held)
            }
        }
    }

    // MARK: Helpers

    /// A database with something in it, closed by its only user.
    private func fill(_ fixture: StoreFixture) async throws {
        let owner = fixture.processes.start(100)
        let records = fixture.store().records(of: StoreFixture.engine, owner: owner)
        for number in 0..<50 { try await records.journal.begin(run("r\(number)", owner)) }
        // The store closes its connection some time after its last use: what is in its log goes into the file now.
        let connection = try fixture.connection()
        try await connection.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try connection.close()
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }
}
