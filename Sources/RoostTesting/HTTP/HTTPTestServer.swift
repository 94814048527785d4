import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP/1.1 server for tests, on loopback or on a unix socket.
///
/// It lives in a scope: leaving ``with(on:tls:isolation:_:body:)`` closes every connection and cancels every handler.
package struct HTTPTestServer: Sendable {
    /// Answers one request. It is cancelled when the client disconnects or the server ends, so it may wait for ever.
    package typealias Handler = @Sendable (HTTPTestRequest, HTTPTestResponder) async throws -> Void

    /// Where the server listens.
    package enum Address: Hashable, Sendable {
        /// 127.0.0.1, on a free port.
        case loopback
        /// 127.0.0.1, on this port.
        case port(Int)
        /// A unix socket at this path, which must not exist.
        case unixSocket(String)
    }

    /// A server certificate with its key, both PEM.
    package struct TLS: Sendable {
        package let certificateChain: String
        package let privateKey: String
        /// The authority whose certificate every client has to show, as PEM; nil asks for none.
        package let clientAuthority: String?

        package init(certificateChain: String, privateKey: String, clientAuthority: String? = nil) {
            self.certificateChain = certificateChain
            self.privateKey = privateKey
            self.clientAuthority = clientAuthority
        }
    }

    /// The port listened on; 0 for a unix socket.
    package let port: Int
    /// The unix socket's path, for a server on one.
    package let socketPath: String?
    private let usesTLS: Bool
    private let connections: ConnectionBook

    /// `127.0.0.1:port`, as it stands in an image reference.
    package var hostAndPort: String { "127.0.0.1:\(port)" }

    /// The base URL without a trailing slash.
    package var url: String { "\(usesTLS ? "https" : "http")://\(hostAndPort)" }

    /// How many connections were accepted so far.
    package var acceptedConnections: Int { connections.accepted }

    /// Resets all open connections and, until it is called with `false`, each new one as soon as it is accepted.
    package func setOffline(_ isOffline: Bool) { connections.setOffline(isOffline) }

    /// Serves while `body` runs.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - tls: The certificate to serve with; plain HTTP where it is nil.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - handler: Answers each request; requests on separate connections run at the same time.
    ///   - body: What to do with the running server.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or the failure to listen.
    package static func with<Result>(
        on address: Address = .loopback,
        tls: TLS? = nil,
        isolation: isolated (any Actor)? = #isolation,
        _ handler: @escaping Handler,
        body: (HTTPTestServer) async throws -> Result
    ) async throws -> Result {
        let connections = ConnectionBook()
        let listener = try await listen(on: address, tls: tls, connections: connections)
        let socketPath: String? = if case .unixSocket(let path) = address { path } else { nil }
        let server = HTTPTestServer(
            port: listener.channel.localAddress?.port ?? 0,
            socketPath: socketPath,
            usesTLS: tls != nil,
            connections: connections
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await accept(listener, connections: connections, handler: handler) }
            defer { group.cancelAll() }
            return try await body(server)
        }
    }

    private typealias Listener = NIOAsyncChannel<any Channel, Never>

    private static func listen(
        on address: Address,
        tls: TLS?,
        connections: ConnectionBook
    ) async throws -> Listener {
        let context = try tls.map { tls in
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(tls.certificateChain.utf8))
            let key = try NIOSSLPrivateKey(bytes: Array(tls.privateKey.utf8), format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(key)
            )
            if let authority = tls.clientAuthority {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
                configuration.certificateVerification = .noHostnameVerification
            }
            return try NIOSSLContext(configuration: configuration)
        }
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // A connection is read only once its task has added the handlers; see HTTPTestConnection.
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
        let prepare: @Sendable (any Channel) -> EventLoopFuture<any Channel> = { channel in
            channel.eventLoop.makeCompletedFuture {
                if let context {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                }
                connections.add(channel)
                return channel
            }
        }
        switch address {
        case .loopback: return try await bootstrap.bind(host: "127.0.0.1", port: 0, childChannelInitializer: prepare)
        case .port(let port):
            return try await bootstrap.bind(host: "127.0.0.1", port: port, childChannelInitializer: prepare)
        case .unixSocket(let path):
            return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.backlog, value: 256)
                .childChannelOption(.autoRead, value: false)
                .bind(unixDomainSocketPath: path, childChannelInitializer: prepare)
        }
    }

    private static func accept(
        _ listener: Listener,
        connections: ConnectionBook,
        handler: @escaping Handler
    ) async throws {
        // Connections that were accepted but not yet taken up have no task that would close them.
        defer { connections.closeAll() }
        try await listener.executeThenClose { inbound in
            try await withThrowingDiscardingTaskGroup { group in
                var number = 0
                for try await channel in inbound {
                    number += 1
                    let connection = HTTPTestConnection(number: number, channel: channel, handler: handler)
                    group.addTask { await connection.serve() }
                }
                group.cancelAll()
            }
        }
    }
}

/// The open connections of one server.
private final class ConnectionBook: Sendable {
    private struct State {
        var open: [ObjectIdentifier: any Channel] = [:]
        var accepted = 0
        var isOffline = false
    }

    private let state = Mutex(State())

    var accepted: Int { state.withLock { $0.accepted } }

    func add(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        let isOffline = state.withLock { state in
            state.accepted += 1
            state.open[key] = channel
            return state.isOffline
        }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { _ = $0.open.removeValue(forKey: key) }
        }
        if isOffline { Self.reset(channel) }
    }

    func setOffline(_ isOffline: Bool) {
        let open = state.withLock { state in
            state.isOffline = isOffline
            return isOffline ? Array(state.open.values) : []
        }
        for channel in open { Self.reset(channel) }
    }

    func closeAll() {
        for channel in state.withLock({ Array($0.open.values) }) { channel.close(promise: nil) }
    }

    private static func reset(_ channel: any Channel) {
        channel.eventLoop.execute {
            WirePipeline.setLingerToZero(channel)
            channel.close(promise: nil)
        }
    }
}
