import Synchronization

/// What a process has written so far, and who waits for what.
final class ProcessTranscript: Sendable {
    private enum Condition: Sendable {
        case line(@Sendable (String) -> Bool)
        case text(String)
    }

    private struct Waiter {
        let stream: RoostProcess.Stream
        let condition: Condition
        let continuation: CheckedContinuation<String, any Error>
    }

    private struct Written {
        var bytes: [UInt8] = []
        /// Complete lines, without their ends.
        var lines: [String] = []
        /// Where the first incomplete line begins.
        var lineStart = 0
        var isFinished = false

        mutating func append(_ new: [UInt8]) -> Range<Int> {
            let firstNewLine = lines.count
            var searchFrom = bytes.count
            bytes += new
            while let end = bytes[searchFrom...].firstIndex(of: UInt8(ascii: "\n")) {
                lines.append(String(decoding: bytes[lineStart..<end], as: UTF8.self))
                lineStart = end + 1
                searchFrom = lineStart
            }
            return firstNewLine..<lines.count
        }

        mutating func finish() -> Range<Int> {
            let firstNewLine = lines.count
            isFinished = true
            if lineStart < bytes.count { lines.append(String(decoding: bytes[lineStart...], as: UTF8.self)) }
            return firstNewLine..<lines.count
        }

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    private struct State {
        var written: [RoostProcess.Stream: Written] = [.output: Written(), .error: Written()]
        var waiters: [Int: Waiter] = [:]
        var nextID = 0
    }

    private let state = Mutex(State())

    func text(of stream: RoostProcess.Stream) -> String { state.withLock { $0.written[stream]?.text ?? "" } }

    func bytes(of stream: RoostProcess.Stream) -> [UInt8] { state.withLock { $0.written[stream]?.bytes ?? [] } }

    func append(_ bytes: [UInt8], to stream: RoostProcess.Stream) {
        settle(stream) { $0.append(bytes) }
    }

    /// Nothing more comes: who waits for this stream fails.
    func finish(_ stream: RoostProcess.Stream) {
        settle(stream) { $0.finish() }
    }

    func line(on stream: RoostProcess.Stream, where predicate: @escaping @Sendable (String) -> Bool) async throws
        -> String
    {
        try await wait(on: stream, for: .line(predicate))
    }

    func text(_ text: String, on stream: RoostProcess.Stream) async throws {
        _ = try await wait(on: stream, for: .text(text))
    }

    private func wait(on stream: RoostProcess.Stream, for condition: Condition) async throws -> String {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<String, any Error>? in
                    guard let written = state.written[stream] else { return nil }
                    if let found = Self.search(written, 0..<written.lines.count, for: condition) {
                        return .success(found)
                    }
                    if written.isFinished { return .failure(Self.ended(state)) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[id] = Waiter(stream: stream, condition: condition, continuation: continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    private func settle(_ stream: RoostProcess.Stream, _ change: (inout Written) -> Range<Int>) {
        let settled = state.withLock { state -> [(Waiter, Result<String, any Error>)] in
            var written = state.written[stream] ?? Written()
            // Taken out first, so that a growing buffer is not copied at each append.
            state.written[stream] = nil
            let newLines = change(&written)
            state.written[stream] = written
            var settled: [(Waiter, Result<String, any Error>)] = []
            for (id, waiter) in state.waiters where waiter.stream == stream {
                if let found = Self.search(written, newLines, for: waiter.condition) {
                    settled.append((waiter, .success(found)))
                } else if written.isFinished {
                    settled.append((waiter, .failure(Self.ended(state))))
                } else {
                    continue
                }
                state.waiters[id] = nil
            }
            return settled
        }
        for (waiter, outcome) in settled { waiter.continuation.resume(with: outcome) }
    }

    private static func search(_ written: Written, _ lines: Range<Int>, for condition: Condition) -> String? {
        switch condition {
        case .line(let predicate): written.lines[lines].first(where: predicate)
        case .text(let text): written.text.contains(text) ? text : nil
        }
    }

    private static func ended(_ state: State) -> RoostProcess.EndedEarly {
        RoostProcess.EndedEarly(
            output: state.written[.output]?.text ?? "",
            error: state.written[.error]?.text ?? ""
        )
    }
}
