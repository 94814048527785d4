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
            listed; no engine is asked.

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
        let leases = FileManager.default.fileExists(atPath: store.path) ? try await store.leases() : []
        for warning in store.takeWarnings() { await RoostCommandLine.complain(warning) }
        switch format {
        case .text: try OutputWriter.standardOutput.enqueue(text(leases))
        case .json: try OutputWriter.standardOutput.enqueue(try json(leases))
        }
        try await OutputWriter.standardOutput.flush()
    }

    private func text(_ leases: [Lease]) -> String {
        guard !leases.isEmpty else { return "nothing is in use\n" }
        return leases.flatMap { lease in
            TextSanitizer.plainLines(
                "\(lease.kind.rawValue)  \(lease.subject)  process \(lease.owner.pid), since \(lease.takenAt.formatted(.iso8601))"
            )
        }.map { $0 + "\n" }.joined()
    }

    private func json(_ leases: [Lease]) throws -> [UInt8] {
        struct Wire: Encodable {
            struct Row: Encodable {
                let engine, kind, subject, owner: String
                let pid: Int32
                let takenAt: Date
            }
            let schema = "roost.leases/1"
            let leases: [Row]
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
                }
            )
        )
    }
}

extension StoreError: ExitCoded {
    var exitCode: Int32 { 125 }
}
