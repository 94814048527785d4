import ArgumentParser
import Foundation
import RoostCore
import RoostStore

/// `roost leases`.
struct LeasesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leases",
        abstract: "List what is in use now, by which process.",
        discussion: """
            A lease says that something is in use: a run takes one on its ID for as long as it goes on. It ends when it is \
            released or its process ends, never by a clock. Leases on all engines that this state folder knows are \
            listed, and the memory that steps are promised, also those of a process that has ended until what it left is \
            removed; no engine is asked.

            EXAMPLE
              roost leases
              roost leases --format json | jq '.leases[].subject'
            """
    )

    @Option(help: "text or json (roost.leases/1).")
    var format = ReapCommand.Format.text

    func run() async throws {
        let folders = RoostFolders(environment: ProcessInfo.processInfo.environment)
        let store = StateStore(folder: folders.state)
        let leases = store.mayExist ? try await store.leases() : []
        let promises = store.mayExist ? try await store.promises() : []
        for warning in store.takeWarnings() { await RoostCommandLine.complain(warning) }
        switch format {
        case .text: try OutputWriter.standardOutput.enqueue(text(leases, promises, mayLive: store.mayLive))
        case .json: try OutputWriter.standardOutput.enqueue(try json(leases, promises, mayLive: store.mayLive))
        }
        try await OutputWriter.standardOutput.flush()
    }

    private func text(_ leases: [Lease], _ promises: [PromisedMemory], mayLive: (OwnerIdentity) -> Bool) -> String {
        guard !leases.isEmpty || !promises.isEmpty else { return "nothing is in use\n" }
        let memory = promises.flatMap { promise in
            TextSanitizer.plainLines(
                "memory  \(promise.memory)  process \(promise.owner.pid), \(promise.step) of run \(promise.run)"
                    + (mayLive(promise.owner) ? "" : ", which has ended: counts until what it left is removed")
            )
        }
        let leases = leases.flatMap { lease in
            TextSanitizer.plainLines(
                "\(lease.kind.rawValue)  \(lease.subject)  process \(lease.owner.pid), since \(lease.takenAt.formatted(.iso8601))"
            )
        }
        return (leases + memory).map { $0 + "\n" }.joined()
    }

    private func json(_ leases: [Lease], _ promises: [PromisedMemory], mayLive: (OwnerIdentity) -> Bool) throws
        -> [UInt8]
    {
        struct Wire: Encodable {
            struct Row: Encodable {
                let engine, kind, subject, owner: String
                let pid: Int32
                let takenAt: Date
            }
            struct Promise: Encodable {
                let engine, run, step, owner: String
                let pid: Int32
                let bytes: Int64
                let ownerEnded: Bool
            }
            let schema = "roost.leases/1"
            let leases: [Row]
            let memory: [Promise]
        }
        return try StateJSON.encode(
            Wire(
                leases: leases.map {
                    Wire.Row(
                        engine: $0.engine.description,
                        kind: $0.kind.rawValue,
                        subject: $0.subject,
                        owner: $0.owner.description,
                        pid: $0.owner.pid,
                        takenAt: $0.takenAt
                    )
                },
                memory: promises.map {
                    Wire.Promise(
                        engine: $0.engine.description,
                        run: $0.run,
                        step: $0.step,
                        owner: $0.owner.description,
                        pid: $0.owner.pid,
                        bytes: $0.memory.bytes,
                        ownerEnded: !mayLive($0.owner)
                    )
                }
            )
        )
    }
}

extension StoreError: ExitCoded {
    var exitCode: Int32 { 125 }
}
