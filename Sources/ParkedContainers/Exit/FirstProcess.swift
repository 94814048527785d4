package import DockerEngine
import RoostCore
import Synchronization

/// A container's first process, held by a descriptor of the kernel's, so that its exit is known within a few
/// milliseconds and exactly, where the engine takes some eighty to tell it.
///
/// To be opened before the process can have exited: after a start, or while the container is parked. Where that isn't
/// possible there is none, and the caller waits for the engine's word. The descriptor is closed with the exit, or with
/// this value.
package final class FirstProcess: Sendable {
    /// As the engine and this machine number it.
    package let number: Int
    private let watch: ExitWatch
    private let process: ExitWatch.Process

    init(number: Int, watch: ExitWatch, process: ExitWatch.Process) {
        self.number = number
        self.watch = watch
        self.process = process
    }

    deinit { watch.forget(process) }

    /// Waits until the process has exited and been reaped, or the task is cancelled.
    ///
    /// - Returns: How it ended; `.unknown` where the kernel does not keep that, and when cancelled.
    package func end() async -> ProcessEnd {
        await process.isOver.wait()
        return process.end
    }
}

extension ExitWatch {
    /// Asks the engine for a container's first process, and opens it.
    ///
    /// - Parameters:
    ///   - container: Its ID.
    ///   - engine: The engine.
    /// - Returns: The process; `nil` where it does not run any more, is on another machine, or can't be followed.
    package func firstProcess(of container: String, on engine: EngineClient) async -> FirstProcess? {
        guard let inspection = try? await engine.inspectContainer(container), inspection.state.isRunning,
            let number = inspection.state.processID
        else { return nil }
        return open(number, of: inspection.id)
    }
}
