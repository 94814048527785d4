import DockerEngine
import Foundation
import OCIDistribution
package import RoostCore

/// What is the same for all steps of a run.
package struct RunContext: Sendable {
    package let runID: RunID
    package let installation: Installation
    package let owner: OwnerIdentity
    /// The folder that steps see as their workspace; absolute, symlinks resolved.
    package let projectFolder: String
    /// `nil` where logs can't be kept.
    package let logs: LogFolder?
    /// Whether the engine can limit swap.
    package let limitsSwap: Bool
    /// How much memory the running steps of all runs on the engine may be promised together.
    package let memoryBudget: ByteCount
    /// What is written down about the engine; `nil` where nothing is.
    package let records: EngineRecords?
    /// When the run began to change the workspace.
    let startedAt: FileTime

    package init(
        runID: RunID,
        installation: Installation,
        owner: OwnerIdentity,
        projectFolder: String,
        logs: LogFolder?,
        limitsSwap: Bool,
        memoryBudget: ByteCount,
        records: EngineRecords? = nil,
        startedAt: FileTime = .now
    ) {
        self.runID = runID
        self.installation = installation
        self.owner = owner
        self.projectFolder = projectFolder
        self.logs = logs
        self.limitsSwap = limitsSwap
        self.memoryBudget = memoryBudget
        self.records = records
        self.startedAt = startedAt
    }
}

/// The container of one attempt of a step: its name and what it is made of.
struct StepContainer {
    let context: RunContext
    let step: StepDefinition
    let attempt: Int

    /// The network that it joins; `nil` for the engine's default.
    var network: String?

    /// For people; nothing is ever read out of it.
    ///
    /// - Parameter suffix: Makes it another name where the first is taken.
    /// - Returns: The name.
    func name(suffix: String? = nil) -> String {
        context.objectName([step.id.stage, step.id.step, String(attempt)] + (suffix.map { [$0] } ?? []))
    }

    func specification(imageID: String) -> ContainerSpecification {
        var container = context.container(imageID: imageID, memory: step.memory, labels: labels)
        container.entrypoint = step.containerEntrypoint
        container.command = step.containerCommand
        container.environment = step.env.map(\.assignment)
        container.user = step.user
        container.workingDirectory = step.workdir
        container.host.networkMode = network
        container.host.mounts = [
            ContainerSpecification.Mount(kind: .bind, source: context.projectFolder, target: step.workdir)
        ]
        return container
    }

    private var labels: [String: String] {
        context.labels(
            kind: "step",
            stage: step.id.stage,
            [LabelKey.step: step.id.step, LabelKey.attempt: String(attempt)]
        )
    }
}
