package import DockerEngine
import Foundation
import RoostCore

/// Makes what all steps of a run share, from the machine and the engine.
package enum RunPreparation {
    /// - Parameters:
    ///   - plan: What will run.
    ///   - engine: Where.
    ///   - runID: The run's name.
    ///   - environment: The process's environment, for the places of the state.
    /// - Returns: The context of a new run.
    /// - Throws: `EngineError`, `LogFileError`, or `Installation.Unavailable`.
    package static func context(
        for plan: PipelinePlan,
        on engine: EngineClient,
        runID: RunID,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> RunContext {
        let project = plan.definition.file.projectFolder.resolvingSymlinksInPath().path(percentEncoded: false)
        // A mount's source has no slash at its end, but for the root.
        let folder = project.count > 1 && project.hasSuffix("/") ? String(project.dropLast()) : project
        let installation = try Installation.load(from: RoostFolders(environment: environment).state)
        return RunContext(
            runID: runID,
            installation: installation,
            owner: .current,
            projectFolder: folder,
            logs: try LogFolder(project: folder, runID: runID.description),
            limitsSwap: try await engine.info().swapLimit ?? false
        )
    }
}
