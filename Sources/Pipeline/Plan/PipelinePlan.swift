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
    /// What runs beside the steps, in the order of the stages; no stage has more than one group.
    package let services: [ServiceGroup]
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
        services = ServiceGroup.of(definition)
        // Services that run beside all stages begin with the first.
        stages = definition.stages.enumerated().map { index, stage in
            let services = stage.services + (index == 0 ? definition.services : [])
            return StagePlan(name: stage.name, steps: stage.steps, images: PlannedImage.of(stage.steps, services))
        }
        images = PlannedImage.of(definition.steps, services.flatMap(\.services))
    }

    package var name: String { definition.name }

    /// How much memory the running steps can be promised together at most, whatever the budget then allows.
    package var peakMemory: ByteCount {
        stages.enumerated().map { index, stage in
            ByteCount(
                saturatingSum: [
                    PlannedConcurrency.memory(of: stage.steps, maxParallel: maxParallel),
                    services(besideStage: index)?.memory ?? ByteCount(0),
                ]
            )
        }.max() ?? ByteCount(0)
    }

    /// What runs beside the steps of a stage.
    ///
    /// - Parameter index: The stage's place.
    /// - Returns: `nil` where nothing does.
    package func services(besideStage index: Int) -> ServiceGroup? { services.first { $0.stages.contains(index) } }

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

/// An image that steps or services need.
package struct PlannedImage: Hashable, Sendable {
    package let reference: ImageReference
    /// The image as the first of them writes it.
    package let text: String
    /// The strictest of what they ask for: `always` before `missing` before `never`, since what one has pulled is there for
    /// the others.
    package let pull: PullPolicy
    /// In plan order.
    package let steps: [StepID]
    /// In plan order.
    package let services: [ServiceID]

    /// The stage that needs it first, as its users are in plan order; `nil` where it is only for services beside all stages.
    package var firstStage: String? { services.first?.stage ?? steps.first?.stage }

    /// The images of services and steps, each once after normalisation: the services' first, in their order.
    package static func of(_ steps: [StepDefinition], _ services: [ServiceDefinition] = []) -> [PlannedImage] {
        struct Users {
            let text: String
            var policies: Set<PullPolicy> = []
            var steps: [StepID] = []
            var services: [ServiceID] = []
        }
        var order: [ImageReference] = []
        var users: [ImageReference: Users] = [:]
        func note(_ image: ImageReference, _ text: String, _ change: (inout Users) -> Void) {
            if users[image] == nil { order.append(image) }
            change(&users[image, default: Users(text: text)])
        }
        for service in services {
            note(service.image, service.imageText) {
                $0.policies.insert(service.pull)
                $0.services.append(service.id)
            }
        }
        for step in steps {
            note(step.image, step.imageText) {
                $0.policies.insert(step.pull)
                $0.steps.append(step.id)
            }
        }
        return order.compactMap { reference in
            users[reference].map { users in
                PlannedImage(
                    reference: reference,
                    text: users.text,
                    pull: users.policies.contains(.always)
                        ? .always : users.policies.contains(.missing) ? .missing : .never,
                    steps: users.steps,
                    services: users.services
                )
            }
        }
    }
}

extension ServiceGroup {
    /// The groups of a pipeline: one for each stage with services, or one beside all stages.
    static func of(_ definition: PipelineDefinition) -> [ServiceGroup] {
        let stages = definition.stages
        func largest(_ steps: [StepDefinition]) -> ByteCount { steps.map(\.memory).max() ?? ByteCount(0) }
        guard definition.services.isEmpty else {
            return [
                ServiceGroup(
                    stage: nil,
                    stages: stages.indices,
                    services: definition.services,
                    largestStep: largest(definition.steps)
                )
            ]
        }
        return stages.enumerated().compactMap { index, stage in
            guard !stage.services.isEmpty else { return nil }
            return ServiceGroup(
                stage: stage.name,
                stages: index..<index + 1,
                services: stage.services,
                largestStep: largest(stage.steps)
            )
        }
    }
}
