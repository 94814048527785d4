package import NIOCore
package import NIOHTTP1
import Synchronization

/// Answers one request, in whatever way the test needs.
package final class HTTPTestResponder: Sendable {
    /// The handler used the responder in an order that no HTTP message has.
    package enum Misuse: Error, CustomStringConvertible {
        case startedTwice
        case writeOutsideBody

        package var description: String {
            switch self {
            case .startedTwice: "the handler answered a request that it had answered already"
            case .writeOutsideBody: "the handler wrote body bytes before start() or after finish()"
            }
        }
    }

    private enum Phase { case idle, streaming, finished, upgraded }

    private let request: HTTPTestRequest
    private let outbound: NIOAsyncChannelOutboundWriter<WireOutput>
    private let upgraded: ByteStream
    private let closesAfterwards: Bool
    private let phase = Mutex(Phase.idle)

    init(request: HTTPTestRequest, outbound: NIOAsyncChannelOutboundWriter<WireOutput>, upgraded: ByteStream) {
        self.request = request
        self.outbound = outbound
        self.upgraded = upgraded
        let connection = request.headers[canonicalForm: "connection"].map { $0.lowercased() }
        // After a request that asked for an upgrade the decoder reads no further requests, so an ordinary answer ends
        // the connection.
        self.closesAfterwards =
            connection.contains("close") || request.headers.contains(name: "upgrade") || request.version == .http1_0
    }

    /// Whether an answer has begun.
    package var hasStarted: Bool { phase.withLock { $0 != .idle } }

    /// Sends a whole answer. To a HEAD the body is counted and not sent.
    package func respond(
        _ status: HTTPResponseStatus,
        headers: HTTPHeaders = [:],
        body: ByteBuffer = ByteBuffer()
    ) async throws {
        var headers = headers
        if mayHaveBody(status) || request.method == .HEAD, !headers.contains(name: "content-length") {
            headers.add(name: "Content-Length", value: String(body.readableBytes))
        }
        try await start(status, headers: headers)
        if body.readableBytes > 0 { try await write(body) }
        try await finish()
    }

    /// Sends a whole answer with a text body.
    package func respond(_ status: HTTPResponseStatus, headers: HTTPHeaders = [:], text: String) async throws {
        try await respond(status, headers: headers, body: ByteBuffer(string: text))
    }

    /// Sends the head. Without a `Content-Length` the body is chunked.
    package func start(_ status: HTTPResponseStatus, headers: HTTPHeaders = [:]) async throws {
        try advance(from: .idle, to: .streaming, else: .startedTwice)
        var headers = headers
        if !mayHaveBody(status) {
            headers.remove(name: "transfer-encoding")
        } else if !headers.contains(name: "content-length"), !headers.contains(name: "transfer-encoding"),
            request.version != .http1_0
        {
            headers.add(name: "Transfer-Encoding", value: "chunked")
        }
        if closesAfterwards { headers.replaceOrAdd(name: "Connection", value: "close") }
        try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
    }

    /// Sends body bytes; suspends while the client is behind. Bytes for a HEAD are dropped.
    package func write(_ bytes: ByteBuffer) async throws {
        guard phase.withLock({ $0 == .streaming }) else { throw Misuse.writeOutsideBody }
        guard request.method != .HEAD, bytes.readableBytes > 0 else { return }
        try await outbound.write(.body(bytes))
    }

    /// Sends body text.
    package func write(_ text: String) async throws { try await write(ByteBuffer(string: text)) }

    /// Ends the answer, leaving the connection to the next request.
    package func finish() async throws {
        try advance(from: .streaming, to: .finished, else: .writeOutsideBody)
        try await outbound.write(.end(closing: closesAfterwards))
    }

    /// Switches protocols: sends 101 with `headers`, after which both sides exchange raw bytes.
    ///
    /// Docker's attach asks for it with `Connection: Upgrade` and `Upgrade: tcp`. The connection closes when the
    /// handler returns; what was written until then still arrives.
    ///
    /// - Parameter headers: The answer's headers; `Connection: Upgrade` and `Upgrade: tcp` where they name none.
    /// - Returns: The raw connection.
    /// - Throws: ``Misuse`` when an answer has begun, or the channel's error when the client is gone.
    package func hijack(headers: HTTPHeaders = [:]) async throws -> HTTPTestUpgradedConnection {
        try advance(from: .idle, to: .upgraded, else: .startedTwice)
        var headers = headers
        if !headers.contains(name: "connection") { headers.add(name: "Connection", value: "Upgrade") }
        if !headers.contains(name: "upgrade") { headers.add(name: "Upgrade", value: "tcp") }
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
        try await outbound.write(.upgrade(head))
        return HTTPTestUpgradedConnection(bytes: upgraded, outbound: outbound)
    }

    /// Closes the connection now, in the middle of the body where one has begun. What was written before still arrives.
    package func abort() async throws {
        phase.withLock { $0 = .finished }
        try await outbound.write(.close)
    }

    /// Resets the connection (RST): the client sees an error rather than an end, and may lose bytes in flight.
    package func reset() async throws {
        phase.withLock { $0 = .finished }
        try await outbound.write(.reset)
    }

    /// Waits until the client disconnects or the server ends.
    ///
    /// - Throws: Always: `CancellationError`.
    package func hang() async throws -> Never {
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
        throw CancellationError()
    }

    // MARK: After the handler

    /// Completes what the handler left open.
    func handlerReturned() async throws {
        switch phase.withLock({ $0 }) {
        case .idle: try await respond(.internalServerError, text: "the handler gave no answer\n")
        case .streaming: try await finish()
        case .upgraded: try await outbound.write(.close)
        case .finished: break
        }
    }

    /// Shows the client that the handler failed: a 500 before the head, a cut connection after it.
    func handlerThrew(_ error: any Error) async throws {
        switch phase.withLock({ $0 }) {
        case .idle: try await respond(.internalServerError, text: "the handler failed: \(error)\n")
        case .streaming, .upgraded: try await abort()
        case .finished: break
        }
    }

    private func advance(from: Phase, to: Phase, else misuse: Misuse) throws {
        try phase.withLock { phase in
            guard phase == from else { throw misuse }
            phase = to
        }
    }

    private func mayHaveBody(_ status: HTTPResponseStatus) -> Bool {
        request.method != .HEAD && status.mayHaveResponseBody
    }
}

/// A connection after ``HTTPTestResponder/hijack(headers:)``: raw bytes both ways.
package struct HTTPTestUpgradedConnection: Sendable {
    /// What the client sends. It ends when the client closes its side, which need not end the other direction.
    package let bytes: ByteStream
    let outbound: NIOAsyncChannelOutboundWriter<WireOutput>

    /// Sends raw bytes; suspends while the client is behind.
    package func write(_ bytes: ByteBuffer) async throws { try await outbound.write(.raw(bytes)) }

    /// Sends text.
    package func write(_ text: String) async throws { try await write(ByteBuffer(string: text)) }

    /// Ends this side's bytes; the client can go on sending.
    package func closeWriting() async throws { try await outbound.write(.halfClose) }

    /// Closes both directions once what was written has been sent.
    package func close() async throws { try await outbound.write(.close) }
}
