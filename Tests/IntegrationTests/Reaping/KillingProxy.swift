import Foundation
import NIOCore
import NIOPosix
import RoostTesting
import Synchronization

/// A socket before an engine's that counts the calls that go through it, and does something at one of them.
///
/// It passes bytes on as they are, so that attached streams work. A call is a request line that a client writes.
struct KillingProxy: Sendable {
    /// Whether the call at which something happens still reaches the engine.
    enum Moment: CaseIterable, Sendable { case before, after }

    let host: String
    private let counter: CallCounter

    /// How many calls there have been.
    var calls: Int { counter.count }

    /// - Parameters:
    ///   - engine: The path of the engine's socket.
    ///   - number: At which call, counted from 1.
    ///   - moment: Before the call is passed on, or right after.
    ///   - act: What to do then, such as to kill the client.
    ///   - body: What to do meanwhile.
    /// - Throws: What `body` throws.
    static func with(
        engine: String,
        at number: Int,
        _ moment: Moment,
        act: @escaping @Sendable () -> Void,
        _ body: (KillingProxy) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.path("p.sock")
            let counter = CallCounter()
            let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.autoRead, value: false)
                // Wrapped only by who takes it up: NIO ends the process for a wrapped connection that nobody does, such as
                // one that comes in just as the body ends.
                .bind(unixDomainSocketPath: path) { $0.eventLoop.makeSucceededFuture($0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await server.executeThenClose { clients in
                        try await withThrowingDiscardingTaskGroup { connections in
                            for try await client in clients {
                                connections.addTask {
                                    // A client that is killed resets its connections: that is what this is for.
                                    try? await pass(client, to: engine, counter, at: number, moment, act)
                                    try? await client.close()
                                }
                            }
                        }
                    }
                }
                defer { group.cancelAll() }
                try await body(KillingProxy(host: "unix://\(path)", counter: counter))
            }
        }
    }

    private static func pass(
        _ client: any Channel,
        to engine: String,
        _ counter: CallCounter,
        at number: Int,
        _ moment: Moment,
        _ act: @escaping @Sendable () -> Void
    ) async throws {
        let upstream = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(unixDomainSocketPath: engine) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await upstream.executeThenClose { fromEngine, toEngine in
            try await wrap(client).executeThenClose { fromClient, toClient in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for try await chunk in fromClient {
                            let isCall = isRequest(chunk) && counter.next() == number
                            if isCall, moment == .before { return act() }
                            try await toEngine.write(chunk)
                            if isCall { act() }
                        }
                        toEngine.finish()
                    }
                    group.addTask {
                        for try await chunk in fromEngine { try await toClient.write(chunk) }
                        toClient.finish()
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    /// The channel was accepted without reading; from here on it reads.
    private static func wrap(_ channel: any Channel) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try await channel.eventLoop.submit {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            let wrapped = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            try channel.syncOptions?.setOption(.autoRead, value: true)
            return wrapped
        }.get()
    }

    private static func isRequest(_ chunk: ByteBuffer) -> Bool {
        ["GET /", "POST /", "DELETE /", "HEAD /", "PUT /"].contains { chunk.readableBytesView.starts(with: $0.utf8) }
    }
}

private final class CallCounter: Sendable {
    private let number = Mutex(0)

    var count: Int { number.withLock { $0 } }

    func next() -> Int {
        number.withLock { number in
            number += 1
            return number
        }
    }
}
