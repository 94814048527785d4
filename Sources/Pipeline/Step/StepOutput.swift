import DockerEngine
import NIOCore
import RoostCore
import Synchronization

/// Reads a step's output: raw into its file, whole lines into the run's events.
///
/// Reads the engine's log rather than an attached stream, so that a slow terminal never blocks the command.
final class StepOutput: Sendable {
    /// What came of the output.
    struct Result: Sendable {
        var tail = LogTail()
        /// Why some of it may be missing, where it may.
        var problem: String?
    }

    private enum Activity: Hashable {
        case reading(framesSoFar: Int)
        /// Held up by whoever reads the events: not the engine's fault.
        case handingOn
    }

    private let id: StepID
    private let attempt: Int
    private let file: StepLogFile?
    private let emit: @Sendable (RunEvent.Kind) async -> Void
    private let activity = Mutex(Activity.reading(framesSoFar: 0))

    /// How often a cut log stream is opened again.
    private static let maximumReconnections = 3

    init(
        id: StepID,
        attempt: Int,
        file: StepLogFile?,
        emit: @escaping @Sendable (RunEvent.Kind) async -> Void
    ) {
        self.id = id
        self.attempt = attempt
        self.file = file
        self.emit = emit
    }

    /// Follows the container's output to its end.
    ///
    /// A stream that is cut is opened again from its begin, and what had been read already is passed over: the engine's log
    /// keeps every byte in its order.
    func follow(_ container: String, on engine: EngineClient) async -> Result {
        var reader = Reader(file: file)
        for connection in 0...Self.maximumReconnections {
            reader.bytesToSkip = reader.bytesRead
            do {
                try await engine.containerLogs(container, follow: true) { frames in
                    let lines = reader.read(frames)
                    await handOn(lines, frames: frames.count)
                }
                break
            } catch is CancellationError {
                reader.result.problem = "the end of its output may be missing: the engine stopped sending it"
                break
            } catch {
                guard connection < Self.maximumReconnections,
                    (try? await engine.inspectContainer(container)) != nil
                else {
                    reader.result.problem = "the end of its output may be missing: \(error)"
                    break
                }
            }
        }
        await handOn(reader.finish(), frames: 0)
        return reader.result
    }

    /// Returns when for a whole interval nothing has come, though whoever reads the events was ready for it.
    func waitForStall(_ interval: Duration) async throws {
        while true {
            let before = activity.withLock { $0 }
            try await ContinuousClock().sleep(for: interval)
            if case .reading = before, activity.withLock({ $0 }) == before { return }
        }
    }

    private func handOn(_ lines: [LogLine], frames: Int) async {
        let before = activity.withLock { activity in
            defer { activity = .handingOn }
            return activity
        }
        if !lines.isEmpty { await emit(.stepLog(StepLog(id: id, attempt: attempt, lines: lines))) }
        let count: Int = if case .reading(let count) = before { count } else { 0 }
        activity.withLock { $0 = .reading(framesSoFar: count + frames) }
    }

    /// The state of reading one container's output.
    private struct Reader {
        let file: StepLogFile?
        var result = Result()
        var bytesRead = 0
        var bytesToSkip = 0
        private var assembler = LogLineAssembler()
        private var canWrite = true

        init(file: StepLogFile?) {
            self.file = file
        }

        mutating func read(_ frames: [LogFrame]) -> [LogLine] {
            var lines: [LogLine] = []
            for frame in frames {
                var bytes = frame.bytes
                let skipped = min(bytesToSkip, bytes.readableBytes)
                bytesToSkip -= skipped
                bytes.moveReaderIndex(forwardBy: skipped)
                guard bytes.readableBytes > 0 else { continue }
                bytesRead += bytes.readableBytes
                let payload = Array(bytes.readableBytesView)
                write(payload)
                lines += assembler.feed(payload, from: frame.stream == .stderr ? .stderr : .stdout)
            }
            for line in lines { result.tail.append(line) }
            return lines
        }

        mutating func finish() -> [LogLine] {
            let lines = assembler.finish()
            for line in lines { result.tail.append(line) }
            do {
                try file?.close()
            } catch {
                result.problem = result.problem ?? "its raw log is incomplete: \(error)"
            }
            return lines
        }

        /// A full disk must not end the step: its lines are still shown, and the report says what is missing.
        private mutating func write(_ bytes: [UInt8]) {
            guard canWrite, let file else { return }
            do {
                try file.write(bytes)
            } catch {
                canWrite = false
                result.problem = "its raw log is incomplete: \(error)"
            }
        }
    }
}
