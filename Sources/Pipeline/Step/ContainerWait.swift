import DockerEngine
import RoostCore

/// Waits for a container's exit, and finds out what happened where the engine's answer is cut.
///
/// An engine that is killed ends `/wait` with status 200 and no body; after its restart it shows exit code 143 or 137
/// for what it found dead. Neither is the command's own doing, so that a cut answer counts only if the engine answers
/// again at once.
struct ContainerWait: Sendable {
    let engine: EngineClient
    let container: String

    /// - Parameter limit: How long the container may run.
    /// - Returns: How it ended.
    func end(within limit: Duration) async -> ContainerEnd {
        let deadline = ContinuousClock.now + limit
        for _ in 0..<5 {
            do {
                let limit = max(.seconds(1), deadline - .now)
                let exit = try await engine.waitForContainer(container, .notRunning, deadline: limit)
                return .exited(code: exit.statusCode)
            } catch let error as EngineError where error.statusCode == 404 {
                return .removed
            } catch let error as EngineError {
                guard case .connectionLost = error else { return .engineLost(error.description) }
                do {
                    guard let inspection = try await engine.inspectContainer(container) else { return .removed }
                    if !inspection.state.isRunning { return .exited(code: inspection.state.exitCode) }
                } catch {
                    return .engineLost("\(error)")
                }
            } catch {
                return .engineLost("\(error)")
            }
        }
        return .engineLost("it keeps cutting connections")
    }
}
