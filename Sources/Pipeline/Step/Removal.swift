import DockerEngine
import RoostCore

/// Removes what a run no longer needs, again and again for a while where the engine refuses, and tells what is left.
struct Removal: Sendable {
    let interruption: Interruption
    let emit: @Sendable (RunEvent.Kind) async -> Void

    /// From the first attempt to the last.
    private static let patience = Duration.seconds(10)
    /// From when the run is to end now, how long the engine may take.
    private static let lastPatience = Duration.seconds(5)
    /// The same for an engine that was lost by then: it is asked once, and not waited for.
    private static let patienceWithLost = Duration.seconds(1)

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

    private func attempt(
        _ what: String,
        byHand: String,
        _ body: @escaping @Sendable () async throws -> Void
    ) async {
        let problem = await withTaskGroup(of: String?.self) { group in
            group.addTask { await patiently(what, byHand: byHand, body) }
            group.addTask {
                guard await interruption.kill.wait() else { return nil }
                let patience = interruption.isEngineLost.isOpen ? Self.patienceWithLost : Self.lastPatience
                guard (try? await ContinuousClock().sleep(for: patience)) != nil else { return nil }
                return "\(what) is left behind (the engine did not remove it within "
                    + "\(DurationText.format(patience))); the next roost command does"
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        if let problem { await emit(.warning(problem)) }
    }

    private func patiently(_ what: String, byHand: String, _ body: () async throws -> Void) async -> String? {
        let end = ContinuousClock.now + Self.patience
        var pause = Duration.milliseconds(100)
        while true {
            do {
                try await body()
                return nil
            } catch {
                guard ContinuousClock.now + pause < end, (try? await ContinuousClock().sleep(for: pause)) != nil else {
                    return "\(what) is left behind (\(error)); remove it with: \(byHand)"
                }
                pause = min(pause * 2, .seconds(2))
            }
        }
    }
}
