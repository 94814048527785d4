import NIOCore
import NIOHTTP1
import NIOPosix
import RoostCore

/// One client's connection, on its event loop.
///
/// What can be answered at once is answered here, stored blobs included, whose bytes go from the file to the socket in the kernel.
/// Whatever has to be waited for is handed to a task as a ``SlowExchange``, which comes back to this loop with it.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// A stored blob that is being sent.
    private struct Sending {
        let file: FileWindow
        var rest: Range<Int64>
    }

    private let core: ServerCore
    /// Opens when the client is gone.
    private let gone = Latch()
    private var machine = ConnectionMachine<Exchange>()
    private var timer: ConnectionTimer
    private var context: ChannelHandlerContext?
    private var exchange: Exchange?
    private var sending: Sending?
    private var keepsAlive = false
    private var isPumping = false
    private var awaitsWritability = false
    private var hasPendingRead = false
    private var clientPort = 0
    private var stamp = TimeStamp(second: 0)

    init(_ core: ServerCore) {
        self.core = core
        timer = ConnectionTimer(limits: core.limits)
    }

    // MARK: The channel's events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer.cancel()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        clientPort = context.remoteAddress?.port ?? 0
        core.counters.opened()
        let isStopping = core.connections.add(context.channel)
        context.fireChannelActive()
        if core.connections.isFull { core.connections.makeRoom() }
        if isStopping, machine.drain() { context.close(promise: nil) }
        watch()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer.cancel()
        gone.open()
        sending = nil
        log(.left)
        core.connections.remove(context.channel)
        core.counters.closed()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The bodies of requests are refused: what comes of them is dropped.
        guard case .head(let head) = unwrapInboundIn(data) else { return }
        let exchange = Exchange(head, core.judge.judge(head), clientPort: clientPort)
        machine.arrived(exchange, isLast: exchange.isLast)
        pump()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        machine.readCompleted()
        watch()
    }

    func read(context: ChannelHandlerContext) {
        hasPendingRead = !machine.mayRead
        if !hasPendingRead { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard awaitsWritability, context.channel.isWritable else { return }
        awaitsWritability = false
        finish()
        pump()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? ConnectionNotice {
        case .drain: if machine.drain() { context.close(promise: nil) }
        case .makeRoom: if machine.isIdle, machine.waiting == .request { context.close(promise: nil) }
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard context.channel.isActive, error is HTTPParserError || error is NIOHTTPDecoderError else {
            context.close(promise: nil)
            return
        }
        let isTooLarge = if case .headerOverflow = error as? HTTPParserError { true } else { false }
        let exchange =
            isTooLarge
            ? Exchange(refusing: .requestHeaderFieldsTooLarge, "the headers are too large", clientPort: clientPort)
            : Exchange(refusing: .badRequest, "this is no HTTP/1.1", clientPort: clientPort)
        machine.arrived(exchange, isLast: true)
        pump()
    }

    // MARK: Requests, one after another

    /// Serves what can be served; a loop rather than a recursion, since a client may send any number of requests at once.
    private func pump() {
        guard !isPumping, let context else { return }
        isPumping = true
        while let next = machine.next() {
            exchange = next
            serve(next, context)
        }
        isPumping = false
        watch()
        if hasPendingRead, machine.mayRead {
            hasPendingRead = false
            context.read()
        }
    }

    private func serve(_ exchange: Exchange, _ context: ChannelHandlerContext) {
        switch exchange.judged {
        case .answer(let answer): send(answer, context)
        case .call(let call):
            let question = call.question
            if let answer = core.content.answerAtOnce(question) {
                if let rest = send(Answer(to: call, answer), context) { handOver(.rest(rest), context) }
            } else {
                handOver(.question(question), context)
            }
        }
    }

    private func handOver(_ work: SlowExchange.Work, _ context: ChannelHandlerContext) {
        core.work.yield(
            SlowExchange(
                work: work,
                content: core.content,
                connection: NIOLoopBound(self, eventLoop: context.eventLoop),
                gone: gone
            )
        )
    }

    /// Sends an answer as far as it is there.
    ///
    /// - Returns: What is left, to be sent by a task as it comes.
    @discardableResult
    private func send(_ answer: Answer, _ context: ChannelHandlerContext) -> SlowBody? {
        guard let current = exchange else { return nil }
        let answer = answer.fit(for: current.version)
        exchange?.note(answer)
        keepsAlive =
            current.keepsAlive && !answer.closes && !machine.isLast && !core.connections.isFull
        let body = current.isHead ? .none : answer.body
        var head = context.channel.allocator.buffer(capacity: 512 + smallBody(body))
        head.writeHead(answer, isOld: current.version.minor < 1, date: date(), keepsAlive: keepsAlive)
        switch body {
        case .none:
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(head)), promise: nil)
        case .bytes(var bytes):
            exchange?.sent(bytes.readableBytes)
            if bytes.readableBytes <= Self.largestCopied {
                head.writeBuffer(&bytes)
                context.writeAndFlush(wrapOutboundOut(.byteBuffer(head)), promise: nil)
            } else {
                context.write(wrapOutboundOut(.byteBuffer(head)), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
            }
        case .stored(let blob, let range):
            context.write(wrapOutboundOut(.byteBuffer(head)), promise: nil)
            sending = Sending(file: FileWindow(blob), rest: range)
            sendOn()
            return nil
        case .growing(let blob, let range):
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(head)), promise: nil)
            return .growing(blob, range)
        case .passing(let upstream, let range):
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(head)), promise: nil)
            return .passing(upstream, range)
        }
        // A client that asks on and on and reads nothing gets no further answer into memory.
        if context.channel.isWritable { finish() } else { awaitsWritability = true }
        return nil
    }

    /// Bodies up to this size go out with their heads, in one piece.
    private static let largestCopied = 16 << 10

    private func smallBody(_ body: Answer.Body) -> Int {
        if case .bytes(let bytes) = body, bytes.readableBytes <= Self.largestCopied { bytes.readableBytes } else { 0 }
    }

    private func date() -> String {
        let second = WallClock.milliseconds() / 1000
        if stamp.second != second { stamp = TimeStamp(second: second) }
        return stamp.date
    }

    /// Sends the next piece of a stored blob; other connections of this loop have their turn between two pieces.
    private func sendOn() {
        guard let context, let sending else { return }
        guard !sending.rest.isEmpty else {
            context.flush()
            self.sending = nil
            finish()
            return
        }
        let piece = sending.file.piece(of: sending.rest)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                self.exchange?.sent(piece.readableBytes)
                let from = sending.rest.lowerBound + Int64(piece.readableBytes)
                self.sending?.rest = from..<sending.rest.upperBound
                context.eventLoop.assumeIsolated().execute {
                    self.sendOn()
                    self.pump()
                }
            case .failure:
                // The client has left; the file is closed with its window.
                self.sending = nil
                self.log(.left)
                context.close(promise: nil)
            }
        }
        context.writeAndFlush(wrapOutboundOut(.fileRegion(piece)), promise: promise)
    }

    /// The answer is on its way in full.
    private func finish() {
        log(.complete)
        if machine.served(keepsAlive: keepsAlive) {
            // The client is to read its answer, so it is not reset by closing before all it has sent is read.
            context?.close(mode: .output, promise: nil)
        }
    }

    private func log(_ outcome: AccessEntry.Outcome) {
        guard let entry = exchange?.ended(outcome) else { return }
        exchange = nil
        core.counters.count(entry)
        core.log.append(entry)
    }

    private func watch() {
        guard let context else { return }
        timer.watch(machine.waiting, on: context.eventLoop) { [weak self] in self?.context?.close(promise: nil) }
    }
}

// MARK: - For the task that answers slowly

extension ConnectionHandler {
    /// The content's answer is there.
    ///
    /// - Returns: The body that is to be sent on; `nil` where nothing is left to do.
    func answered(_ answer: CacheAnswer) -> SlowBody? {
        guard let context, context.channel.isActive, case .call(let call) = exchange?.judged else { return nil }
        let rest = send(Answer(to: call, answer), context)
        if rest == nil { pump() }
        return rest
    }

    /// Writes a piece of the body.
    ///
    /// - Returns: Succeeds once the system has taken it, which is not before the client has read enough.
    func write(_ piece: IOData) -> EventLoopFuture<Void>? {
        guard let context, context.channel.isActive else { return nil }
        let count = piece.readableBytes
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess { self.exchange?.sent(count) }
        context.writeAndFlush(wrapOutboundOut(piece), promise: promise)
        return promise.futureResult
    }

    /// The body has been sent to its end, or can't be.
    func ended(_ isWhole: Bool) {
        guard let context, context.channel.isActive, exchange != nil else { return }
        if isWhole {
            finish()
            pump()
            return
        }
        log(.broken)
        context.close(promise: nil)
    }
}
