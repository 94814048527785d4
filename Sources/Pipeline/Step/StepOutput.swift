import AsyncAlgorithms
import DockerEngine
import NIOCore
import ParkedContainers
import RoostCore
import Synchronization

/// Reads a step's output: raw into its file, whole lines into the run's events.
///
/// Attached from before the container starts, as `docker run` does it. An engine's log, followed, loses the end of what
/// a fast command printed now and then (seen with Docker 20.10 and the `local` driver), while the log of a container that
/// has ended is whole. So where the attached stream was cut, or given up to let the engine stop the container, the rest is
/// read from the log afterwards: ``LogCatchUp`` passes over what was read before.
final class StepOutput: Sendable {
    /// What came of the output.
    struct Result: Sendable {
        var tail = LogTail()
        /// Why some of it may be missing, where it may.
        var problem: String?
        /// Of a container with a gate, where its log was read: whether the command has begun by what stands there.
        var hasCommandBegun: Bool?
    }

    /// Where the output comes from while the container runs.
    enum Source: Sendable {
        /// The container's own, read from before its start.
        case container(String)
        /// The command's of a container that was parked; its gate takes part in it no more.
        case parked(ParkedContainer, run: @Sendable (@escaping @Sendable ([LogFrame]) async -> Void) async -> ParkedEnd)

        var container: String {
            switch self {
            case .container(let id): id
            case .parked(let parked, _): parked.id
            }
        }
    }

    private enum Activity: Hashable {
        case reading(batches: Int)
        /// Held up by whoever reads the events: not the engine's fault.
        case handingOn(batches: Int)
    }

    private let id: StepID
    private let attempt: Int
    private let attempts: Int
    private let file = Mutex<StepLogFile?>(nil)
    private let mask: SecretMask?
    private let emit: @Sendable (RunEvent.Kind) async -> Void
    private let activity = Mutex(Activity.reading(batches: 0))
    private let isFinished = Latch()
    private let result = Mutex(Result())

    /// Opens when the container may start: its output is being read, or can't be before it ends.
    let isReady = Latch()
    /// To be opened when the step's start has been told: no line comes before that.
    let mayEmit = Latch()
    /// To be opened before the engine is asked to stop the container: while it sends to an attached client that is held
    /// up, its calls on that container hang.
    let shouldDetach = Latch()
    /// To be opened when the container has ended, so that its log is whole.
    let hasEnded = Latch()
    /// To be opened when the container's first process is followed, which tells its exit ahead of the engine.
    let isFollowed = Latch()
    /// To be opened when that process has exited.
    let hasExited = Latch()

    init(
        id: StepID,
        attempt: Int,
        attempts: Int,
        mask: SecretMask?,
        emit: @escaping @Sendable (RunEvent.Kind) async -> Void
    ) {
        self.id = id
        self.attempt = attempt
        self.attempts = attempts
        self.mask = mask
        self.emit = emit
    }

    /// Keeps the output in a file as well, which stays open; to be called before the command begins.
    func keep(in file: StepLogFile) {
        self.file.withLock { $0 = file }
    }

