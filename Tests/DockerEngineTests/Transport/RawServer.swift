import NIOCore
import NIOPosix

/// Answers the first bytes of its only connection with one packet, and closes it.
enum RawServer {
    static func with(path: String, answering packet: ByteBuffer, _ body: () async throws -> Void) async throws {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    for try await connection in connections {
                        try await connection.executeThenClose { inbound, outbound in
                            for try await _ in inbound {
                                try await outbound.write(packet)
                                return
                            }
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
