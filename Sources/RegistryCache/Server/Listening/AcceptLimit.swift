import NIOCore

/// Leaves clients in the kernel's queue while all places are taken.
///
/// Closing them instead would send dockerd to the registry that the cache stands before.
final class AcceptLimit: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    private let limit: Int
    private var open = 0
    private var hasPendingRead = false

    init(_ limit: Int) { self.limit = max(1, limit) }

    func read(context: ChannelHandlerContext) {
        hasPendingRead = open >= limit
        if !hasPendingRead { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let accepted = unwrapInboundIn(data)
        open += 1
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        accepted.closeFuture.hop(to: context.eventLoop).whenComplete { _ in
            let (limit, context) = bound.value
            limit.closed(context)
        }
        context.fireChannelRead(data)
    }

    private func closed(_ context: ChannelHandlerContext) {
        open -= 1
        guard hasPendingRead, context.channel.isActive else { return }
        hasPendingRead = false
        context.read()
    }
}