    /// Reads the output to its end, which ``finished()`` then returns.
    func follow(_ source: Source, on engine: EngineClient) async {
        var reader = Reader(mask: mask) { self.file.withLock { $0 } }
        let batches = AsyncChannel<[LogFrame]>()
        var isWhole = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                defer { batches.finish() }
                return await self.read(source, on: engine) { await batches.send($0) }
            }
            for await frames in batches { await handOn(reader.read(frames)) }
            return await group.next() ?? false
        }
        if isWhole { isWhole = await endsWithContainer() }
        if !isWhole { await readLog(source, on: engine, &reader) }
        await handOn(reader.finish())
        result.withLock { $0 = reader.result }
        isFinished.open()
    }

    /// Whether a stream that has ended did so for the end of the container. A connection that somebody closes ends as well, and
    /// what is printed from then on stands only in the log. To take the one for the other costs reading the log again.
    private func endsWithContainer() async -> Bool {
        // The stream's end comes some 20 ms after the exit of the process…
        if isFollowed.isOpen { return hasExited.isOpen }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.hasEnded.wait() }
            group.addTask { try? await ContinuousClock().sleep(for: Self.endMargin) }
            await group.next()
            group.cancelAll()
            return hasEnded.isOpen
        }
    }

    /// … and some 60 ms before the engine tells the container's end.
    private static let endMargin = Duration.seconds(1)

    /// Waits until the output has been read to its end, or the task is cancelled.
    ///
    /// - Returns: What came of it; nothing where it isn't at its end.
    func finished() async -> Result {
        await isFinished.wait()
        return result.withLock { $0 }
    }

    /// Returns when for a whole interval nothing has come, though whoever reads the events was ready for it.
    func waitForStall(_ interval: Duration) async throws {
        while true {
            let before = activity.withLock { $0 }
            try await ContinuousClock().sleep(for: interval)
            if case .reading = before, activity.withLock({ $0 }) == before { return }
        }
    }

    /// Gives up the attached stream, for the log, where it has not ended by then. To be called at the process's end.
    ///
    /// An engine passes a container's output to its log and to whoever is attached alike. Where who is attached takes none,
    /// the rest stays in the container's pipe, and two seconds after the process's end the engine drops it, for the log
    /// as well (moby, daemon/monitor.go, `StreamConfig.Wait`).
    func detachIfHeldUp(after patience: Duration) async {
        guard (try? await ContinuousClock().sleep(for: patience)) != nil else { return }
        shouldDetach.open()
    }

    /// Gives up the attached stream, for the log, once it is held up while the container is not known to run. For one whose
    /// process is not followed: an engine that tells the end only when the stream has been read would tell it never.
    ///
    /// Returns when that has happened, or the task is cancelled.
    ///
    /// - Parameter isKnownToRun: Asks the engine. One that waits for the stream does not answer.
    func detachIfHeldUp(unless isKnownToRun: @Sendable () async -> Bool) async {
        var before = activity.withLock { $0 }
        while !shouldDetach.isOpen, (try? await ContinuousClock().sleep(for: Self.lookInterval)) != nil {
            let now = activity.withLock { $0 }
            if case .handingOn = now, now == before, await !isKnownToRun(), !Task.isCancelled { shouldDetach.open() }
            before = now
        }
    }

    /// Two looks and an engine's answer have to lie within the two seconds after which the rest is dropped.
    static let lookInterval = Duration.milliseconds(500)

    /// - Returns: Whether the stream came to its own end.
    private func read(
        _ source: Source,
        on engine: EngineClient,
        _ send: @escaping @Sendable ([LogFrame]) async -> Void
    ) async -> Bool {
        let isWhole = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                switch source {
                case .container(let id): return await self.readAttached(id, on: engine, send)
                case .parked(_, let run):
                    // Its start does not wait for anything here.
                    self.isReady.open()
                    return if case .commandRan(isOutputWhole: true) = await run(send) { true } else { false }
                }
            }
            group.addTask {
                await self.shouldDetach.wait()
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        isReady.open()
        return isWhole
    }

    private func readAttached(
        _ container: String,
        on engine: EngineClient,
        _ send: @escaping @Sendable ([LogFrame]) async -> Void
    ) async -> Bool {
        do {
            try await engine.attach(container, [.stdout, .stderr]) { attached in
                self.isReady.open()
                try await attached.readOutput { await send($0) }
            }
            return !Task.isCancelled
        } catch {
            return false
        }
    }

    /// Reads what the attached stream did not bring, once the container has ended.
    private func readLog(_ source: Source, on engine: EngineClient, _ reader: inout Reader) async {
        guard await hasEnded.wait() else {
            reader.result.problem = "the end of its output may be missing: reading it was given up"
            return
        }
        reader.passOverWhatWasRead()
        do {
            var copy = reader
            defer { reader = copy }
            // The log holds what the gate printed before the command, too.
            var gate: GateOutput? = if case .parked(let parked, _) = source { GateOutput(parked.gate) } else { nil }
            try await engine.containerLogs(source.container, follow: false) {
                await self.handOn(copy.read(gate?.commandFrames(in: $0) ?? $0))
            }
            copy.result.hasCommandBegun = gate?.hasCommandBegun
        } catch {
            reader.result.problem = "the end of its output may be missing: \(error)"
        }
    }

    private func handOn(_ lines: [LogLine]) async {
        let batches = activity.withLock { activity in
            let batches = if case .reading(let batches) = activity { batches } else { 0 }
            activity = .handingOn(batches: batches)
            return batches
        }
        if !lines.isEmpty {
            await mayEmit.wait()
            await emit(.stepLog(StepLog(id: id, attempt: attempt, attempts: attempts, lines: lines)))
        }
        activity.withLock { $0 = .reading(batches: batches + 1) }
    }

    /// The state of reading one container's output.
    private struct Reader {
        let file: @Sendable () -> StepLogFile?
        var result = Result()
        private var positions: [LogFrame.Stream: OutputPosition] = [:]
        /// `nil` as long as the frames come from the container itself.
        private var catchUps: [LogFrame.Stream: LogCatchUp]?
        private var assembler = LogLineAssembler()
        private var canWrite = true
        /// What hides the run's secrets from here on, in each stream by itself; `nil` where it has none.
        private var stdout: MaskedStream?
        private var stderr: MaskedStream?

        init(mask: SecretMask?, file: @escaping @Sendable () -> StepLogFile?) {
            self.file = file
            stdout = mask.map { MaskedStream($0) }
            stderr = mask.map { MaskedStream($0) }
        }

        /// The next frames come from the log, so from the begin of the output again.
        ///
        /// Each stream catches up by itself: the engine may have put the two together in another order in its log.
        mutating func passOverWhatWasRead() {
            catchUps = positions.mapValues { LogCatchUp(after: $0) }
        }

        mutating func read(_ frames: [LogFrame]) -> [LogLine] {
            var lines: [LogLine] = []
            for frame in frames {
                let payload = unread(frame)
                guard !payload.isEmpty else { continue }
                switch frame.stream {
                case .stderr: lines += keep(stderr?.feed(payload) ?? payload, of: .stderr)
                default: lines += keep(stdout?.feed(payload) ?? payload, of: .stdout)
                }
            }
            for line in lines { result.tail.append(line) }
            return lines
        }

        /// Takes bytes that hold no secret: nothing else goes into the file, the lines and the tail.
        private mutating func keep(_ bytes: [UInt8], of stream: LogLine.Stream) -> [LogLine] {
            guard !bytes.isEmpty else { return [] }
            write(bytes)
            return assembler.feed(bytes, from: stream)
        }

        private mutating func unread(_ frame: LogFrame) -> [UInt8] {
            let bytes = Array(frame.bytes.readableBytesView)
            guard catchUps != nil else {
                positions[frame.stream, default: OutputPosition()].advance(over: bytes)
                return bytes
            }
            return Array(
                catchUps?[frame.stream, default: LogCatchUp(after: OutputPosition())].unread(in: bytes) ?? bytes[...]
            )
        }

        mutating func finish() -> [LogLine] {
            var lines = keep(stdout?.finish() ?? [], of: .stdout)
            lines += keep(stderr?.finish() ?? [], of: .stderr)
            lines += assembler.finish()
            for line in lines { result.tail.append(line) }
            return lines
        }

        /// A full disk must not end the step: its lines are still shown, and the report says what is missing.
        private mutating func write(_ bytes: [UInt8]) {
            guard canWrite, let file = file() else { return }
            do {
                try file.write(bytes)
            } catch {
                canWrite = false
                result.problem = "its raw log is incomplete: \(error)"
            }
        }
    }
}
