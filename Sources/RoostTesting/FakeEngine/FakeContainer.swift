import DockerEngine
package import NIOCore
import RoostCore
import Synchronization

extension FakeEngine {
    /// What a container was created from.
    package struct ContainerRequest: Sendable {
        package internal(set) var name: String
        /// As the client named it.
        package internal(set) var image: String
        package internal(set) var imageID: String
        /// Entry point and command together, the image's where the client gave none.
        package internal(set) var arguments: [String]
        package internal(set) var environment: [String]
        package internal(set) var labels: [String: String]
        package internal(set) var user: String
        package internal(set) var workingDirectory: String
        package internal(set) var openStdin: Bool
        package internal(set) var stdinOnce: Bool
        package internal(set) var stopSignal: String
        package internal(set) var memory: Int64
        package internal(set) var networkMode: String
        package internal(set) var mounts: [Mount]
        var host: [String: JSONValue]

        /// A key of `HostConfig` as JSON; `nil` where the client left it out.
        package func setting(_ key: String) -> String? {
            host[key].flatMap { try? String(buffer: $0.bytes) }
        }

        package struct Mount: Sendable, Hashable, Decodable {
            package let type: String
            package let source: String?
            package let target: String
            package let readOnly: Bool?

            enum CodingKeys: String, CodingKey {
                case type = "Type"
                case source = "Source"
                case target = "Target"
                case readOnly = "ReadOnly"
            }
        }
    }

    /// A container of the fake engine at one moment.
    package struct ContainerState: Sendable {
        package enum Status: String, Sendable { case created, running, exited }

        package internal(set) var status = Status.created
        package internal(set) var exitCode = 0
        package internal(set) var wasOOMKilled = false
        package internal(set) var error = ""
        package internal(set) var signals: [String] = []
        package internal(set) var isRemoved = false
        /// All that it was sent on stdin.
        package internal(set) var stdin = ByteBuffer()
        var startedAt: String?
        var finishedAt: String?
        var log: [LogFrame] = []
        var unreadStdin = ByteBuffer()
        var isStdinClosed = false
        var ignoresSignals = false
        /// The code that a signal ends it with.
        var endingCode: Int?
        var starts = 0
        /// Exits of which everybody may know: the event has been sent.
        var exits = 0
        var isGone: Bool { isRemoved }
    }
}

/// One container and what runs in it.
final class FakeContainer: Sendable {
    struct Exit: Sendable {
        let code: Int
        var isOutOfMemory = false
        var isKillTold = true
    }

    let id: String
    let created: Int
    let request: FakeEngine.ContainerRequest
    private let choose: @Sendable (FakeEngine.ContainerRequest) -> FakeEngine.Program
    private let gate: FakeGate?
    private let chosen: Mutex<FakeEngine.Program>
    let state: Observed<FakeEngine.ContainerState>

    /// - Parameters:
    ///   - id: Its full ID.
    ///   - created: How many were made before it.
    ///   - request: What it is made from.
    ///   - choose: The program of a container that runs these arguments; of one with a gate it is asked for when the gate is
    ///     released.
    init(
        id: String,
        created: Int,
        request: FakeEngine.ContainerRequest,
        choose: @escaping @Sendable (FakeEngine.ContainerRequest) -> FakeEngine.Program
    ) {
        self.id = id
        self.created = created
        self.request = request
        self.choose = choose
        gate = FakeGate(request)
        chosen = Mutex(gate == nil ? choose(request) : FakeEngine.Program())
        var state = FakeEngine.ContainerState()
        state.isStdinClosed = !request.openStdin
        self.state = Observed(state)
    }

    var program: FakeEngine.Program { chosen.withLock { $0 } }

