import DockerEngine
import RoostCore
import Synchronization

/// Hears of the kernel's out-of-memory kills in a run's containers.
///
/// On a loaded machine an engine may learn of the exit before it learns of the kill, and then says for ever that there was
/// none (`State.OOMKilled` is settled with the exit: moby, libcontainerd). Its `oom` event is sent all the same.
final class OutOfMemoryWatch: Sendable {
    private let latches = Mutex<[String: Latch]>([:])
    private let runID: String

    init(runID: String) {
        self.runID = runID
    }

    /// Follows the engine's events until the task is cancelled; without them the engine's own verdict has to do.
    func follow(_ engine: EngineClient) async {
        let filters = [
            "type": ["container"], "event": ["oom"], "label": ["\(LabelKey.run)=\(runID)"],
        ]
        try? await engine.events(filters: filters) { latch(of: $0.actor.id).open() }
    }

    /// Whether a process of the container was killed for want of memory.
    ///
    /// - Parameters:
    ///   - container: Its full ID.
    ///   - patience: How long the event may be late.
    /// - Returns: True as soon as the event has come.
    func sawKill(in container: String, within patience: Duration) async -> Bool {
        let latch = latch(of: container)
        if latch.isOpen || patience == .zero { return latch.isOpen }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await latch.wait() }
            group.addTask {
                try? await ContinuousClock().sleep(for: patience)
                return latch.isOpen
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private func latch(of container: String) -> Latch {
        latches.withLock { latches in
            if let known = latches[container] { return known }
            let latch = Latch()
            latches[container] = latch
            return latch
        }
    }
}
