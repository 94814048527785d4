package import DockerEngine
import Foundation
package import RoostCore

/// Makes what all steps of a run share, from the machine and the engine.
package enum RunPreparation {
    /// - Parameters:
    ///   - plan: What will run.
    ///   - engine: Where.
    ///   - info: What the engine says of itself; `nil` asks it.
    ///   - runID: The run's name.
    ///   - budget: How much memory running steps may be promised.
    ///   - records: What is written down about the engine.
    ///   - secrets: What the steps get that nobody may see.
    ///   - environment: The process's environment, for the places of the state.
    /// - Returns: The context of a new run.
    /// - Throws: `EngineError`, `LogFileError`, `Installation.Unavailable`, ``StepsBeyondBudget``, ``ServicesBeyondBudget``,
    ///   ``MountsRefused``, ``SecretFilesElsewhere`` or ``SecretFolderError``.
    package static func context(
        for plan: PipelinePlan,
        on engine: EngineClient,
        info: EngineInfo? = nil,
        runID: RunID,
        budget: MemoryBudget,
        records: EngineRecords? = nil,
        secrets: RunSecrets = .none,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> RunContext {
        // Before the logs' folder is made.
        let startedAt = FileTime.now
        let folder = projectFolder(of: plan.definition)
        let installation = try Installation.load(from: RoostFolders(environment: environment).state)
        let known: EngineInfo
        if let info { known = info } else { known = try await engine.info() }
        let budget = budget.size(of: ByteCount(known.memoryTotal))
        let tooLarge = plan.steps.filter { $0.memory > budget }
        guard tooLarge.isEmpty else {
            throw StepsBeyondBudget(steps: tooLarge.map { ($0.id, $0.memory) }, budget: budget)
        }
        for group in plan.services {
            guard ByteCount(saturatingSum: [group.memory, group.largestStep]) <= budget else {
                throw ServicesBeyondBudget(
                    stage: group.stage,
                    memory: group.memory,
                    step: group.largestStep,
                    budget: budget
                )
            }
        }
        let withFiles = plan.steps.filter { step in step.secrets.contains { $0.delivery == .file } }
        guard withFiles.isEmpty || engine.endpoint.isLocal else {
            throw SecretFilesElsewhere(steps: withFiles.map(\.id), endpoint: engine.endpoint)
        }
        let secretPlace = withFiles.isEmpty ? nil : try SecretPlace(environment: environment)
        try MountsRefused.check(plan.steps, in: folder, isLocal: engine.endpoint.isLocal)
        return RunContext(
            runID: runID,
            installation: installation,
            owner: .current,
            projectFolder: folder,
            logs: try LogFolder(project: folder, runID: runID.description),
            limitsSwap: known.swapLimit ?? false,
            memoryBudget: budget,
            records: records,
            secrets: secrets,
            secretPlace: secretPlace,
            startedAt: startedAt,
            engineTime: known.systemTime.flatMap(EngineTime.parse)
        )
    }

    /// The folder that steps see as their workspace; absolute, links resolved.
    package static func projectFolder(of definition: PipelineDefinition) -> String {
        projectFolder(ofFile: definition.file)
    }

    /// The same, of a file that need not be readable.
    package static func projectFolder(ofFile file: PipelineFile) -> String {
        let project = file.projectFolder.resolvingSymlinksInPath().path(percentEncoded: false)
        // A mount's source has no slash at its end, but for the root.
        return project.count > 1 && project.hasSuffix("/") ? String(project.dropLast()) : project
    }
}

/// Steps whose memory limit is more than what all steps together may have: they would wait for ever.
package struct StepsBeyondBudget: Error, CustomStringConvertible {
    package let steps: [(id: StepID, memory: ByteCount)]
    package let budget: ByteCount

    package var description: String {
        let list = steps.map { "\($0.id) (\($0.memory))" }.joined(separator: ", ")
        return "the memory budget on this engine is \(budget), and these steps have a higher limit each: \(list); "
            + "lower their `memory`, or raise `memory_budget`"
    }
}

/// Steps that get files of secrets, on an engine that can't see this machine's folders.
package struct SecretFilesElsewhere: Error, CustomStringConvertible {
    package let steps: [StepID]
    package let endpoint: EngineEndpoint

    package var description: String {
        "the engine at \(endpoint) is on another machine, where the files of secrets can't be made for "
            + steps.map(\.description).joined(separator: ", ")
            + "; give these steps their secrets as variables: secrets = [{ name = …, env = true }]"
    }
}

/// Services that leave too little of the budget for a step beside them: it would wait for ever.
package struct ServicesBeyondBudget: Error, CustomStringConvertible {
    /// `nil` where they run beside all stages.
    package let stage: String?
    package let memory: ByteCount
    /// What the largest step beside them wants.
    package let step: ByteCount
    package let budget: ByteCount

    package var description: String {
        "the memory budget on this engine is \(budget), and the services" + (stage.map { " of stage \($0)" } ?? "")
            + " (\(memory)) and the largest step beside them (\(step)) want more together; lower their `memory`, or raise "
            + "`memory_budget`"
    }
}
