import Foundation
import NIOCore
import NIOPosix
import RoostCore
import RoostTesting
import Synchronization

/// A socket before an engine's that passes bytes on as they are, attached streams too, and can hold back or cut.
final class EngineRelay: Sendable {
    /// What becomes of a call, decided by its request line.
    enum Treatment: Sendable {
        case pass
        /// The connection is cut before the call reaches the engine.
        case cut
        /// It reaches the engine; the answer is held back until the latch is open.
        case holdAnswer(Latch)
        /// The engine answers; then something is done, and the connection is cut before the client gets the answer.
        case cutAnswer(@Sendable () -> Void)
        /// What the answer says in its begin is replaced by something of the same length.
        case falsify(String, by: String)
    }

    /// What stands for a request line where the first bytes go to a container that a client is attached to: a release.
    static let release = "RELEASE"

    /// How much of what a client first writes on an attached stream reaches the engine before the connection is cut.
    enum ReleaseCut: CaseIterable, Sendable { case nothing, half, all }

    private struct State {
        var host = ""
        var calls: [String] = []
        var attached: [(line: String, channel: any Channel)] = []
        var cutsOfReleases: [ReleaseCut] = []
    }

    private let state = Mutex(State())
    private let treat: @Sendable (String) -> Treatment

    private init(_ treat: @escaping @Sendable (String) -> Treatment) {
        self.treat = treat
    }

    /// As in `DOCKER_HOST`.
    var host: String { state.withLock { $0.host } }

    /// The request lines so far, and the releases.
    var calls: [String] { state.withLock { $0.calls } }

    /// Cuts the attached streams of a container.
    func cutAttached(to container: String) async {
        let channels = state.withLock { $0.attached.filter { $0.line.contains(container) }.map(\.channel) }
        for channel in channels { try? await channel.close() }
    }

    /// The next release of a parked container is cut so.
    func cutNextRelease(after much: ReleaseCut) { state.withLock { $0.cutsOfReleases.append(much) } }

    /// - Parameters:
    ///   - engine: The address of the engine, a unix socket's.
    ///   - address: Where to listen, by TCP; `nil` for a unix socket.
    ///   - treat: Decides on a call by its request line, or on a release.
    ///   - body: What to do meanwhile.
    /// - Throws: What `body` throws.
    static func with(
        engine: String,
        listeningOn address: String? = nil,
        treat: @escaping @Sendable (String) -> Treatment = { _ in .pass },
        _ body: (EngineRelay) async throws -> Void
    ) async throws {
        let path = engine.replacing("unix://", with: "")
        try await TemporaryDirectory.with { directory in
            let relay = EngineRelay(treat)
            let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.autoRead, value: false)
            // Wrapped only by who takes it up: NIO ends the process for a wrapped connection that nobody does.
            let server: NIOAsyncChannel<any Channel, Never>
            if let address {
                server = try await bootstrap.bind(host: address, port: 0) { $0.eventLoop.makeSucceededFuture($0) }
                relay.state.withLock { $0.host = "tcp://\(address):\(server.channel.localAddress?.port ?? 0)" }
            } else {
                let socket = directory.path("relay.sock")
                server = try await bootstrap.bind(unixDomainSocketPath: socket) {
                    $0.eventLoop.makeSucceededFuture($0)
                }
                relay.state.withLock { $0.host = "unix://\(socket)" }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await server.executeThenClose { clients in
                        try await withThrowingDiscardingTaskGroup { connections in
                            for try await client in clients {
                                connections.addTask {
                                    // Cut connections are what this is for.
                                    try? await relay.pass(client, to: path)
                                    try? await client.close()
                                }
                            }
                        }
                    }
                }
                defer { group.cancelAll() }
                try await body(relay)
            }
        }
    }

    private func pass(_ client: any Channel, to path: String) async throws {
        let upstream = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            // The begin of an answer comes in one piece.
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        let treatment = Shared(Treatment.pass)
        try await upstream.executeThenClose { fromEngine, toEngine in
            try await Self.wrap(client).executeThenClose { fromClient, toClient in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        var isAttached = false
                        var isReleased = false
                        for try await chunk in fromClient {
                            if isAttached {
                                if let cut = self.nextCut() {
                                    let length = [.nothing: 0, .half: chunk.readableBytes / 2][cut]
                                    var sent = chunk
                                    if let part = sent.readSlice(length: length ?? chunk.readableBytes) {
                                        try await toEngine.write(part)
                                    }
                                    throw Cut()
                                }
                                if !isReleased {
                                    isReleased = true
                                    try self.begin(Self.release, nil, treatment)
                                }
                            } else if let line = Self.requestLine(of: chunk) {
                                isAttached = line.contains("/attach")
                                try self.begin(line, isAttached ? client : nil, treatment)
                            }
                            try await toEngine.write(chunk)
                        }
                        // One that was cut ends for both.
                        guard client.isActive else { throw Cut() }
                        toEngine.finish()
                    }
                    group.addTask {
                        for try await chunk in fromEngine {
                            switch treatment.value {
                            case .pass, .cut: try await toClient.write(chunk)
                            case .holdAnswer(let latch):
                                await latch.wait()
                                try await toClient.write(chunk)
                            case .cutAnswer(let act):
                                act()
                                throw Cut()
                            case .falsify(let old, let new):
                                var bytes = Array(chunk.readableBytesView)
                                if let found = bytes.firstRange(of: Array(old.utf8)) {
                                    bytes.replaceSubrange(found, with: Array(new.utf8))
                                }
                                try await toClient.write(ByteBuffer(bytes: bytes))
                            }
                        }
                        toClient.finish()
                    }
                    try await group.next()
                    try await group.waitForAll()
                }
            }
        }
    }

    private struct Cut: Error {}

    /// A call begins, unless it is cut.
    private func begin(_ line: String, _ attached: (any Channel)?, _ treatment: Shared<Treatment>) throws {
        let decided = treat(line)
        if case .cut = decided { throw Cut() }
        treatment.update { $0 = decided }
        note(line, attached)
    }

    private func note(_ line: String, _ attached: (any Channel)?) {
        state.withLock { state in
            state.calls.append(line)
            if let attached { state.attached.append((line, attached)) }
        }
    }

    private func nextCut() -> ReleaseCut? {
        state.withLock { $0.cutsOfReleases.isEmpty ? nil : $0.cutsOfReleases.removeFirst() }
    }

    private static func requestLine(of chunk: ByteBuffer) -> String? {
        let verbs = ["GET /", "POST /", "DELETE /", "HEAD /", "PUT /"]
        guard verbs.contains(where: { chunk.readableBytesView.starts(with: $0.utf8) }) else { return nil }
        return String(decoding: chunk.readableBytesView.prefix { $0 != 13 }, as: UTF8.self)
    }

    /// The channel was accepted without reading; from here on it reads.
    private static func wrap(_ channel: any Channel) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try await channel.eventLoop.submit {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            let wrapped = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)
            )
            try channel.syncOptions?.setOption(.autoRead, value: true)
            return wrapped
        }.get()
    }
}
