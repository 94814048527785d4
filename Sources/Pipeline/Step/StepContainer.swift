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

    /// What every container of the run carries from its creation on.
    ///
    /// - Parameter kind: What the container is for.
    /// - Returns: The labels.
    func labels(kind: String) -> [String: String] {
        [
            LabelKey.installation: installation.id,
            LabelKey.kind: kind,
            LabelKey.owner: owner.description,
            LabelKey.lifetime: "run",
            LabelKey.run: runID.description,
        ]
    }
}

/// The container of one attempt of a step: its name and what it is made of.
struct StepContainer {
    let context: RunContext
    let step: StepDefinition
    let attempt: Int

    /// For people; nothing is ever read out of it.
    ///
    /// - Parameter suffix: Makes it another name where the first is taken.
    /// - Returns: The name.
    func name(suffix: String? = nil) -> String {
        // The engine takes [a-zA-Z0-9][a-zA-Z0-9_.-]+ (moby, daemon/names).
        func safe(_ text: String) -> String {
            String(text.prefix(40).map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "-" })
        }
        let parts = ["roost", context.runID.description, safe(step.id.stage), safe(step.id.step), String(attempt)]
        return (parts + (suffix.map { [$0] } ?? [])).joined(separator: "-")
    }

    /// - Parameters:
    ///   - imageID: The image, by its ID.
    ///   - networkMode: The network; `nil` for the engine's default.
    /// - Returns: What the engine is to make.
    func specification(imageID: String, networkMode: String?) -> ContainerSpecification {
        var container = ContainerSpecification(image: imageID)
        container.entrypoint = step.containerEntrypoint
        container.command = step.containerCommand
        container.environment = step.env.map(\.assignment)
        container.user = step.user
        container.workingDirectory = step.workdir
        container.labels = labels
        container.host.memory = step.memory.bytes
        if context.limitsSwap { container.host.memoryAndSwap = step.memory.bytes }
        container.host.mounts = [
            ContainerSpecification.Mount(kind: .bind, source: context.projectFolder, target: step.workdir)
        ]
        container.host.networkMode = networkMode
        // Without an init a shell as process 1 ignores TERM, and every stop would take the whole grace.
        container.host.usesInit = true
        // The `local` driver keeps every byte, where json-file replaces invalid UTF-8. It rotates at 20 MB by default,
        // which would lose what a slow reader has not read yet.
        container.host.logDriver = .init(
            type: "local",
            options: ["max-size": "10g", "max-file": "2", "compress": "false"]
        )
        return container
    }

    private var labels: [String: String] {
        var labels = context.labels(kind: "step")
        labels[LabelKey.stage] = step.id.stage
        labels[LabelKey.step] = step.id.step
        labels[LabelKey.attempt] = String(attempt)
        return labels
    }
}
