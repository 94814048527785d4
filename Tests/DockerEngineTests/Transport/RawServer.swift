import NIOCore
import NIOPosix

/// Answers the first bytes of its only connection with one packet, and ends it at once.
enum RawServer {
    /// Serves while `body` runs; with `halfCloses` the client may go on sending after the packet.
    static func with(
        path: String,
        answering packet: ByteBuffer,
        halfCloses: Bool,
        _ body: () async throws -> Void
    ) async throws {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: halfCloses)
                    )
                }
            }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    for try await connection in connections {
                        try await connection.executeThenClose { inbound, outbound in
                            var chunks = inbound.makeAsyncIterator()
                            _ = try await chunks.next()
                            try await outbound.write(packet)
                            guard halfCloses else { return }
                            outbound.finish()
                            while try await chunks.next() != nil {}
                        }
                        return
                    }
                }
            }
            try await body()
            try await group.waitForAll()
        }
    }
}
