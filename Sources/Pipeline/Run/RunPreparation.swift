package import DockerEngine
import Foundation
package import RoostCore

/// Makes what all steps of a run share, from the machine and the engine.
package enum RunPreparation {
    /// - Parameters:
    ///   - plan: What will run.
    ///   - engine: Where.
    ///   - runID: The run's name.
    ///   - budget: How much memory running steps may be promised.
    ///   - records: What is written down about the engine.
    ///   - environment: The process's environment, for the places of the state.
    /// - Returns: The context of a new run.
    /// - Throws: `EngineError`, `LogFileError`, `Installation.Unavailable`, ``StepsBeyondBudget``, or
    ///   ``ServicesBeyondBudget``.
    package static func context(
        for plan: PipelinePlan,
        on engine: EngineClient,
        runID: RunID,
        budget: MemoryBudget,
        records: EngineRecords? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> RunContext {
        // Before the logs' folder is made.
        let startedAt = FileTime.now
        let folder = projectFolder(of: plan.definition)
        let installation = try Installation.load(from: RoostFolders(environment: environment).state)
        let info = try await engine.info()
        let budget = budget.size(of: ByteCount(info.memoryTotal))
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
        return RunContext(
            runID: runID,
            installation: installation,
            owner: .current,
            projectFolder: folder,
            logs: try LogFolder(project: folder, runID: runID.description),
            limitsSwap: info.swapLimit ?? false,
            memoryBudget: budget,
            records: records,
            startedAt: startedAt
        )
    }

    /// The folder that steps see as their workspace; absolute, links resolved.
    package static func projectFolder(of definition: PipelineDefinition) -> String {
        let project = definition.file.projectFolder.resolvingSymlinksInPath().path(percentEncoded: false)
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
