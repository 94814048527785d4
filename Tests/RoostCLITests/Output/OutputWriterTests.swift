import Foundation
import Pipeline
import Testing

@testable import RoostCLI

@Suite("Writing to a stream", .timeLimit(.minutes(1)))
struct OutputWriterTests {
    private struct Pipe {
        let reader: Int32
        let writer: Int32

        init() throws {
            OutputWriter.ignoreBrokenPipes()
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            (reader, writer) = (ends[0], ends[1])
        }

        /// Reads so many bytes on a thread of its own.
        func take(_ count: Int) async {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async { [reader] in
                    var part = [UInt8](repeating: 0, count: 4096)
                    var left = count
                    while left > 0 {
                        let taken = Foundation.read(reader, &part, min(part.count, left))
                        guard taken > 0 else { break }
                        left -= taken
                    }
                    continuation.resume()
                }
            }
        }

        /// Reads to the end of the stream on a thread of its own.
        func readAll() async -> [UInt8] {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async { [reader] in
                    var all: [UInt8] = []
                    var part = [UInt8](repeating: 0, count: 65_536)
                    while case let count = read(reader, &part, part.count), count > 0 { all += part[..<count] }
                    close(reader)
                    continuation.resume(returning: all)
                }
            }
        }
    }

    @Test("all bytes arrive in order, more than a pipe and the buffer hold", arguments: [false, true])
    func inOrder(isNonBlocking: Bool) async throws {
        let pipe = try Pipe()
        if isNonBlocking { _ = fcntl(pipe.writer, F_SETFL, O_NONBLOCK) }
        let expected = (0..<400_000).map { "line \($0)\n" }
        async let received = pipe.readAll()
        let writer = OutputWriter(descriptor: pipe.writer, stream: "the pipe")
        for line in expected {
            try writer.enqueue(line)
            try await writer.room()
        }
        try await writer.flush()
        close(pipe.writer)
        #expect(await received == Array(expected.joined().utf8))
    }

    @Test("a reader that went away is an error of its own, at the next write or flush")
    func closedReader() async throws {
        let pipe = try Pipe()
        close(pipe.reader)
        let writer = OutputWriter(descriptor: pipe.writer, stream: "the pipe")
        try writer.enqueue("x\n")
        await #expect(throws: OutputError.closed(stream: "the pipe")) { try await writer.flush() }
        #expect(throws: OutputError.closed(stream: "the pipe")) { try writer.enqueue("y\n") }
        close(pipe.writer)
    }

    @Test("a full disk behind the stream is told")
    func fullDisk() async throws {
        let descriptor = open("/dev/full", O_WRONLY)
        defer { close(descriptor) }
        let writer = OutputWriter(descriptor: descriptor, stream: "standard output")
        try writer.enqueue("x")
        await #expect(throws: OutputError.failed(stream: "standard output", errno: ENOSPC)) { try await writer.flush() }
    }

    @Test("a reader that takes nothing can't hold up the end")
    func stuckReader() async throws {
        let pipe = try Pipe()
        let writer = OutputWriter(descriptor: pipe.writer, stream: "the pipe")
        try writer.enqueue([UInt8](repeating: 0, count: 2 << 20))
        await #expect(throws: OutputError.stuck(stream: "the pipe")) {
            try await writer.flush(within: .milliseconds(20))
        }
        // A cancelled task does not wait for room either.
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: Never.self) { try await writer.room() }
            }
            group.cancelAll()
        }
        close(pipe.reader)
        await #expect(throws: OutputError.closed(stream: "the pipe")) { try await writer.flush() }
        close(pipe.writer)
    }

    @Test("a reader that is slow but takes something is waited for, and one that takes nothing more is not")
    func slowReader() async throws {
        let pipe = try Pipe()
        let (timers, feed) = AsyncStream<@Sendable () -> Void>.makeStream()
        let writer = OutputWriter(descriptor: pipe.writer, stream: "the pipe") { _, fire in feed.yield(fire) }
        // More than may wait, so that waiting for room is waiting until so much has been taken; and more than a pipe holds.
        let taken = 256 << 10
        try writer.enqueue([UInt8](repeating: 0x0A, count: OutputWriter.limit + taken))
        async let failure = { () async -> OutputError? in
            defer { feed.finish() }
            do {
                try await writer.flush()
                return nil
            } catch {
                return error as? OutputError
            }
        }()
        var due = timers.makeAsyncIterator()
        let first = try #require(await due.next())
        await pipe.take(taken)
        try await writer.room()
        first()
        // Set again: it has not given up.
        var timer = await due.next()
        #expect(timer != nil)
        // Nobody reads any more: once the pipe is full, it does.
        while let fire = timer {
            fire()
            timer = await due.next()
        }
        #expect(await failure == OutputError.stuck(stream: "the pipe"))
        close(pipe.reader)
        await #expect(throws: OutputError.closed(stream: "the pipe")) { try await writer.flush() }
        close(pipe.writer)
    }

    @Test("a run's events go to a stream as JSON, and a closed stream ends the display")
    func renderer() async throws {
        let pipe = try Pipe()
        async let received = pipe.readAll()
        let (events, continuation) = AsyncStream<RunEvent>.makeStream()
        continuation.yield(SampleRun.event(.runStarted(SampleRun.header)))
        continuation.yield(SampleRun.event(.runFinished(SampleRun.failed)))
        continuation.finish()
        try await JSONRunRenderer(writer: OutputWriter(descriptor: pipe.writer, stream: "the pipe")).render(events)
        close(pipe.writer)
        let lines = String(decoding: await received, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.last?.hasSuffix(#""type":"run.finished"}"#) == true)

        let broken = try Pipe()
        close(broken.reader)
        let (endless, feed) = AsyncStream<RunEvent>.makeStream()
        feed.yield(SampleRun.event(.notice("hello")))
        let style = OutputStyle(isLive: true, usesColor: false, usesUnicode: true, columns: 80)
        let renderer = TextRunRenderer(
            writer: OutputWriter(descriptor: broken.writer, stream: "the pipe"),
            descriptor: broken.writer,
            style: style
        )
        await #expect(throws: OutputError.closed(stream: "the pipe")) { try await renderer.render(endless) }
        feed.finish()
        close(broken.writer)
    }
}
