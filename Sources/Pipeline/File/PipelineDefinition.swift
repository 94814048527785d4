package import Foundation
package import RoostCore

/// A pipeline as its file describes it, checked and with every default filled in: what a run and a plan start from.
///
/// Only ``PipelineParser`` makes these from text; a definition that exists has no errors.
package struct PipelineDefinition: Hashable, Sendable {
    /// How many steps may be allowed to run at once, by the file, an option or a setting.
    package static let possibleMaxParallel = 1...1000

    /// `name` of `[pipeline]`, or the project folder's name where the file gives none.
    package let name: String
    package let file: PipelineFile
    /// The stages in the order in which they run, a barrier between each two. None is empty.
    package let stages: [StageDefinition]
    /// How many steps may run at once; `nil` leaves it to the machine.
    package let maxParallel: Int?
    /// How much memory may be promised to running steps; `nil` leaves it to the machine.
    package let memoryBudget: MemoryBudget?
    /// What is done to the project folder beside the steps.
    package let workspace: WorkspaceDefinition

    /// What runs beside all of the steps, in a pipeline without stages of its own.
    package var services: [ServiceDefinition] = []

    package init(
        name: String,
        file: PipelineFile,
        stages: [StageDefinition],
        maxParallel: Int? = nil,
        memoryBudget: MemoryBudget? = nil,
        workspace: WorkspaceDefinition = WorkspaceDefinition()
    ) {
        self.name = name
        self.file = file
        self.stages = stages
        self.maxParallel = maxParallel
        self.memoryBudget = memoryBudget
        self.workspace = workspace
    }

    /// Every step, in plan order: stage after stage, and in the order of the file within a stage.
    package var steps: [StepDefinition] { stages.flatMap(\.steps) }
}

/// The file that a pipeline is read from.
package struct PipelineFile: Hashable, Sendable {
    /// Where the file is, absolute.
    package let url: URL
    /// The file as messages name it, such as `roost.toml` or `../roost.toml`.
    package let shownName: String

    package init(url: URL, shownName: String? = nil) {
        self.url = url
        self.shownName = shownName ?? url.lastPathComponent
    }

    /// The folder of the file: what steps see as their workspace.
    package var projectFolder: URL { url.deletingLastPathComponent() }
}

/// Steps that may run together.
package struct StageDefinition: Hashable, Sendable {
    package let name: String
    /// In the order of the file; by name in a stage whose steps run one after another.
    package var steps: [StepDefinition]
    /// What runs beside them, in the order of the file.
    package var services: [ServiceDefinition] = []
    /// Where the file defines the stage.
    package let position: SourcePosition?

    package init(name: String, steps: [StepDefinition], position: SourcePosition? = nil) {
        self.name = name
        self.steps = steps
        self.position = position
    }
}
