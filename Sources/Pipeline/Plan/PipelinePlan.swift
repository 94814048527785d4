package import ImagePull
package import OCIDistribution
package import RoostCore

/// What a run will do, in which order and with which images: a pure function of the definition and the machine's default
/// for ``maxParallel``.
package struct PipelinePlan: Hashable, Sendable {
    package let definition: PipelineDefinition
    /// How many steps run at once at most: the file's number, else the machine's.
    package let maxParallel: Int
    /// In the order in which they run, a barrier between each two.
    package let stages: [StagePlan]
    /// Every image once, in the order in which the run needs them; what all steps of the run make of it.
    package let images: [PlannedImage]
    /// Whether the caller wants the workspace wiped before the first step, whatever the file says.
    package let isWipeAsked: Bool

    /// - Parameters:
    ///   - definition: The checked pipeline.
    ///   - defaultMaxParallel: How many steps may run at once where the file does not say; at least 1.
    ///   - override: The caller's number, which wins over the file's.
    ///   - isWipeAsked: Whether the caller wants the workspace wiped before the first step.
    package init(
        _ definition: PipelineDefinition,
        defaultMaxParallel: Int,
        override: Int? = nil,
        isWipeAsked: Bool = false
    ) {
        self.definition = definition
        self.isWipeAsked = isWipeAsked
        maxParallel = max(1, override ?? definition.maxParallel ?? defaultMaxParallel)
        stages = definition.stages.map { StagePlan(name: $0.name, steps: $0.steps, images: PlannedImage.of($0.steps)) }
        images = PlannedImage.of(definition.steps)
    }

    package var name: String { definition.name }

    /// How much memory the running steps can be promised together at most, whatever the budget then allows.
    package var peakMemory: ByteCount {
        stages.map { PlannedConcurrency.memory(of: $0.steps, maxParallel: maxParallel) }.max() ?? ByteCount(0)
    }

    /// Every step, in plan order.
    package var steps: [StepDefinition] { stages.flatMap(\.steps) }
}

/// One stage of a plan.
package struct StagePlan: Hashable, Sendable {
    package let name: String
    /// In the order of the file, which is the order in which they start.
    package let steps: [StepDefinition]
    /// What must be present before the first of the steps is created: every image of the stage once.
    package let images: [PlannedImage]
}

/// An image that steps need.
package struct PlannedImage: Hashable, Sendable {
    package let reference: ImageReference
    /// The image as the first step writes it.
    package let text: String
    /// The strictest of what its steps ask for: `always` before `missing` before `never`, since what one step has pulled
    /// is there for the others.
    package let pull: PullPolicy
    /// In plan order; never empty.
    package let steps: [StepID]

    /// The images of `steps`, each once after normalisation, in the order of their first step.
    package static func of(_ steps: [StepDefinition]) -> [PlannedImage] {
        var order: [ImageReference] = []
        var users: [ImageReference: [StepDefinition]] = [:]
        for step in steps {
            if users[step.image] == nil { order.append(step.image) }
            users[step.image, default: []].append(step)
        }
        return order.compactMap { reference in
            guard let steps = users[reference], let first = steps.first else { return nil }
            let policies = Set(steps.map(\.pull))
            let pull: PullPolicy =
                policies.contains(.always) ? .always : policies.contains(.missing) ? .missing : .never
            return PlannedImage(reference: reference, text: first.imageText, pull: pull, steps: steps.map(\.id))
        }
    }
}
