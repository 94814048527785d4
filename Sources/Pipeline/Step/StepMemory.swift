import DockerEngine
import ParkedContainers
import RoostCore

/// Finds out the most memory that a container of a step or of a service uses, and whether it wanted more.
///
/// On this machine the kernel keeps the number itself. Of an engine elsewhere, or where the kernel's file can't be read, the
/// engine's samples have to do.
struct StepMemory: Sendable {
    let engine: EngineClient
    let container: String

    /// Watches the container, which has been started, until it has ended or the task is cancelled.
    ///
    /// - Returns: The highest number seen; `nil` where none was.
    func peak() async -> ByteCount? {
        if engine.endpoint.isLocal, let processID = try? await engine.inspectContainer(container)?.state.processID,
            let reader = MemoryPeakReader.open(processID: processID, container: container)
        {
            return await follow(reader)
        }
        return await samplePeak()
    }

    /// What the kernel says of a container that has ended.
    struct Usage: Sendable, Hashable {
        /// The most that it has used; `nil` where that can't be read.
        var peak: ByteCount?
        /// Whether a process of it was killed for want of memory; `nil` where that can't be read.
        var wasKilled: Bool?
    }

    /// Watches the container, which has been started, until it has ended or the task is cancelled.
    ///
    /// - Parameter exits: Where its first process is followed from; `nil` for an engine elsewhere.
    /// - Returns: What the kernel has said last; where the process can't be followed, what the engine's samples say.
    func usage(watch exits: ExitWatch?) async -> Usage {
        if let process = await exits?.firstProcess(of: container, on: engine) { return await usage(until: process) }
        return Usage(peak: await peak())
    }

    /// Watches the container until its first process has ended.
    ///
    /// - Parameter process: The process, which runs.
    /// - Returns: What was seen last.
    func usage(until process: FirstProcess) async -> Usage {
        var usage = Usage()
        guard let reader = MemoryPeakReader.open(processID: process.number, container: container) else {
            _ = await process.end()
            return usage
        }
        while true {
            let hasEnded = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    _ = await process.end()
                    return true
                }
                group.addTask { (try? await ContinuousClock().sleep(for: Self.longestPause)) == nil }
                defer { group.cancelAll() }
                return await group.next() ?? true
            }
            // The container's group lives on for some milliseconds; on a loaded machine this may come later than that.
            usage.peak = reader.read() ?? usage.peak
            usage.wasKilled = reader.hasKilled() ?? usage.wasKilled
            if hasEnded { return usage }
        }
    }

    private static let longestPause = Duration.milliseconds(200)

    /// How long to wait until the kernel's number is read again: at most what passes between a container's end and that of
    /// its group (7 ms at the least, measured) while the step is young, later a fiftieth of the time that it has run.
    static func pause(after time: Duration) -> Duration {
        min(max(time / 50, .milliseconds(4)), longestPause)
    }

    private func follow(_ reader: consuming MemoryPeakReader) async -> ByteCount? {
        let start = ContinuousClock.now
        var peak: ByteCount?
        // The number never falls, so that the last one counts.
        while let now = reader.read() {
            peak = now
            if (try? await ContinuousClock().sleep(for: Self.pause(after: .now - start))) == nil { break }
        }
        return reader.read() ?? peak
    }

    /// Samples the container's memory through the engine.
    ///
    /// Begins after a second: a stream of samples costs the engine more than a short step does.
    private func samplePeak() async -> ByteCount? {
        var peak: Int64 = 0
        do {
            try await ContinuousClock().sleep(for: .seconds(1))
            try await engine.containerStatistics(container) { sample in
                let now = sample.memory?.maximum ?? sample.memory?.usage ?? 0
                if now > peak { peak = now }
            }
        } catch {
            // Cancelled at the step's end, or the container has gone: what was sampled counts.
        }
        return peak > 0 ? ByteCount(peak) : nil
    }
}
