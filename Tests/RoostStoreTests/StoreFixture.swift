import Foundation
import GRDB
import RoostCore
import RoostTesting

@testable import RoostStore

/// Processes that a test makes up: those that are named live.
final class MadeUpProcesses: ProcessFacts {
    let bootID = "boot"
    let pidNamespace: UInt64 = 0
    private let living = Shared<[Int32: ProcessFact]>([:])

    func process(_ pid: Int32) -> ProcessFact? { living.value[pid] }

    /// A process that lives from now on.
    func start(_ pid: Int32) -> OwnerIdentity {
        living.update { $0[pid] = ProcessFact(startTime: 1) }
        return OwnerIdentity(bootID: bootID, pid: pid, startTime: 1)
    }

    func end(_ owner: OwnerIdentity) { living.update { $0[owner.pid] = nil } }
    func stop(_ owner: OwnerIdentity) { living.update { $0[owner.pid]?.isStopped = true } }
}

/// A state folder, with as many roosts as a test wants: each has a connection of its own, as each process has.
struct StoreFixture: Sendable {
    static let engine = EngineID("ENGINE")

    let folder: URL
    let processes = MadeUpProcesses()

    var file: String { folder.appending(path: "roost.db").path(percentEncoded: false) }

    static func with(_ body: (StoreFixture) async throws -> Void) async throws {
        try await TemporaryDirectory.with { directory in
            try await body(StoreFixture(folder: directory.url.appending(path: "state", directoryHint: .isDirectory)))
        }
    }

    func store(patience: Duration = .seconds(5)) -> StateStore {
        StateStore(folder: folder, patience: patience, processes: processes)
    }

    /// The records of a process of its own.
    func roost(_ pid: Int32) -> (records: EngineRecords, owner: OwnerIdentity) {
        let owner = processes.start(pid)
        return (store().records(of: Self.engine, owner: owner), owner)
    }

    /// The records of a process of its own, which removes what dead ones left by `removeLeft`.
    func roost(
        _ pid: Int32,
        removeLeft: @escaping @Sendable (Set<OwnerIdentity>) async throws -> Set<OwnerIdentity>
    ) -> EngineRecords {
        let owner = processes.start(pid)
        return store().records(of: Self.engine, owner: owner, pause: .zero) { owners, _ in
            try await removeLeft(owners)
        }
    }

    /// A connection beside all stores.
    func connection() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(5)
        return try DatabaseQueue(path: file, configuration: configuration)
    }

    func bytes() throws -> Data { try Data(contentsOf: URL(filePath: file)) }

    /// Names of the files in the state folder.
    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).sorted()
    }
}

func memory(_ bytes: Int64, step: String = "s/x") -> AdmissionRequest {
    AdmissionRequest(run: "run", step: step, memory: ByteCount(bytes))
}

func run(_ id: String, _ owner: OwnerIdentity, startedAt: Date = Date(timeIntervalSince1970: 1_000)) -> RunRecord {
    RunRecord(id: id, owner: owner, projectFolder: "/project", startedAt: startedAt)
}
