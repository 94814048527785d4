import ImagePull
package import Foundation
import OCIDistribution
import RoostCore

/// A plan for programs: `roost.plan/1`. Sizes are in bytes, durations in milliseconds.
package enum PlanJSON {
    package static let schema = "roost.plan/1"

    /// - Returns: One JSON object, indented, its keys in alphabetical order, ending with a line break.
    package static func render(_ plan: PipelinePlan) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(Document(plan)) + Data("\n".utf8)
    }

    struct Document: Encodable {
        let schema: String
        let name: String
        let file: String
        let projectFolder: String
        let maxParallel: Int
        /// As the file writes it; absent where the machine decides.
        let memoryBudget: String?
        let peakMemoryBytes: Int64
        let stages: [Stage]
        let images: [Image]

        init(_ plan: PipelinePlan) {
            schema = PlanJSON.schema
            name = plan.name
            file = plan.definition.file.shownName
            projectFolder = plan.definition.file.projectFolder.path
            maxParallel = plan.maxParallel
            memoryBudget = plan.definition.memoryBudget?.written
            peakMemoryBytes = plan.peakMemory.bytes
            stages = plan.stages.map(Stage.init)
            images = plan.images.map(Image.init)
        }
    }

    struct Stage: Encodable {
        let name: String
        let steps: [Step]
        /// The references of the images that have to be there before the stage begins.
        let images: [String]

        init(_ stage: StagePlan) {
            name = stage.name
            steps = stage.steps.map(Step.init)
            images = stage.images.map(\.reference.description)
        }
    }

    struct Step: Encodable {
        let name: String
        /// As the file writes it.
        let image: String
        /// In full, as the engine and the registry know it.
        let reference: String
        /// Absent for the image's own command.
        let command: Command?
        let entrypoint: [String]?
        /// Names only: values may be secrets of the caller's.
        let env: [String]
        /// Names only, too.
        let secrets: [Secret]
        let memoryBytes: Int64
        let timeoutMs: Int64
        let user: String?
        let workdir: String
        let pull: String
        /// The steps of the stage that it needs.
        let needs: [String]
        /// False where it runs alone in its stage.
        let parallel: Bool
        let always: Bool
        let maxRetries: Int
        let retryOn: [String]
        let stopGraceMs: Int64
        /// Absent where the file does not say.
        let network: String?
        let security: Security
        let mounts: [Mount]
        let line: Int?

        init(_ step: StepDefinition) {
            name = step.id.step
            image = step.imageText
            reference = step.image.description
            command = step.command.map(Command.init)
            entrypoint = step.entrypoint
            env = step.env.map(\.name)
            secrets = step.secrets.map { Secret(name: $0.name, env: $0.variable) }
            memoryBytes = step.memory.bytes
            timeoutMs = step.timeout.wholeMilliseconds
            user = step.user
            workdir = step.workdir
            pull = step.pull.rawValue
            needs = step.schedule.needs.map(\.step)
            parallel = !step.schedule.runsAlone
            always = step.schedule.isAlways
            maxRetries = step.retries.count
            retryOn = StepRetries.Reason.allCases.filter(step.retries.reasons.contains).map(\.rawValue)
            stopGraceMs = step.stopGrace.wholeMilliseconds
            network = step.network == .slot ? nil : step.network.rawValue
            security = Security(step.security)
            mounts = step.mounts.map(Mount.init)
            line = step.position?.line
        }
    }

    struct Secret: Encodable {
        let name: String
        /// The variable that it is given as; absent for a file.
        let env: String?
    }

    struct Security: Encodable {
        /// What root in the container has, in the kernel's order.
        let capabilities: [String]
        let noNewPrivileges: Bool
        let privileged: Bool
        let readOnly: Bool
        let pidsLimit: Int
        let seccomp: String
        let devices: [String]
        let shmSizeBytes: Int64?

        init(_ security: StepSecurity) {
            capabilities = CapabilityList.some(security.capabilities).names
            noNewPrivileges = security.forbidsNewPrivileges
            privileged = security.isPrivileged
            readOnly = security.isReadOnly
            pidsLimit = security.pidsLimit
            seccomp = security.isPrivileged ? StepSecurity.Seccomp.unconfined.rawValue : security.seccomp.rawValue
            devices = security.devices.map { "\($0.hostPath):\($0.containerPath):\($0.permissions)" }
            shmSizeBytes = security.sharedMemory?.bytes
        }
    }

    struct Mount: Encodable {
        let volume: String?
        let path: String?
        let tmpfs: Bool
        let sizeBytes: Int64?
        let target: String
        let readOnly: Bool

        init(_ mount: StepMount) {
            volume = if case .volume(let name) = mount.source { StepMount.volumePrefix + name } else { nil }
            path = if case .path(let path) = mount.source { path } else { nil }
            tmpfs = if case .memory = mount.source { true } else { false }
            sizeBytes = if case .memory(let size) = mount.source { size?.bytes } else { nil }
            target = mount.target
            readOnly = mount.isReadOnly
        }
    }

    /// As in the file: a string for the shell, or a list of arguments.
    struct Command: Encodable {
        let command: StepCommand

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch command {
            case .shell(let text): try container.encode(text)
            case .arguments(let arguments): try container.encode(arguments)
            }
        }
    }

    struct Image: Encodable {
        let image: String
        let reference: String
        let pull: String
        let firstStage: String
        let steps: [StepName]

        init(_ image: PlannedImage) {
            self.image = image.text
            reference = image.reference.description
            pull = image.pull.rawValue
            firstStage = image.steps.first?.stage ?? ""
            steps = image.steps.map { StepName(stage: $0.stage, step: $0.step) }
        }
    }

    struct StepName: Encodable {
        let stage: String
        let step: String
    }
}
