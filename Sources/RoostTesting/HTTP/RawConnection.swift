import NIOCore
import NIOPosix

/// A client connection without any protocol on it, to say just the bytes that a test wants to say.
package final class RawConnection {
    private let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var unread = ByteBuffer()

    private init(
        channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>,
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.channel = channel.channel
        self.outbound = outbound
        self.inbound = inbound.makeAsyncIterator()
    }

    /// Connects to a server, and closes the connection after `body`.
    ///
    /// - Parameters:
    ///   - server: The server, by its port or its socket.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: What to say.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or the failure to connect.
    package static func with<Result>(
        to server: HTTPTestServer,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (RawConnection) async throws -> sending Result
    ) async throws -> sending Result {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
        let wrap: @Sendable (any Channel) -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        let channel =
            if let path = server.socketPath {
                try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: wrap)
            } else {
                try await bootstrap.connect(host: "127.0.0.1", port: server.port, channelInitializer: wrap)
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(channel: channel, inbound, outbound))
        }
    }

    /// Sends text as it is.
    package func write(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// Ends this side's bytes; the server's may go on.
    package func closeWriting() async throws { try await channel.close(mode: .output).get() }

    /// Reads up to and including `marker`, or to the end of the connection.
    package func read(through marker: String) async throws -> String {
        while true {
            let text = String(buffer: unread)
            if let range = text.firstRange(of: marker) {
                let found = String(text[..<range.upperBound])
                unread.moveReaderIndex(forwardBy: found.utf8.count)
                return found
            }
            guard var chunk = try await inbound.next() else { return try await readToEnd() }
            unread.writeBuffer(&chunk)
        }
    }

    /// Reads up to the end of the connection.
    ///
    /// - Throws: When the connection is reset rather than ended.
    package func readToEnd() async throws -> String {
        while var chunk = try await inbound.next() { unread.writeBuffer(&chunk) }
        defer { unread.clear() }
        return String(buffer: unread)
    }
}
