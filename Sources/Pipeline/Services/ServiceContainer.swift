import DockerEngine
import RoostCore

/// The container of a service: its name and what it is made of.
struct ServiceContainer {
    let context: RunContext
    let service: ServiceDefinition
    /// The network in which steps reach it by its name.
    let network: String

    /// For people; nothing is ever read out of it.
    ///
    /// - Parameter suffix: Makes it another name where the first is taken.
    /// - Returns: The name.
    func name(suffix: String? = nil) -> String {
        let parts = (service.id.stage.map { [$0] } ?? []) + ["service", service.id.service]
        return context.objectName(parts + (suffix.map { [$0] } ?? []))
    }

    func specification(imageID: String) -> ContainerSpecification {
        var container = context.container(
            imageID: imageID,
            memory: service.memory,
            // What the images of databases need: files of another user, and to become that user.
            security: StepSecurity(),
            labels: context.labels(
                kind: "service",
                stage: service.id.stage,
                [LabelKey.service: service.id.service]
            )
        )
        container.entrypoint = StepCommand.entrypoint(of: service.command, over: service.entrypoint)
        container.command = service.command?.words
        container.environment = service.env.map(\.assignment)
        container.user = service.user
        container.hostname = service.id.service
        container.host.networkMode = network
        container.networking = .init(network: network, aliases: [service.id.service])
        return container
    }
}
