package import NIOCore
import Synchronization

/// The access log: lines are gathered in memory, and written many at a time by a task of its own, so that no event loop ever
/// waits for a disk or a pipe.
package final class AccessLog: Sendable {
    /// Takes whole lines. It may wait; what comes meanwhile is gathered.
    package typealias Sink = @Sendable (ByteBuffer) async -> Void

    private struct State {
        var lines = ByteBuffer()
        var stamp = TimeStamp(second: 0)
        var dropped = 0
    }

    private let state = Mutex(State())
    private let limit: Int
    private let gathers: @Sendable () async -> Void
    private let sink: Sink
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - limit: How many bytes are kept at most for a sink that doesn't take them; lines beyond are dropped and counted.
    ///   - gathers: Waits while more lines may come, between the first line and its writing.
    ///   - sink: Where lines go.
    package init(
        limit: Int = 4 << 20,
        gathers: @escaping @Sendable () async -> Void = { try? await ContinuousClock().sleep(for: .milliseconds(100)) },
        sink: @escaping Sink
    ) {
        self.limit = limit
        self.gathers = gathers
        self.sink = sink
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Adds a line; never waits.
    package func append(_ entry: AccessEntry) {
        let isFirst = state.withLock { state in
            let second = entry.time / 1000
            if state.stamp.second != second { state.stamp = TimeStamp(second: second) }
            guard state.lines.readableBytes < limit else {
                state.dropped += 1
                return false
            }
            let isFirst = state.lines.readableBytes == 0
            state.lines.writeLine(entry, stamp: state.stamp)
            return isFirst
        }
        if isFirst { wakeUp.yield() }
    }

    /// Writes what comes, until ``close()``; then what is left.
    package func run() async {
        for await _ in wakeUps {
            await gathers()
            await flush()
        }
        await flush()
    }

    /// Ends ``run()``.
    package func close() { wakeUp.finish() }

    private func flush() async {
        var (lines, dropped) = state.withLock { state in
            defer { (state.lines, state.dropped) = (ByteBuffer(), 0) }
            return (state.lines, state.dropped)
        }
        if dropped > 0 { lines.writeString("# \(dropped) lines dropped: whoever reads this log is too slow\n") }
        if lines.readableBytes > 0 { await sink(lines) }
    }
}
