import DockerEngine
import NIOCore
import NIOHTTP1

/// Logs, attach, wait and statistics of one container.
struct ContainerStreams {
    let container: FakeContainer

    // MARK: Output

    func logs(_ call: EngineCall) async throws {
        let streams = outputs(of: call)
        guard !streams.isEmpty else {
            throw Refusal(.badRequest, "Bad parameters: you must choose at least one stream")
        }
        try await call.answer.start(headers: [:])
        let state = container.state.value
        if call.flag("follow"), state.status == .running || state.exits < state.starts {
            try await follow(from: 0, until: state.starts, streams) { try await call.answer.write($0) }
        } else {
            for frame in state.log where streams.contains(frame.stream) {
                try await call.answer.write(frame.encoded)
            }
        }
        try await call.answer.finish()
    }

    /// Sends frames as they come, until the exit of this number or the container's removal.
    private func follow(
        from begin: Int,
        until exit: Int,
        _ streams: Set<LogFrame.Stream>,
        _ send: (ByteBuffer) async throws -> Void
    ) async throws {
        var next = begin
        while true {
            let position = next
            let (new, isEnd) = try await container.state.wait { state -> ([LogFrame], Bool)? in
                let isEnd = state.exits >= exit || state.isRemoved
                return state.log.count > position || isEnd ? (Array(state.log[position...]), isEnd) : nil
            }
            next += new.count
            for frame in new where streams.contains(frame.stream) { try await send(frame.encoded) }
            if isEnd { return }
        }
    }

    private func outputs(of call: EngineCall) -> Set<LogFrame.Stream> {
        Set((call.flag("stdout") ? [.stdout] : []) + (call.flag("stderr") ? [.stderr] : []))
    }

    // MARK: Attach

    func attach(_ call: EngineCall) async throws {
        let streams = outputs(of: call)
        // Output from before the attach is not part of it.
        let (begin, exit) = { ($0.log.count, $0.exits + 1) }(container.state.value)
        let connection = try await call.answer.hijack()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            if call.flag("stdin"), container.request.openStdin {
                group.addTask {
                    do {
                        for try await bytes in connection.bytes { container.receive(bytes) }
                    } catch {
                        // A connection that is reset ends stdin like one that is closed.
                    }
                    if container.request.stdinOnce { container.closeStdin() }
                    return false
                }
            } else {
                group.addTask {
                    // Whatever is sent has no reader, but a client that goes must be noticed.
                    for try await _ in connection.bytes {}
                    return false
                }
            }
            group.addTask {
                try await follow(from: begin, until: exit, streams) { try await connection.write($0) }
                return true
            }
            // The end of stdin is not the end of the output.
            while let isOutputsEnd = try await group.next() {
                if isOutputsEnd { break }
            }
            group.cancelAll()
        }
    }

    // MARK: Wait

    func wait(_ call: EngineCall) async throws {
        let text = call.request.queryValue("condition") ?? ""
        guard let condition = WaitCondition(rawValue: text.isEmpty ? "not-running" : text) else {
            throw Refusal(.badRequest, "invalid condition: \"\(text)\"")
        }
        let exits = container.state.value.exits
        // The head goes at once, so that a client knows that it will miss nothing.
        try await call.answer.start(headers: ["Content-Type": "application/json"])
        let code = try await container.state.wait { state -> Int? in
            let isMet: Bool =
                switch condition {
                case .notRunning: state.isRemoved || (state.status != .running && state.exits == state.starts)
                case .nextExit: state.isRemoved || state.exits > exits
                case .removed: state.isRemoved
                }
            return isMet ? state.exitCode : nil
        }
        try await call.answer.writeLine(["StatusCode": JSONValue(code), "Error": nil])
        try await call.answer.finish()
    }

    // MARK: Statistics

    func statistics(_ call: EngineCall) async throws {
        try await call.answer.start(headers: ["Content-Type": "application/json"])
        try await call.answer.writeLine(sample(container.state.value))
        guard call.flag("stream") else { return try await call.answer.finish() }
        // A sample a change stands for a sample a second.
        var seen = container.state.value
        while !seen.isRemoved {
            let (lines, exits) = (seen.log.count, seen.exits)
            seen = try await container.state.wait { state in
                state.log.count != lines || state.exits != exits || state.isRemoved ? state : nil
            }
            if !seen.isRemoved { try await call.answer.writeLine(sample(seen)) }
        }
        try await call.answer.finish()
    }

    private func sample(_ state: FakeEngine.ContainerState) -> JSONValue {
        let memory: JSONValue =
            state.status == .running
            ? ["usage": 2_097_152, "max_usage": 3_145_728, "stats": ["cache": 4096], "limit": 8_589_934_592] : [:]
        return [
            "id": .string(container.id), "name": .string("/\(container.request.name)"), "memory_stats": memory,
        ]
    }
}

extension LogFrame {
    /// The frame with its header of 8 bytes.
    var encoded: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(stream.rawValue)
        buffer.writeRepeatingByte(0, count: 3)
        buffer.writeInteger(UInt32(bytes.readableBytes))
        buffer.writeImmutableBuffer(bytes)
        return buffer
    }
}
