import Dispatch
import Foundation
import Synchronization

/// Text or data can't be written to a stream of this process.
package enum OutputError: Error, Hashable, CustomStringConvertible {
    /// Nobody reads the stream any more, as with `roost run | head`: there is no point in going on.
    case closed(stream: String)
    /// Nobody took what was written, such as a stopped terminal, while the process wants to end.
    case stuck(stream: String)
    /// The operating system refused, such as a full disk behind a redirection, with its `errno`.
    case failed(stream: String, errno: Int32)

    package var description: String {
        switch self {
        case .closed(let stream): "\(stream) was closed by its reader"
        case .stuck(let stream): "\(stream) is not being read"
        case .failed(let stream, let code): "can't write to \(stream): \(String(cString: strerror(code)))"
        }
    }
}

/// Writes to a descriptor without holding up the tasks that write.
///
/// A terminal that is stopped, or a pipe that nobody drains, blocks `write(2)` for as long as it likes: that happens on a
/// dispatch queue, never on a thread of the tasks. Memory is bounded: ``room()`` waits while a lot is unwritten.
/// Taking bytes is synchronous, so that an actor's writes keep the order in which it made them.
package final class OutputWriter: Sendable {
    /// How many bytes may wait before writers do.
    package static let limit = 1 << 20
    /// The most that is written at once, so that it is seen how a slow reader gets on.
    private static let piece = 16 << 10

    /// Calls a function after a while.
    typealias Timer = @Sendable (Duration, @escaping @Sendable () -> Void) -> Void

    private struct Waiter {
        /// How many bytes have to be written before it goes on.
        let target: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var buffer: [UInt8] = []
        var accepted = 0
        var written = 0
        var isDraining = false
        var failure: OutputError?
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let descriptor: Int32
    private let stream: String
    private let after: Timer
    private let queue = DispatchQueue(label: "dev.roost.output")
    private let state = Mutex(State())

    /// Writes to a descriptor that stays the caller's.
    ///
    /// - Parameters:
    ///   - descriptor: The open descriptor; whether it blocks or not does not matter.
    ///   - stream: What people call it, such as `standard output`.
    package convenience init(descriptor: Int32, stream: String) {
        self.init(descriptor: descriptor, stream: stream) { time, call in
            let (seconds, attoseconds) = time.components
            let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds), execute: call)
        }
    }

    /// As ``init(descriptor:stream:)``, with another's timer.
    init(descriptor: Int32, stream: String, after: @escaping Timer) {
        self.descriptor = descriptor
        self.stream = stream
        self.after = after
    }

    package static let standardOutput = OutputWriter(descriptor: STDOUT_FILENO, stream: "standard output")
    package static let standardError = OutputWriter(descriptor: STDERR_FILENO, stream: "standard error")

    /// Makes a write to a closed pipe an error instead of the end of the process. Called once, at its start.
    package static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Takes bytes to write, in the order of the calls, without waiting; follow it with ``room()``.
    ///
    /// - Throws: ``OutputError`` of an earlier write, also where there is nothing to write now.
    package func enqueue(_ bytes: [UInt8]) throws(OutputError) {
        try state.withLock { state throws(OutputError) in
            if let failure = state.failure { throw failure }
            guard !bytes.isEmpty else { return }
            state.buffer += bytes
            state.accepted += bytes.count
            guard !state.isDraining else { return }
            state.isDraining = true
            queue.async { self.drain() }
        }
    }

    /// Takes text to write; see ``enqueue(_:)-([UInt8])``.
    package func enqueue(_ text: String) throws(OutputError) {
        try enqueue(Array(text.utf8))
    }

    /// Waits while a lot is unwritten; does not wait in a cancelled task.
    ///
    /// - Throws: ``OutputError`` of an earlier write.
    package func room() async throws {
        let target = state.withLock { $0.accepted - Self.limit > $0.written ? $0.accepted - Self.limit : nil }
        guard let target else { return }
        let id = newWaiter()
        try await withTaskCancellationHandler {
            try await wait(id, for: target, isCancellable: true)
        } onCancel: {
            resume(id, with: .success(()))
        }
    }

    /// Waits until all is written that was taken so far, in a cancelled task too: the last lines matter most.
    ///
    /// However long that takes with a slow reader, as long as it reads at all.
    ///
    /// - Parameter limit: How long the reader may take nothing.
    /// - Throws: ``OutputError/stuck(stream:)`` where nothing was taken for that long, and other ``OutputError``s.
    package func flush(within limit: Duration = .seconds(5)) async throws {
        let target = state.withLock { $0.accepted }
        let id = newWaiter()
        try await wait(id, for: target, isCancellable: false) { self.watch(id, every: limit) }
    }

    /// Gives up the waiter once nothing has been written for the whole interval.
    private func watch(_ id: Int, every interval: Duration) {
        let before = state.withLock { $0.written }
        after(interval) { [self] in
            let (isWaiting, written) = state.withLock { ($0.waiters[id] != nil, $0.written) }
            guard isWaiting else { return }
            if written > before {
                watch(id, every: interval)
            } else {
                resume(id, with: .failure(OutputError.stuck(stream: stream)))
            }
        }
    }

    private func newWaiter() -> Int {
        state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
    }

    private func wait(
        _ id: Int,
        for target: Int,
        isCancellable: Bool,
        onWaiting: () -> Void = {}
    ) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<Void, any Error>? in
                if let failure = state.failure { return .failure(failure) }
                // The cancellation handler may have run before there was anything to resume.
                if state.written >= target || (isCancellable && Task.isCancelled) { return .success(()) }
                state.waiters[id] = Waiter(target: target, continuation: continuation)
                return nil
            }
            if let result { continuation.resume(with: result) } else { onWaiting() }
        }
    }

    private func resume(_ id: Int, with result: Result<Void, any Error>) {
        state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(with: result)
    }

    /// Writes until nothing is left; runs on the queue.
    private func drain() {
        while true {
            let bytes = state.withLock { state in
                let bytes = state.buffer
                state.buffer = []
                if bytes.isEmpty { state.isDraining = false }
                return bytes
            }
            if bytes.isEmpty { return }
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Self.piece)
                // Up to the end of a line, where there is one: who else writes to the stream then tears none.
                let length = piece.lastIndex(of: UInt8(ascii: "\n")).map { $0 - piece.startIndex + 1 } ?? piece.count
                let failure = writeAll(rest.prefix(length))
                note(length, failure)
                if failure != nil { return }
                rest = rest.dropFirst(length)
            }
        }
    }

    /// Takes down that so much was written, or why it could not be, and resumes who waited for that.
    private func note(_ count: Int, _ failure: OutputError?) {
        let ready = state.withLock { state -> [Waiter] in
            state.written += count
            state.failure = failure
            if failure != nil {
                state.buffer = []
                state.isDraining = false
            }
            let ids = state.waiters.filter { failure != nil || $0.value.target <= state.written }.keys
            return ids.compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in ready { waiter.continuation.resume(with: failure.map { .failure($0) } ?? .success(())) }
    }

    private func writeAll(_ bytes: ArraySlice<UInt8>) -> OutputError? {
        bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = Foundation.write(
                    descriptor,
                    buffer.baseAddress.map { $0 + written },
                    buffer.count - written
                )
                if count >= 0 {
                    written += count
                    continue
                }
                switch errno {
                case EINTR:
                    continue
                case EAGAIN:
                    // The stream was made non-blocking by whoever shares it.
                    var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&poller, 1, -1)
                case EPIPE:
                    return .closed(stream: stream)
                default:
                    return .failed(stream: stream, errno: errno)
                }
            }
            return nil
        }
    }
}
