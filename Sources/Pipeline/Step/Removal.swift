import DockerEngine
import RoostCore

/// Removes what a run no longer needs, again and again for a while where the engine refuses, and tells what is left.
struct Removal: Sendable {
    let emit: @Sendable (RunEvent.Kind) async -> Void

    /// From the first attempt to the last.
    private static let patience = Duration.seconds(10)

    func remove(container: String, from engine: EngineClient) async {
        let id = container.prefix(12)
        await attempt("container \(id)", byHand: "docker rm -f -v \(id)") {
            try await engine.removeContainer(container)
        }
    }

    func remove(network: String, from engine: EngineClient) async {
        let id = network.prefix(12)
        await attempt("network \(id)", byHand: "docker network rm \(id)") { try await engine.removeNetwork(network) }
    }

    private func attempt(_ what: String, byHand: String, _ body: () async throws -> Void) async {
        let end = ContinuousClock.now + Self.patience
        var pause = Duration.milliseconds(100)
        while true {
            do {
                try await body()
                return
            } catch {
                guard ContinuousClock.now + pause < end, (try? await ContinuousClock().sleep(for: pause)) != nil else {
                    await emit(.warning("\(what) is left behind (\(error)); remove it with: \(byHand)"))
                    return
                }
                pause = min(pause * 2, .seconds(2))
            }
        }
    }
}
