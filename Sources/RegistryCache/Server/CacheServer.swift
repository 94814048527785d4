package import NIOCore
import NIOHTTP1
package import NIOPosix
package import RoostCore

/// The cache's port: an OCI registry over HTTP/1.1 that only reads.
package struct CacheServer: Sendable {
    private let content: any CacheContent
    private let judge: RequestJudge
    private let limits: ServerLimits
    private let log: AccessLog
    /// What it has done so far.
    package let counters = ServerCounters()

    /// - Parameters:
    ///   - content: What is served.
    ///   - upstreams: The names that a client may ask for.
    ///   - hosts: What `Host` may say.
    ///   - limits: What one client may take.
    ///   - log: Where requests are told; closed when ``run(on:until:group:started:)`` returns.
    package init(
        content: any CacheContent,
        upstreams: Set<String>,
        hosts: HostRule = HostRule(),
        limits: ServerLimits = ServerLimits(),
        log: AccessLog
    ) {
        self.content = content
        self.judge = RequestJudge(upstreams: upstreams, hosts: hosts)
        self.limits = limits
        self.log = log
    }

    /// Serves until `stop` opens; then no more connections are taken, and what is being sent has ``ServerLimits/grace`` to end.
    /// Cancelling the task ends all of it at once.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - stop: Ends it.
    ///   - group: The event loops.
    ///   - started: Told the address once it is listened on, before anything is served.
    /// - Throws: Where it can't listen there.
    package func run(
        on address: ListenAddress,
        until stop: Latch,
        group: MultiThreadedEventLoopGroup = .singleton,
        started: @Sendable (SocketAddress?) -> Void = { _ in }
    ) async throws {
        let (work, yield) = AsyncStream.makeStream(of: SlowExchange.self)
        let core = ServerCore(
            content: content,
            judge: judge,
            limits: limits,
            log: log,
            counters: counters,
            connections: ConnectionBook(limit: limits.connections),
            work: yield
        )
        defer { log.close() }
        let listener = try await listen(on: address, core, group)
        started(listener.localAddress)
        let listenerClosed = Latch()
        listener.closeFuture.whenComplete { _ in listenerClosed.open() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await log.run() }
            // Each piece of work is one connection's, and ends with it.
            group.addTask {
                await withDiscardingTaskGroup { exchanges in
                    for await exchange in work { exchanges.addTask { await exchange.run() } }
                }
            }
            group.addTask {
                await stop.wait()
                listener.close(promise: nil)
            }
            await listenerClosed.wait()
            listener.close(promise: nil)
            await end(core)
            yield.finish()
            log.close()
            group.cancelAll()
        }
    }

    /// Lets what is being sent come to its end, for a while.
    private func end(_ core: ServerCore) async {
        core.connections.drain()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await core.connections.empty() }
            group.addTask { [limits] in
                // Cut short where there is nothing left to wait for, or the task is cancelled.
                try? await ContinuousClock().sleep(for: limits.grace)
                core.connections.closeAll()
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func listen(
        on address: ListenAddress,
        _ core: ServerCore,
        _ group: MultiThreadedEventLoopGroup
    ) async throws -> any Channel {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.headBytes
        decoding.maxHeaderListSize = limits.headBytes
        decoding.maxHeaderFieldCount = 100
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One at a time, so that the limit of connections is one.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { [limits] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptLimit(limits.connections))
                }
            }
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [decoding, limits] channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.giveUpOnStalled(channel, after: limits.stallTime)
                    let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoding)
                    try channel.pipeline.syncOperations.addHandlers([
                        ByteToMessageHandler(decoder), ConnectionHandler(core),
                    ])
                }
            }
            .bind(host: address.host, port: address.port).get()
    }

    /// The kernel knows better than any timer here whether a client takes anything: it closes a connection on which
    /// data has been waiting for so long without an acknowledgement, or with a window of zero (tcp(7), TCP_USER_TIMEOUT).
    private static func giveUpOnStalled(_ channel: any Channel, after time: Duration) throws {
        #if os(Linux)
            let userTimeout = NIOBSDSocket.Option(rawValue: 18)
            let milliseconds = SocketOptionValue(clamping: time.components.seconds * 1000)
            try channel.syncOptions?.setOption(
                ChannelOptions.Types.SocketOption(level: .tcp, name: userTimeout),
                value: milliseconds
            )
        #endif
    }
}
