package import NIOCore
import Synchronization

/// A stream of byte chunks with one producer and one consumer, where the producer waits while the consumer is behind.
///
/// Request bodies and upgraded connections arrive through it, so a handler that reads slowly slows its client.
package final class ByteStream: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer
    package typealias Failure = any Error

    /// A body larger than the caller was willing to hold in memory.
    package struct TooLarge: Error, CustomStringConvertible {
        let limit: Int
        package var description: String { "the body is larger than the \(limit) bytes that the handler collects" }
    }

    /// The bytes ended before the message did.
    package struct ConnectionLost: Error, CustomStringConvertible {
        package var description: String { "the connection ended before its message was complete" }
    }

    private struct State {
        var chunks: [ByteBuffer] = []
        var end: Result<Void, any Error>?
        var consumer: CheckedContinuation<ByteBuffer?, any Error>?
        var producer: CheckedContinuation<Void, Never>?
        var isAbandoned = false
    }

    private static let capacity = 4
    private let state = Mutex(State())

    init() {}

    // MARK: Producing

    /// Hands `chunk` to the consumer; suspends while the consumer is behind. A no-op once the consumer is gone.
    func send(_ chunk: ByteBuffer) async {
        let consumer = state.withLock { state -> CheckedContinuation<ByteBuffer?, any Error>? in
            guard !state.isAbandoned, state.end == nil else { return nil }
            guard let consumer = state.consumer.take() else {
                state.chunks.append(chunk)
                return nil
            }
            return consumer
        }
        if let consumer { return consumer.resume(returning: chunk) }
        await withCheckedContinuation { producer in
            let isReady = state.withLock { state in
                if state.isAbandoned || state.chunks.count < Self.capacity { return true }
                state.producer = producer
                return false
            }
            if isReady { producer.resume() }
        }
    }

    /// Ends the stream, with an error where the bytes stopped short. Only the first end counts.
    func finish(throwing error: (any Error)? = nil) {
        let consumer = state.withLock { state -> CheckedContinuation<ByteBuffer?, any Error>? in
            guard state.end == nil else { return nil }
            state.end = error.map { .failure($0) } ?? .success(())
            return state.consumer.take()
        }
        guard let consumer else { return }
        if let error { consumer.resume(throwing: error) } else { consumer.resume(returning: nil) }
    }

    /// Tells the producer that nobody reads any more: what it still sends is dropped.
    func abandon() {
        let producer = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.isAbandoned = true
            state.chunks = []
            return state.producer.take()
        }
        producer?.resume()
    }

    // MARK: Consuming

    private func next() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return try await withCheckedThrowingContinuation { consumer in
                take(into: consumer)
            }
        } onCancel: {
            state.withLock { $0.consumer.take() }?.resume(throwing: CancellationError())
        }
    }

    private func take(into consumer: CheckedContinuation<ByteBuffer?, any Error>) {
        enum Outcome {
            case chunk(ByteBuffer, CheckedContinuation<Void, Never>?)
            case end(Result<Void, any Error>)
            case wait
        }
        let outcome = state.withLock { state -> Outcome in
            if !state.chunks.isEmpty {
                let chunk = state.chunks.removeFirst()
                return .chunk(chunk, state.producer.take())
            }
            if let end = state.end { return .end(end) }
            // Cancelled between the check and here: the handler has run already and found no consumer to resume.
            if Task.isCancelled { return .end(.failure(CancellationError())) }
            state.consumer = consumer
            return .wait
        }
        switch outcome {
        case .chunk(let chunk, let producer):
            producer?.resume()
            consumer.resume(returning: chunk)
        case .end(.success): consumer.resume(returning: nil)
        case .end(.failure(let error)): consumer.resume(throwing: error)
        case .wait: break
        }
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        let stream: ByteStream

        package mutating func next() async throws -> ByteBuffer? { try await stream.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    /// Everything up to the end, in one buffer.
    ///
    /// - Parameter limit: The most bytes to hold; 64 MiB where the caller names none.
    /// - Returns: All bytes that were still unread.
    /// - Throws: ``TooLarge`` beyond the limit, ``ConnectionLost`` when the client went away in the middle.
    package func collect(upTo limit: Int = 64 * 1024 * 1024) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        for try await var chunk in self {
            guard whole.readableBytes + chunk.readableBytes <= limit else { throw TooLarge(limit: limit) }
            whole.writeBuffer(&chunk)
        }
        return whole
    }
}
