import DockerEngine
import RoostCore

/// What all containers and networks of a run have in common, whatever runs in them.
extension RunContext {
    /// - Parameters:
    ///   - kind: What the object is for, such as `step`.
    ///   - stage: The stage that it belongs to, where it belongs to one.
    ///   - more: The labels that only its kind has.
    /// - Returns: All of its labels; see ``LabelKey``.
    func labels(kind: String, stage: String?, _ more: [String: String] = [:]) -> [String: String] {
        var labels = [
            LabelKey.installation: installation.id,
            LabelKey.kind: kind,
            LabelKey.owner: owner.description,
            LabelKey.lifetime: "run",
            LabelKey.run: runID.description,
        ]
        labels[LabelKey.stage] = stage
        return labels.merging(more) { $1 }
    }

    /// A name for people; nothing is ever read out of it.
    ///
    /// - Parameter parts: What tells the object from the others of the run.
    /// - Returns: The name.
    func objectName(_ parts: [String]) -> String {
        // The engine takes [a-zA-Z0-9][a-zA-Z0-9_.-]+ (moby, daemon/names).
        func safe(_ text: String) -> String {
            String(text.prefix(40).map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "-" })
        }
        return (["roost", runID.description] + parts.map(safe)).joined(separator: "-")
    }

    /// What containers of steps and of services are made of alike.
    ///
    /// - Parameters:
    ///   - imageID: The image.
    ///   - memory: The limit.
    ///   - security: What it may do.
    ///   - labels: All of its labels.
    /// - Returns: A specification without a command of its own.
    func container(
        imageID: String,
        memory: ByteCount,
        security: StepSecurity,
        labels: [String: String]
    ) -> ContainerSpecification {
        var container = ContainerSpecification(image: imageID)
        container.labels = labels
        container.host.memory = memory.bytes
        if limitsSwap { container.host.memoryAndSwap = memory.bytes }
        security.apply(to: &container.host)
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
}
