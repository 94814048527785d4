import ArgumentParser
import DockerEngine
import Foundation

/// Which engine a verb uses.
struct EngineOptions: ParsableArguments {
    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp(
            "The engine's address, such as unix:///var/run/docker.sock or tcp://HOST:2376.",
            discussion:
                "Without it, as Docker's own client: DOCKER_HOST, DOCKER_CONTEXT, the current context, the socket.",
            valueName: "address"
        )
    )
    var host: String?

    func configuration() throws -> EngineConfiguration {
        try EngineConfiguration(environment: ProcessInfo.processInfo.environment, host: host)
    }
}
