import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import RoostCore

/// A connection that the engine has turned from HTTP into a plain stream of bytes both ways.
///
/// Attaching with stdin needs this (`Upgrade: tcp`, answered with 101), which async-http-client does not do.
typealias UpgradedChannel = NIOAsyncChannel<ByteBuffer, ByteBuffer>

extension EngineTransport {
    fileprivate enum Handshake: Sendable {
        case upgraded(UpgradedChannel)
        case refused(NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>)
    }

    /// Opens a connection of its own and asks the engine to upgrade it.
    ///
    /// - Returns: The connection; whoever gets it has to call `executeThenClose`.
    /// - Throws: ``EngineError/status(operation:code:message:)`` where the engine refuses.
    func upgrade(_ request: EngineRequest, version: APIVersion?) async throws -> UpgradedChannel {
        let attempt = UpgradeAttempt(limit: request.deadline, operation: request.operation)
        let handshake: Handshake
        do {
            handshake = try await withTaskCancellationHandler {
                try await connect(upgradeHead(request, version: version), attempt).get()
            } onCancel: {
                attempt.giveUp(CancellationError())
            }
        } catch {
            throw translate(attempt.reason ?? error, request)
        }
        switch handshake {
        case .upgraded(let channel):
            return channel
        case .refused(let channel):
            do {
                throw try await withDeadline(request.deadline, request.operation) {
                    try await refusal(channel, request)
                }
            } catch {
                throw translate(error, request)
            }
        }
    }

    private func upgradeHead(_ request: EngineRequest, version: APIVersion?) -> HTTPRequestHead {
        var headers = request.headers
        headers.replaceOrAdd(name: "Host", value: hostHeader)
        headers.replaceOrAdd(name: "User-Agent", value: "roost")
        headers.replaceOrAdd(name: "Content-Length", value: "0")
        return HTTPRequestHead(
            version: .http1_1,
            method: request.method,
            uri: request.target(version: version),
            headers: headers
        )
    }

    private func connect(
        _ head: HTTPRequestHead,
        _ attempt: UpgradeAttempt
    ) async throws -> EventLoopFuture<Handshake> {
        let endpoint = endpoint
        let tls = try endpoint.tls.map { try NIOSSLContext(configuration: $0.clientConfiguration()) }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(10))
            .channelOption(.allowRemoteHalfClosure, value: true)
        let configure: @Sendable (any Channel) -> EventLoopFuture<EventLoopFuture<Handshake>> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try attempt.begin(on: channel)
                let pipeline = channel.pipeline.syncOperations
                if let tls, case .tcp(let host, _) = endpoint.address {
                    try pipeline.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: host.isAddress ? nil : host)
                    )
                }
                try pipeline.addHandler(LateEndHandler(attempt: attempt))
                return try pipeline.configureUpgradableHTTPClientPipeline(
                    configuration: Self.pipeline(head, attempt)
                )
            }
        }
        switch endpoint.address {
        case .unix(let path):
            return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: configure)
        case .tcp(let host, let port):
            return try await bootstrap.connect(host: host, port: port, channelInitializer: configure)
        }
    }

    private static func pipeline(
        _ head: HTTPRequestHead,
        _ attempt: UpgradeAttempt
    ) -> NIOUpgradableHTTPClientPipelineConfiguration<Handshake> {
        let upgrade = NIOTypedHTTPClientUpgradeConfiguration<Handshake>(
            upgradeRequestHead: head,
            upgraders: [TCPUpgrader(attempt: attempt)],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeCompletedFuture {
                    try attempt.succeed()
                    return .refused(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
                }
            }
        )
        var pipeline = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: upgrade)
        // What the container printed may arrive together with the 101.
        pipeline.leftOverBytesStrategy = .forwardBytes
        return pipeline
    }

    private func refusal(
        _ channel: NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>,
        _ request: EngineRequest
    ) async throws -> EngineError {
        try await channel.executeThenClose { inbound, _ in
            var status = 0
            var body = ByteBuffer()
            for try await part in inbound {
                switch part {
                case .head(let head): status = Int(head.status.code)
                case .body(let chunk) where body.readableBytes < 1 << 16: body.writeImmutableBuffer(chunk)
                case .body: break
                case .end:
                    let message = EngineMessage.text(in: Data(body.readableBytesView), status: status)
                    return .status(operation: request.operation, code: status, message: message)
                }
            }
            return .connectionLost(operation: request.operation, cause: nil)
        }
    }

    private struct TCPUpgrader: NIOTypedHTTPClientProtocolUpgrader {
        let attempt: UpgradeAttempt
        let supportedProtocol = "tcp"
        let requiredUpgradeHeaders: [String] = []

        func addCustom(upgradeRequestHeaders: inout HTTPHeaders) {}

        func shouldAllowUpgrade(upgradeResponse: HTTPResponseHead) -> Bool { true }

        func upgrade(channel: any Channel, upgradeResponse: HTTPResponseHead) -> EventLoopFuture<Handshake> {
            channel.eventLoop.makeCompletedFuture {
                try attempt.succeed()
                let configuration = UpgradedChannel.Configuration(
                    // Of reads of up to 64 KiB: what waits for a slow reader should stay in the engine.
                    backPressureStrategy: .init(lowWatermark: 1, highWatermark: 4),
                    isOutboundHalfClosureEnabled: true
                )
                return .upgraded(
                    try UpgradedChannel(wrappingChannelSynchronously: channel, configuration: configuration)
                )
            }
        }
    }
}

extension String {
    /// True for an IP address, which TLS does not take as a server name (RFC 6066, section 3).
    fileprivate var isAddress: Bool {
        (try? SocketAddress(ipAddress: self, port: 0)) != nil
    }
}
