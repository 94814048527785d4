import DockerEngine
package import Foundation
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
    /// What the steps get that nobody may see.
    package let secrets: RunSecrets
    /// Where the files of secrets lie; `nil` where no step has any.
    let secretPlace: SecretPlace?
    /// When the run began to change the workspace.
    let startedAt: FileTime
    /// By the engine's clock, a time before the first container of the run; `nil` where it tells none.
    let engineTime: Date?

    package init(
        runID: RunID,
        installation: Installation,
        owner: OwnerIdentity,
        projectFolder: String,
        logs: LogFolder?,
        limitsSwap: Bool,
        memoryBudget: ByteCount,
        records: EngineRecords? = nil,
        secrets: RunSecrets = .none,
        secretPlace: SecretPlace? = nil,
        startedAt: FileTime = .now,
        engineTime: Date? = nil
    ) {
        self.runID = runID
        self.installation = installation
        self.owner = owner
        self.projectFolder = projectFolder
        self.logs = logs
        self.limitsSwap = limitsSwap
        self.memoryBudget = memoryBudget
        self.records = records
        self.secrets = secrets
        self.secretPlace = secretPlace
        self.startedAt = startedAt
        self.engineTime = engineTime
    }
}

/// The container of one attempt of a step: its name and what it is made of.
struct StepContainer {
    let context: RunContext
    let step: StepDefinition
    let attempt: Int
    /// The files of its secrets, where it has any.
    var secretFolder: SecretFolder?

    /// For people; nothing is ever read out of it.
    ///
    /// - Parameter suffix: Makes it another name where the first is taken.
    /// - Returns: The name.
    func name(suffix: String? = nil) -> String {
        context.objectName([step.id.stage, step.id.step, String(attempt)] + (suffix.map { [$0] } ?? []))
    }

    /// What the container is made of.
    ///
    /// - Parameters:
    ///   - imageID: The image, by its ID.
    ///   - networkMode: The network; `nil` for the engine's default.
    /// - Returns: What the engine is to make.
    /// - Throws: ``MountRefusal`` where a mount leads out of the workspace now, or nowhere.
    func specification(imageID: String, networkMode: String?) throws(MountRefusal) -> ContainerSpecification {
        var container = context.container(
            imageID: imageID,
            memory: step.memory,
            security: step.security,
            labels: labels
        )
        container.entrypoint = step.containerEntrypoint
        container.command = step.containerCommand
        container.environment = step.env.map(\.assignment) + context.secrets.assignments(for: step)
        container.user = step.user
        container.workingDirectory = step.workdir
        container.host.mounts = [
            ContainerSpecification.Mount(kind: .bind, source: context.projectFolder, target: step.workdir)
        ]
        for mount in step.mounts {
            container.host.mounts.append(try MountSource.engineMount(of: mount, in: context.projectFolder))
        }
        if let secretFolder { container.host.mounts.append(secretFolder.mount) }
        container.host.networkMode = networkMode
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
