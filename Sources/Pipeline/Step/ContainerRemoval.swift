import DockerEngine
import RoostCore

/// Removes a container, patiently: an engine that is busy or restarting may need some tries.
struct ContainerRemoval: Sendable {
    let engine: EngineClient

    private static let patience = Duration.seconds(10)

    /// - Parameter container: Its ID; one that is gone counts as removed.
    /// - Returns: What to tell where it is left behind; `nil` where it is gone.
    @discardableResult
    func remove(_ container: String) async -> String? {
        let end = ContinuousClock.now + Self.patience
        var pause = Duration.milliseconds(100)
        while true {
            do {
                try await engine.removeContainer(container)
                return nil
            } catch {
                guard ContinuousClock.now + pause < end, (try? await ContinuousClock().sleep(for: pause)) != nil else {
                    return "container \(container.prefix(12)) is left behind (\(error)); "
                        + "remove it with: docker rm -f -v \(container.prefix(12))"
                }
                pause = min(pause * 2, .seconds(2))
            }
        }
    }
}
