import DockerEngine
import Foundation
import Reaping
import RoostCore
import RoostStore

/// What this host has written down about an engine, and the tidying up that comes before a verb's own work.
struct EngineState: Sendable {
    let store: StateStore
    /// `nil` where the engine could not be asked who it is.
    let records: EngineRecords?
    /// What the engine says of itself; `nil` where it could not be asked.
    let info: EngineInfo?
    /// What a killed run left is known by this; `nil` where nothing was ever made here.
    let installation: Installation?

    /// Finds out which engine this is.
    ///
    /// - Returns: The state, and what went wrong.
    /// - Throws: `CancellationError`.
    static func load(
        of engine: EngineClient,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> (state: EngineState, warnings: [String]) {
        let folder = RoostFolders(environment: environment).state
        let store = StateStore(folder: folder)
        var warnings: [String] = []
        var installation: Installation?
        // A verb that only pulls needs no state, and makes none.
        if FileManager.default.fileExists(atPath: folder.appending(path: "installation").path(percentEncoded: false)) {
            do {
                installation = try Installation.load(from: folder)
            } catch {
                warnings.append("\(error)")
            }
        }
        do {
            let info = try await engine.info()
            let records = store.records(of: engine.identity(by: info)) { owners, journal in
                // The run that waits has made the installation since.
                let reaper = Reaper(engine: engine, installation: try .load(from: folder), journal: journal)
                return try await reaper.clear(owners)
            }
            return (EngineState(store: store, records: records, info: info, installation: installation), warnings)
        } catch let error as CancellationError {
            throw error
        } catch {
            warnings.append("what runs leave behind can't be recorded: \(error)")
            return (EngineState(store: store, records: nil, info: nil, installation: installation), warnings)
        }
    }

    /// Owners that have ended and whose memory still counts.
    func endedOwners() async -> Set<OwnerIdentity> {
        guard let records else { return [] }
        return (try? await store.endedOwners(on: records.engine)) ?? []
    }

    /// Frees the memory of owners of whom no container is left. Where that fails, whoever needs it frees it.
    private func dropPromises(of owners: Set<OwnerIdentity>) async {
        guard let records else { return }
        try? await store.dropPromises(of: owners, on: records.engine)
    }

    /// Carries a plan out, and frees the memory of those of some ended owners of whom no container is left.
    ///
    /// - Parameters:
    ///   - plan: What is removed.
    ///   - reaper: Removes it.
    ///   - ended: ``endedOwners()`` from before the plan was made, which tells nothing of who ends after it.
    /// - Returns: What was done.
    /// - Throws: What the reaper throws.
    func apply(_ plan: ReapPlan, by reaper: Reaper, freeing ended: Set<OwnerIdentity>) async throws -> ReapReport {
        let report = try await reaper.apply(plan)
        await dropPromises(of: report.cleared(ended, of: plan))
        return report
    }

    /// Removes what dead owners left. Nothing that goes wrong keeps a verb from its work.
    ///
    /// - Returns: What was done or went wrong, for people.
    /// - Throws: `CancellationError`.
    func tidyUp(_ engine: EngineClient) async throws -> [String] {
        guard let installation else { return [] }
        let reaper = Reaper(engine: engine, installation: installation, journal: records?.journal)
        do {
            let ended = await endedOwners()
            var (plan, warnings) = try await reaper.plan()
            if plan.isEmpty {
                await dropPromises(of: ended)
            } else {
                let report = try await apply(plan, by: reaper, freeing: ended)
                warnings += report.failures.map { "what a killed run left can't be removed: \($0)" } + report.warnings
                warnings += report.cutOffRuns.map { "run \($0) was cut off; what it left has been removed" }
            }
            return warnings + store.takeWarnings()
        } catch let error as CancellationError {
            throw error
        } catch {
            return ["what killed runs left can't be looked for: \(error)"] + store.takeWarnings()
        }
    }
}
