import NIOCore
import NIOHTTP1
import NIOPosix

/// Answers on a control socket: HTTP/1.1, one request a connection.
struct ControlServer: Sendable {
    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    let routes: ControlRoutes

    /// Serves until its task is cancelled.
    func run(on socket: ControlSocket) async throws {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(socket.descriptor) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        try await listener.executeThenClose { connections in
            await withDiscardingTaskGroup { group in
                do {
                    for try await connection in connections {
                        group.addTask {
                            // A client that goes in the middle is nobody's loss.
                            try? await answer(on: connection)
                        }
                    }
                } catch {
                    group.cancelAll()
                }
                if Task.isCancelled { group.cancelAll() }
            }
        }
    }

    private func answer(on connection: Connection) async throws {
        try await connection.executeThenClose { inbound, outbound in
            let (heads, head) = AsyncStream.makeStream(of: HTTPRequestHead.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Watches the connection while the answer is worked on: it ends where the client goes.
                group.addTask {
                    defer { head.finish() }
                    var current: HTTPRequestHead?
                    var received = 0
                    for try await part in inbound {
                        switch part {
                        case .head(let next): current = next
                        case .body(let bytes):
                            received += bytes.readableBytes
                            if received > Self.largestBody { return }
                        case .end:
                            if let current { head.yield(current) }
                            current = nil
                        }
                    }
                }
                group.addTask {
                    for await head in heads {
                        try await answer(head, outbound)
                        try await connection.channel.end()
                        return
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    /// No request needs one.
    private static let largestBody = 65_536

    private func answer(
        _ request: HTTPRequestHead,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        switch await routes.answer(request.method, request.uri) {
        case .whole(let status, let type, let more, let body):
            var headers = Self.headers(type)
            for (name, value) in more { headers.replaceOrAdd(name: name, value: value) }
            headers.replaceOrAdd(name: "Content-Length", value: "\(body.count)")
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
            try await outbound.write(contentsOf: [.head(head), .body(.byteBuffer(ByteBuffer(bytes: body)))])
        case .lines(let work):
            let headers = Self.headers(ControlAnswer.jsonLines)
            try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)))
            try await work { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: $0)))) }
        }
    }

    private static func headers(_ type: String) -> HTTPHeaders {
        ["Content-Type": type, "Cache-Control": "no-store", "Connection": "close"]
    }
}

extension Channel {
    /// Ends an answer, and waits until all of it is on its way: closing would drop the rest.
    fileprivate func end() async throws {
        try await withTaskCancellationHandler {
            try await writeAndFlush(HTTPServerResponsePart.end(nil)).get()
        } onCancel: {
            close(promise: nil)
        }
    }
}