    /// Runs the program to its end, or until a signal ends it; `nil` where the engine itself ends meanwhile.
    func run() async -> Exit? {
        await withTaskGroup(of: Exit?.self) { group in
            group.addTask { [self] in try? await execute() }
            group.addTask { [self] in
                try? await state.wait { state in state.endingCode.map { Exit(code: $0) } }
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func execute() async throws -> Exit {
        if let gate {
            guard let program = try await pass(gate) else { return Exit(code: FakeGate.codeWithoutCommand) }
            chosen.withLock { $0 = program }
            for stream in [LogFrame.Stream.stdout, .stderr] { write(ByteBuffer(string: "\(gate.nonce)\n"), to: stream) }
            if let failure = program.startFailure {
                write(ByteBuffer(string: "/bin/sh: exec: not found\n"), to: .stderr)
                return Exit(code: failure.exitCode)
            }
        }
        for step in program.steps {
            try Task.checkCancellation()
            switch step {
            case .write(let stream, let bytes): write(bytes, to: stream)
            case .echo: try await echo()
            case .readLine(let code): if try await !readLine() { return Exit(code: code) }
            case .wait(let latch):
                await latch.wait()
                try Task.checkCancellation()
            case .ignoreSignals: state.change { $0.ignoresSignals = true }
            case .waitForSignal: return Exit(code: try await state.wait { $0.endingCode })
            case .exit(let code): return Exit(code: code)
            case .exitOutOfMemory: return Exit(code: 137, isOutOfMemory: true)
            case .exitOutOfMemoryUntold: return Exit(code: 137, isOutOfMemory: true, isKillTold: false)
            }
        }
        return Exit(code: 0)
    }

    /// Reads what the gate is to become; `nil` where stdin ends before.
    private func pass(_ gate: FakeGate) async throws -> FakeEngine.Program? {
        let end = Array("\n\(gate.nonce)\n".utf8)
        let payload = try await state.wait { state -> String? in
            let view = state.unreadStdin.readableBytesView
            guard view.suffix(end.count).elementsEqual(end) else { return state.isStdinClosed ? "" : nil }
            return String(decoding: view.dropLast(end.count), as: UTF8.self)
        }
        guard let arguments = FakeGate.command(in: payload) else { return nil }
        // The command has nothing to read.
        state.change { state in
            state.unreadStdin.clear()
            state.isStdinClosed = true
        }
        var released = request
        released.arguments = arguments
        return choose(released)
    }

    private func write(_ bytes: ByteBuffer, to stream: LogFrame.Stream) {
        var rest = bytes
        var frames: [LogFrame] = []
        while let piece = rest.readSlice(length: min(16_384, rest.readableBytes)), piece.readableBytes > 0 {
            frames.append(LogFrame(stream: stream, bytes: piece))
        }
        let written = frames
        state.change { $0.log += written }
    }

    private func echo() async throws {
        while true {
            try await state.wait { $0.isStdinClosed || $0.unreadStdin.readableBytes > 0 ? true : nil }
            let bytes = state.change { state in
                defer { state.unreadStdin.clear() }
                return state.unreadStdin
            }
            guard bytes.readableBytes > 0 else { return }
            write(bytes, to: .stdout)
        }
    }

    /// Takes one line from stdin; false at its end.
    private func readLine() async throws -> Bool {
        let newline = UInt8(ascii: "\n")
        try await state.wait { $0.isStdinClosed || $0.unreadStdin.readableBytesView.contains(newline) ? true : nil }
        return state.change { state in
            guard let end = state.unreadStdin.readableBytesView.firstIndex(of: newline) else { return false }
            state.unreadStdin.moveReaderIndex(to: end + 1)
            return true
        }
    }

    /// Sends a signal to the program.
    func deliver(_ signal: String) {
        let name = signal.hasPrefix("SIG") ? String(signal.dropFirst(3)) : signal
        state.change { state in
            state.signals.append(name)
            guard state.endingCode == nil else { return }
            switch name {
            case "KILL", "9": state.endingCode = 137
            case "TERM", "INT", "HUP", "QUIT", "15", "2", "1", "3":
                if !state.ignoresSignals { state.endingCode = program.codeAfterSignal }
            default: break
            }
        }
    }

    // MARK: Stdin

    func receive(_ bytes: ByteBuffer) {
        state.change { state in
            guard !state.isStdinClosed else { return }
            state.stdin.writeImmutableBuffer(bytes)
            state.unreadStdin.writeImmutableBuffer(bytes)
        }
    }

    func closeStdin() { state.change { $0.isStdinClosed = true } }
}
