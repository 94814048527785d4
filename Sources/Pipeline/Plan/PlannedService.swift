import ImagePull
import OCIDistribution
import RoostCore

extension PlanJSON {
    /// A service, with the field names of a step where they mean the same.
    struct Service: Encodable {
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
        let memoryBytes: Int64
        let user: String?
        let pull: String
        let ready: Ready
        let stopGraceMs: Int64
        let line: Int?

        static func list(_ services: [ServiceDefinition]) -> [Service]? {
            services.isEmpty ? nil : services.map(Service.init)
        }

        init(_ service: ServiceDefinition) {
            name = service.id.service
            image = service.imageText
            reference = service.image.description
            command = service.command.map(Command.init)
            entrypoint = service.entrypoint
            env = service.env.map(\.name)
            memoryBytes = service.memory.bytes
            user = service.user
            pull = service.pull.rawValue
            ready = Ready(service.readiness)
            stopGraceMs = service.stopGrace.wholeMilliseconds
            line = service.position?.line
        }
    }

    /// By what it is ready: at most one of command and port; neither where it is ready as soon as it runs.
    struct Ready: Encodable {
        let command: Command?
        let port: Int?
        let timeoutMs: Int64
        let intervalMs: Int64

        init(_ readiness: ServiceReadiness) {
            command = if case .command(let command) = readiness.check { Command(command: command) } else { nil }
            port = if case .port(let port) = readiness.check { port } else { nil }
            timeoutMs = readiness.timeout.wholeMilliseconds
            intervalMs = readiness.interval.wholeMilliseconds
        }
    }
}
