import NIOCore
import NIOHTTP1

/// Serves the requests of one connection, one after another.
struct HTTPTestConnection: Sendable {
    let number: Int
    let channel: any Channel
    let handler: HTTPTestServer.Handler

    /// Returns when the connection is closed and its handler has ended. Cancelling closes the connection.
    func serve() async {
        // An error here means that the client is gone, and with it the one who could be told.
        try? await withTaskCancellationHandler {
            let wrapped = try await wrap()
            try await wrapped.executeThenClose { inbound, outbound in
                await serve(inbound, outbound)
            }
        } onCancel: {
            channel.close(promise: nil)
        }
        channel.close(promise: nil)
    }

    /// The channel accepted connections without reading; from here on it reads.
    private func wrap() async throws -> NIOAsyncChannel<WireInput, WireOutput> {
        try await channel.eventLoop.submit {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            try WirePipeline.configure(channel)
            let wrapped = try NIOAsyncChannel<WireInput, WireOutput>(wrappingChannelSynchronously: channel)
            try channel.syncOptions?.setOption(.autoRead, value: true)
            return wrapped
        }.get()
    }

    private func serve(
        _ inbound: NIOAsyncChannelInboundStream<WireInput>,
        _ outbound: NIOAsyncChannelOutboundWriter<WireOutput>
    ) async {
        await withTaskGroup(of: Void.self) { group in
            // The exchange loop may be waiting for a handler rather than reading, so the end of the connection is
            // watched on its own.
            group.addTask { try? await channel.closeFuture.get() }
            group.addTask {
                await exchange(inbound, outbound)
                // Either everything is sent and closed already, or the client is gone.
                if !Task.isCancelled { try? await outbound.write(.close) }
            }
            _ = await group.next()
            group.cancelAll()
            channel.close(promise: nil)
        }
    }

    /// Feeds the parts to the handler of the request they belong to.
    private func exchange(
        _ inbound: NIOAsyncChannelInboundStream<WireInput>,
        _ outbound: NIOAsyncChannelOutboundWriter<WireOutput>
    ) async {
        await withTaskGroup(of: Void.self) { group in
            var body = ByteStream()
            var upgraded = ByteStream()
            do {
                for try await part in inbound {
                    switch part {
                    case .head(let head):
                        // A pipelined request waits for the answer before it.
                        _ = await group.next()
                        (body, upgraded) = (ByteStream(), ByteStream())
                        let request = HTTPTestRequest(head: head, connection: number, body: body)
                        let responder = HTTPTestResponder(request: request, outbound: outbound, upgraded: upgraded)
                        if head.headers[canonicalForm: "expect"].contains("100-continue") {
                            try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
                        }
                        group.addTask { [upgraded] in await handle(request, responder, upgraded) }
                    case .body(let bytes): await body.send(bytes)
                    case .end: body.finish()
                    case .raw(let bytes): await upgraded.send(bytes)
                    }
                }
                body.finish(throwing: ByteStream.ConnectionLost())
                upgraded.finish()
            } catch {
                body.finish(throwing: error)
                upgraded.finish(throwing: error)
            }
            // Unless it is upgraded, a connection whose input ended is closed, and the group is cancelled from outside.
            await group.waitForAll()
        }
    }

    private func handle(_ request: HTTPTestRequest, _ responder: HTTPTestResponder, _ upgraded: ByteStream) async {
        do {
            do {
                try await handler(request, responder)
                try await responder.handlerReturned()
            } catch {
                try await responder.handlerThrew(error)
            }
        } catch {
            // Not even the failure could be told: there is no connection any more.
            channel.close(promise: nil)
        }
        request.body.abandon()
        upgraded.abandon()
    }
}
