package import NIOCore
import NIOHTTP1
import RoostCore

/// Which of a container's streams an attached client takes part in.
package struct AttachStreams: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static let stdin = AttachStreams(rawValue: 1)
    package static let stdout = AttachStreams(rawValue: 2)
    package static let stderr = AttachStreams(rawValue: 4)
}

/// A container's standard streams while attached.
///
/// Whoever attaches to an output must drain it: an attach that nobody reads makes the engine's calls on that container
/// (kill, remove, inspect) hang until the attach is closed.
package struct AttachedContainer: Sendable {
    private let operation: String
    private let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let transport: EngineTransport
    private let request: EngineRequest

    init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        transport: EngineTransport,
        request: EngineRequest
    ) {
        self.operation = request.operation
        self.inbound = inbound
        self.outbound = outbound
        self.transport = transport
        self.request = request
    }

    /// Writes to the container's stdin; returns when the bytes are on the way.
    package func write(_ bytes: ByteBuffer) async throws {
        do {
            try await outbound.write(bytes)
        } catch {
            throw transport.translate(error, request)
        }
    }

    /// Ends the container's stdin; its output goes on.
    package func closeStdin() {
        outbound.finish()
    }

    /// Calls `onFrames` with the container's output until its end. To be called once.
    ///
    /// Once the task is cancelled there is no further call: where `onFrames` has dropped frames for the cancellation, none
    /// that come after them are handed on, so that what was handed on is the output's begin, without a gap.
    package func readOutput(_ onFrames: ([LogFrame]) async throws -> Void) async throws {
        var decoder = LogFrameDecoder()
        var chunks = inbound.makeAsyncIterator()
        while true {
            let frames: [LogFrame]
            do {
                guard let chunk = try await chunks.next() else { break }
                frames = try decoder.decode(chunk)
            } catch let error as LogFrameDecoder.Malformed {
                throw EngineError.invalidAnswer(operation: operation, detail: error.description)
            } catch {
                throw transport.translate(error, request)
            }
            // Of a stream that is at its end already, a cancelled task still gets what waits to be read.
            try Task.checkCancellation()
            if !frames.isEmpty { try await onFrames(frames) }
        }
        try Task.checkCancellation()
        if decoder.isInsideFrame { throw EngineError.connectionLost(operation: operation, cause: nil) }
    }
}

extension EngineClient {
    /// `POST /containers/{id}/attach`: the container's streams for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - id: The container; it must not have a terminal. It need not run yet.
    ///   - streams: Those to take part in.
    ///   - body: What to do with them; the connection is closed when it returns.
    /// - Returns: What the body returns.
    /// - Throws: A status of 404 where there is no such container; what the body throws comes out as it is.
    package func attach<Value: Sendable>(
        _ id: String,
        _ streams: AttachStreams,
        body: (AttachedContainer) async throws -> Value
    ) async throws -> Value {
        var query: [(name: String, value: String)] = [("stream", "true")]
        if streams.contains(.stdin) { query.append(("stdin", "true")) }
        if streams.contains(.stdout) { query.append(("stdout", "true")) }
        if streams.contains(.stderr) { query.append(("stderr", "true")) }
        let attach = request(.POST, containerPath(id, "attach"), "attach to container \(short(id))")
            .with(query: query)
        let channel = try await transport.upgrade(attach, version: version)
        return try await channel.executeThenClose { inbound, outbound in
            try await body(
                AttachedContainer(inbound: inbound, outbound: outbound, transport: transport, request: attach)
            )
        }
    }
}
