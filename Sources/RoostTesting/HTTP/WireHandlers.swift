import NIOCore
import NIOHTTP1

/// What a connection delivers: the parts of requests, then raw bytes once it is upgraded.
enum WireInput: Sendable {
    case head(HTTPRequestHead)
    case body(ByteBuffer)
    case end
    case raw(ByteBuffer)
}

/// What a handler sends into a connection.
enum WireOutput: Sendable {
    case head(HTTPResponseHead)
    case body(ByteBuffer)
    case end(closing: Bool)
    case upgrade(HTTPResponseHead)
    case raw(ByteBuffer)
    case halfClose
    case close
    case reset
}

/// Adds HTTP/1.1 to a connection, in a form that can be taken away again in the middle of it.
enum WirePipeline {
    static func configure(_ channel: any Channel) throws {
        var encoding = HTTPResponseEncoder.Configuration()
        // The responder frames messages itself: the encoder does not know which request was a HEAD.
        encoding.automaticallySetFramingHeaders = false
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
        let encoder = HTTPResponseEncoder(configuration: encoding)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(decoder)
        try pipeline.addHandler(encoder)
        try pipeline.addHandler(HTTPWireHandler(decoder: decoder, encoder: encoder))
    }

    /// Closes once everything written before has reached the socket.
    static func closeAfterFlush(_ context: ChannelHandlerContext, mode: CloseMode, empty: NIOAny) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(empty).whenComplete { _ in bound.value.close(mode: mode, promise: nil) }
    }

    /// Closes with RST: lingering for no time discards what is unsent.
    static func reset(_ context: ChannelHandlerContext) {
        setLingerToZero(context.channel)
        context.close(promise: nil)
    }

    /// Has to run on the channel's event loop, where it takes effect at once.
    static func setLingerToZero(_ channel: any Channel) {
        // Only sockets linger, and one that is gone already needs no reset: the outcome changes nothing.
        // The structure is two C ints (on or off, seconds), whose names only NIO's internal modules export.
        let linger = unsafeBitCast((Int32(1), Int32(0)), to: NIOLinger.self)
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger)
    }
}

/// Speaks HTTP until the connection is upgraded, then makes way for ``RawWireHandler``.
final class HTTPWireHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = WireInput
    typealias OutboundIn = WireOutput
    typealias OutboundOut = HTTPServerResponsePart

    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private let encoder: HTTPResponseEncoder

    init(decoder: ByteToMessageHandler<HTTPRequestDecoder>, encoder: HTTPResponseEncoder) {
        self.decoder = decoder
        self.encoder = encoder
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let input: WireInput =
            switch unwrapInboundIn(data) {
            case .head(let head): .head(head)
            case .body(let bytes): .body(bytes)
            case .end: .end
            }
        context.fireChannelRead(wrapInboundOut(input))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body(let bytes): context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .end(let closing):
            guard closing else { return context.write(wrapOutboundOut(.end(nil)), promise: promise) }
            promise?.succeed()
            // Only this side: closing both while request bytes are unread would reset the connection under the answer.
            WirePipeline.closeAfterFlush(context, mode: .output, empty: wrapOutboundOut(.end(nil)))
        case .upgrade(let head): upgrade(context: context, head: head, promise: promise)
        case .close:
            promise?.succeed()
            let nothing = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer()))
            WirePipeline.closeAfterFlush(context, mode: .all, empty: wrapOutboundOut(nothing))
        case .reset:
            promise?.succeed()
            WirePipeline.reset(context)
        case .raw, .halfClose:
            promise?.fail(ChannelError.operationUnsupported)
        }
    }

    private func upgrade(context: ChannelHandlerContext, head: HTTPResponseHead, promise: EventLoopPromise<Void>?) {
        do {
            let pipeline = context.pipeline.syncOperations
            // From here on a client that ends its bytes may still be reading ours.
            try context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            try pipeline.addHandler(RawWireHandler(), position: .after(self))
            pipeline.removeHandler(self, promise: nil)
            pipeline.removeHandler(encoder, promise: nil)
            // Last, since it hands on the raw bytes that it had read already.
            pipeline.removeHandler(decoder, promise: promise)
        } catch {
            promise?.fail(error)
        }
    }
}

/// Passes raw bytes both ways.
final class RawWireHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = WireInput
    typealias OutboundIn = WireOutput
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(.raw(unwrapInboundIn(data))))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .raw(let bytes): context.write(wrapOutboundOut(bytes), promise: promise)
        case .halfClose:
            promise?.succeed()
            WirePipeline.closeAfterFlush(context, mode: .output, empty: wrapOutboundOut(ByteBuffer()))
        case .close:
            promise?.succeed()
            WirePipeline.closeAfterFlush(context, mode: .all, empty: wrapOutboundOut(ByteBuffer()))
        case .reset:
            promise?.succeed()
            WirePipeline.reset(context)
        case .head, .body, .end, .upgrade:
            promise?.fail(ChannelError.operationUnsupported)
        }
    }
}
