import NIOCore
import RoostCore
import Synchronization

/// One attempt to upgrade a connection, which either succeeds or is given up, never both.
///
/// An upgraded connection that nobody takes over would be a leak that NIO ends the process for. So the deadline and
/// cancellation do not drop the result of the handshake: they close the connection while it is still going on.
final class UpgradeAttempt: Sendable {
    private struct State {
        var channel: (any Channel)?
        var isOver = false
        var reason: (any Error)?
    }

    private let limit: Duration
    private let operation: String
    private let state = Mutex(State())

    init(limit: Duration, operation: String) {
        self.limit = limit
        self.operation = operation
    }

    /// Why the attempt was given up, if it was.
    var reason: (any Error)? { state.withLock { $0.reason } }

    var hasSucceeded: Bool { state.withLock { $0.isOver && $0.reason == nil } }

    /// Starts the deadline of a connection that is about to be made.
    func begin(on channel: any Channel) throws {
        try state.withLock { state in
            if let reason = state.reason { throw reason }
            state.channel = channel
        }
        let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) { [self] in
            giveUp(DeadlineExceeded(operation: operation, limit: limit))
        }
        channel.closeFuture.whenComplete { _ in deadline.cancel() }
    }

    /// Marks the attempt as successful; throws where it has been given up before.
    func succeed() throws {
        try state.withLock { state in
            if let reason = state.reason { throw reason }
            state.isOver = true
            state.channel = nil
        }
    }

    /// Closes the connection, unless the attempt has succeeded.
    func giveUp(_ reason: any Error) {
        let channel = state.withLock { state -> (any Channel)? in
            guard !state.isOver else { return nil }
            state.isOver = true
            state.reason = reason
            return state.channel.take()
        }
        channel?.close(promise: nil)
    }
}

/// Hands the end of the input, and of the connection, on one turn of the event loop late.
///
/// NIO's HTTP decoder drops the bytes that came with the 101 when it is told of the end of the input before it has been
/// removed, and its removal takes one turn. A container that prints and exits at once has its whole output there.
final class LateEndHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let attempt: UpgradeAttempt

    init(attempt: UpgradeAttempt) {
        self.attempt = attempt
    }

    func channelInactive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.fireChannelInactive() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        let bound = NIOLoopBound((attempt: attempt, context: context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (attempt, context) = bound.value
            if attempt.hasSucceeded {
                context.fireUserInboundEventTriggered(event)
            } else {
                // No answer will come any more.
                context.close(promise: nil)
            }
        }
    }
}
