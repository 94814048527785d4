package import DockerEngine
import Foundation
import ParkedContainers
package import RoostCore

/// Removes what dead owners left on an engine, and writes down what became of their runs.
package struct Reaper: Sendable {
    private let engine: EngineClient
    private let installation: Installation
    private let journal: (any Journal)?
    private let processes: any ProcessFacts
    private let letEngineFinish: @Sendable () async throws -> Void

    /// How long an engine may go on making what a process asked for that has been killed since.
    package static let lateCreation = Duration.seconds(1)

    /// - Parameters:
    ///   - engine: Where.
    ///   - installation: Whose objects.
    ///   - journal: `nil` where it can't be had: labels alone tell then.
    ///   - processes: Tells whether an owner lives.
    ///   - letEngineFinish: Waits until an engine is done with what a killed process had asked for.
    package init(
        engine: EngineClient,
        installation: Installation,
        journal: (any Journal)?,
        processes: any ProcessFacts = SystemProcesses(),
        letEngineFinish: @escaping @Sendable () async throws -> Void = {
            try await ContinuousClock().sleep(for: lateCreation)
        }
    ) {
        self.engine = engine
        self.installation = installation
        self.journal = journal
        self.processes = processes
        self.letEngineFinish = letEngineFinish
    }

    /// What a reap would do now.
    ///
    /// Where a run was cut off that nobody has tidied up after yet, this looks twice: an engine goes on making a container
    /// when whoever asked for it has died, and lists it only then.
    ///
    /// - Throws: `EngineError` or `CancellationError`.
    package func plan() async throws -> (plan: ReapPlan, warnings: [String]) {
        let reader = ReapFactReader(
            engine: engine,
            installation: installation,
            journal: journal,
            processes: processes
        )
        var (facts, error) = try await reader.read()
        if ReapPlan(facts).mayHaveLateCreations {
            try await letEngineFinish()
            (facts, error) = try await reader.read()
        }
        return (ReapPlan(facts), error.map { ["the journal can't be read: \($0)"] } ?? [])
    }

    /// Carries a plan out. What fails is in the report, and keeps nothing else from being done.
    ///
    /// - Throws: `CancellationError`; what was done until then stays done.
    package func apply(_ plan: ReapPlan) async throws -> ReapReport {
        var report = ReapReport()
        for decision in plan.decisions where decision.removes {
            try Task.checkCancellation()
            let outcome = await remove(decision.object, plan, &report)
            report.outcomes[ReapReport.Key(decision.object)] = outcome
        }
        for entry in plan.forgotten { await note(&report) { try await $0.forget(entry) } }
        for run in plan.cutOffRuns {
            let end = RunEnd(endedAt: Date(), status: RunEnd.cutOff, exitCode: nil)
            var isFirst = false
            await note(&report) { isFirst = try await $0.end(run.id, end) }
            if isFirst { report.cutOffRuns.append(run.id) }
        }
        return report
    }

    /// Removes what these owners left, whose memory others wait for.
    ///
    /// - Returns: Those of whom no container is left but what is not Roost's to remove.
    /// - Throws: `EngineError` or `CancellationError`.
    package func clear(_ owners: Set<OwnerIdentity>) async throws -> Set<OwnerIdentity> {
        let plan = try await plan().plan
        return try await apply(plan).cleared(owners, of: plan)
    }

    // MARK: One object

    private func remove(_ object: ReapObject, _ plan: ReapPlan, _ report: inout ReapReport) async -> ReapReport.Outcome
    {
        do {
            // Between the list and now it may have gone, and a name may have been taken by somebody else.
            guard let now = try await look(at: object) else { return .gone }
            guard now.labels == object.labels, let owner = object.owner, !owner.isAlive(by: processes) else {
                return .kept
            }
            if let exit = now.exit, let run = object.labels[LabelKey.run] {
                // Ahead of the removal, after which nothing could tell it any more.
                await note(&report) { try await $0.record(exit, of: run) }
                report.recoveredExits.append((run, exit))
            }
            switch object.kind {
            case .container: try await engine.removeContainer(object.id)
            case .network: try await engine.removeNetwork(object.id)
            case .volume: try await engine.removeVolume(object.id)
            }
            if let entry = object.journaled { await note(&report) { try await $0.forget(entry) } }
            return .removed
        } catch {
            return .failed("\(error)")
        }
    }

    private func look(at object: ReapObject) async throws -> (labels: [String: String], exit: StepExit?)? {
        switch object.kind {
        case .container:
            guard let container = try await engine.inspectContainer(object.id) else { return nil }
            return (container.config.labels ?? [:], await exit(of: container))
        case .network: return try await engine.inspectNetwork(object.id).map { ($0.labels ?? [:], nil) }
        case .volume: return try await engine.inspectVolume(object.id).map { ($0.labels ?? [:], nil) }
        }
    }

    /// The exit of a command that ended by itself: one that still runs is cut off, and one that was parked and not released never
    /// ran. Neither has one.
    private func exit(of container: ContainerInspection) async -> StepExit? {
        guard container.state.status == "exited", let labels = container.config.labels,
            let stage = labels[LabelKey.stage], let step = labels[LabelKey.step],
            let attempt = labels[LabelKey.attempt].flatMap({ Int($0) })
        else { return nil }
        if let gate = ContainerGate(entrypoint: container.config.entrypoint ?? []) {
            guard await hasCommandBegun(behind: gate, in: container.id) else { return nil }
        }
        return StepExit(stage: stage, step: step, attempt: attempt, exitCode: container.state.exitCode)
    }

    /// Whether the gate's mark stands in the container's log; false where that can't be read.
    private func hasCommandBegun(behind gate: ContainerGate, in container: String) async -> Bool {
        struct Found: Error {}
        var output = GateOutput(gate)
        do {
            try await engine.containerLogs(container, follow: false) { frames in
                _ = output.commandFrames(in: frames)
                // The rest of the log may be long.
                if output.hasCommandBegun { throw Found() }
            }
        } catch {
            // Found, or the log ended before it.
        }
        return output.hasCommandBegun
    }

    private func note(_ report: inout ReapReport, _ body: (any Journal) async throws -> Void) async {
        guard let journal else { return }
        do {
            try await body(journal)
        } catch {
            report.warnings.append("the journal can't be written: \(error)")
        }
    }
}
