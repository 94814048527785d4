import NIOCore
import NIOPosix

/// Answers each connection's first bytes with one packet, and ends it in the same moment.
enum RawServer {
    /// Serves while `body` runs; with `halfCloses` the client may go on sending after the packet.
    static func with(
        path: String,
        answering packet: ByteBuffer,
        halfCloses: Bool,
        _ body: () async throws -> Void
    ) async throws {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        PacketHandler(packet: packet, mode: halfCloses ? .output : .all)
                    )
                }
            }
            .bind(unixDomainSocketPath: path).get()
        do {
            try await body()
        } catch {
            try await listener.close()
            throw error
        }
        try await listener.close()
    }

    private final class PacketHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var packet: ByteBuffer?
        private let mode: CloseMode

        init(packet: ByteBuffer, mode: CloseMode) {
            self.packet = packet
            self.mode = mode
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            // Packet and end in one turn, so that the client finds both at its next look.
            guard let packet = packet.take() else { return }
            context.writeAndFlush(wrapOutboundOut(packet), promise: nil)
            context.close(mode: mode, promise: nil)
        }
    }
}
