import Foundation
import Pipeline
import RoostCore
import RoostStore

/// Writes a run's begin and end into the journal; the run itself adds its steps' exits. A journal that can't be written is told once, and stops no run.
actor RunScribe {
    private let context: RunContext
    private let state: EngineState
    private var lease: Lease?
    private var hasComplained = false

    init(context: RunContext, state: EngineState) {
        self.context = context
        self.state = state
    }

    /// The run starts: from now on its row has an owner, and a lease says that it goes on.
    func begin() async {
        let record = RunRecord(
            id: context.runID.description,
            owner: context.owner,
            projectFolder: context.projectFolder,
            startedAt: Date()
        )
        await attempt { records in
            try await records.journal.begin(record)
            lease = try await records.leases.take(.run, on: record.id)
        }
    }

    func end(_ report: RunReport) async {
        let end = RunEnd(endedAt: Date(), status: report.status.rawValue, exitCode: report.exitCode)
        await attempt { records in
            _ = try await records.journal.end(report.runID, end)
            if let lease { try await records.leases.release(lease) }
        }
    }

    private func attempt(_ body: (EngineRecords) async throws -> Void) async {
        guard let records = state.records else { return }
        var complaints: [String] = []
        do {
            try await body(records)
        } catch {
            complaints.append("the run can't be written into the journal: \(error)")
        }
        complaints += state.store.takeWarnings()
        guard !complaints.isEmpty, !hasComplained else { return }
        hasComplained = true
        for complaint in complaints { await RoostCommandLine.complain(complaint) }
    }
}
