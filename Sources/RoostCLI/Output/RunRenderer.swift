package import Foundation
package import ImagePull
package import Pipeline

/// Shows a run's events to a person or a program.
package protocol RunRenderer: Sendable {
    /// Takes the next event.
    ///
    /// - Throws: ``OutputError``; after ``OutputError/closed(stream:)`` the run should stop.
    func handle(_ event: RunEvent) async throws
    /// Lets time pass; called about every ``tickInterval``.
    func tick() async throws
    /// Ends the display, whether or not the last event came, and waits until all is written.
    func finish() async throws
    /// How often ``tick()`` is wanted.
    var tickInterval: Duration { get }
}

extension RunRenderer {
    /// Shows all events until their end.
    ///
    /// - Throws: ``OutputError`` as soon as a stream fails; the events that follow are then not read.
    package func render(_ events: some AsyncSequence<RunEvent, Never> & Sendable) async throws {
        try await forEach(events, every: tickInterval, handle: handle, tick: tick)
        try await finish()
    }
}

/// Hands on events and ticks until the events end or one of both fails.
private func forEach<Event: Sendable>(
    _ events: some AsyncSequence<Event, Never> & Sendable,
    every interval: Duration,
    handle: @escaping @Sendable (Event) async throws -> Void,
    tick: @escaping @Sendable () async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            for await event in events { try await handle(event) }
        }
        group.addTask {
            while !Task.isCancelled {
                try await ContinuousClock().sleep(for: interval)
                try await tick()
            }
        }
        // The ticks end only by an error or a cancellation: the first to end is either that or the end of the events.
        defer { group.cancelAll() }
        do {
            try await group.next()
        } catch is CancellationError {
            // The ticks stopped because the task was cancelled; the last events are still to be shown.
            try await group.next()
        }
    }
}

/// What a person sees of a run: events and clock readings in, text to write out.
protocol RunDisplay: Sendable {
    /// Takes the next event; returns what to write.
    mutating func handle(_ event: RunEvent, now: Duration, size: TerminalSize) -> String
    /// Lets time pass.
    mutating func tick(now: Duration, size: TerminalSize) -> String
    /// Ends what was begun, for a run that ends without its last event.
    mutating func close(size: TerminalSize) -> String
}

extension RunScreen: RunDisplay {}

/// Shows a run as text, with bars where the stream is a terminal.
package actor TextRunRenderer: RunRenderer {
    private let writer: OutputWriter
    private let terminal: Terminal
    private var screen: any RunDisplay

    package nonisolated let tickInterval: Duration

    /// Writes to a stream.
    ///
    /// - Parameters:
    ///   - writer: Where the text goes; standard error, as data goes to standard output.
    ///   - descriptor: The descriptor behind it, asked for the terminal's size.
    ///   - style: What the stream can show.
    package init(writer: OutputWriter, descriptor: Int32, style: OutputStyle) {
        self.writer = writer
        terminal = Terminal(descriptor: descriptor, style: style)
        screen = RunScreen(style: style)
        tickInterval = terminal.tickInterval
    }

    /// As ``init(writer:descriptor:style:)``, for the log of GitHub's runner.
    init(writer: OutputWriter, descriptor: Int32, style: OutputStyle, places: GitHubPlaces) {
        self.writer = writer
        terminal = Terminal(descriptor: descriptor, style: style)
        screen = GitHubScreen(style: style, places: places)
        tickInterval = terminal.tickInterval
    }

    package func handle(_ event: RunEvent) async throws {
        try writer.enqueue(screen.handle(event, now: terminal.now, size: terminal.size))
        try await writer.room()
    }

    package func tick() async throws {
        try writer.enqueue(screen.tick(now: terminal.now, size: terminal.size))
        try await writer.room()
    }

    package func finish() async throws {
        try writer.enqueue(screen.close(size: terminal.size))
        try await writer.flush()
    }
}

/// Writes a run as `roost.events/1`.
package actor JSONRunRenderer: RunRenderer {
    private let writer: OutputWriter
    private var encoder = RunEventEncoder()

    package nonisolated var tickInterval: Duration { .seconds(1) }

    /// Writes to a stream: standard output, in a run.
    package init(writer: OutputWriter) {
        self.writer = writer
    }

    package func handle(_ event: RunEvent) async throws {
        try writer.enqueue(encoder.encode(event))
        try await writer.room()
    }

    /// A reader that went away is noticed while no event comes, too.
    package func tick() throws {
        try writer.enqueue([])
    }

    package func finish() async throws {
        try await writer.flush()
    }
}

/// Shows the events of `roost pull`, as text or as `roost.events/1`.
package actor PullRenderer {
    private enum Form {
        case text(PullScreen)
        case json(RunEventEncoder)
    }

    private let writer: OutputWriter
    private let terminal: Terminal
    private var form: Form
    private var ledger = PullLedger()
    private let startedAt = Date()

    /// How often ``tick()`` is wanted.
    package nonisolated let tickInterval: Duration

    /// Text to a stream; see ``TextRunRenderer``.
    package init(writer: OutputWriter, descriptor: Int32, style: OutputStyle) {
        self.writer = writer
        terminal = Terminal(descriptor: descriptor, style: style)
        form = .text(PullScreen(style: style))
        tickInterval = terminal.tickInterval
    }

    /// Events as JSON to a stream.
    package init(jsonTo writer: OutputWriter) {
        self.writer = writer
        terminal = Terminal(
            descriptor: -1,
            style: OutputStyle(isLive: false, usesColor: false, usesUnicode: false, columns: nil)
        )
        form = .json(RunEventEncoder())
        tickInterval = .seconds(1)
    }

    /// Takes the next event.
    ///
    /// - Throws: ``OutputError``.
    package func handle(_ event: PullEvent, time: Date = Date()) async throws {
        ledger.note(event, at: .now)
        switch form {
        case .text(var screen):
            let text = screen.handle(event, now: terminal.now, size: terminal.size)
            form = .text(screen)
            try writer.enqueue(text)
            try await writer.room()
        case .json(var encoder):
            let bytes = try encoder.encode(event, time: time)
            form = .json(encoder)
            try writer.enqueue(bytes)
            try await writer.room()
        }
    }

    /// Lets time pass.
    ///
    /// - Throws: ``OutputError``.
    package func tick() async throws {
        guard case .text(var screen) = form else { return try writer.enqueue([]) }
        let text = screen.tick(now: terminal.now, size: terminal.size)
        form = .text(screen)
        try writer.enqueue(text)
        try await writer.room()
    }

    /// Ends the display and waits until all is written: tells what was cut, then the end.
    ///
    /// - Parameter verdict: How it ended. Text has a last line for it only where the pulls came to an end of their own.
    /// - Returns: The end as it was told.
    /// - Throws: ``OutputError``.
    @discardableResult
    package func finish(_ verdict: PullVerdict) async throws -> PullsEnd {
        for outcome in ledger.cut(at: .now) { try await handle(.finished(outcome)) }
        var counts = ledger.counts
        counts.failed += verdict.unavailable
        let end = PullsEnd(
            status: verdict.status,
            exitCode: verdict.exitCode,
            startedAt: startedAt,
            duration: terminal.now,
            counts: counts,
            reason: verdict.reason
        )
        switch form {
        case .text(var screen):
            let text =
                verdict.isOwnEnd
                ? screen.finish(duration: terminal.now, size: terminal.size) : screen.close(size: terminal.size)
            form = .text(screen)
            try writer.enqueue(text)
        case .json(var encoder):
            let bytes = try encoder.encode(end, time: Date())
            form = .json(encoder)
            try writer.enqueue(bytes)
        }
        try await writer.flush()
        return end
    }

    /// Shows all events until they end; ``finish(_:)`` is to follow.
    ///
    /// - Throws: ``OutputError`` as soon as a stream fails; the events that follow are then not read.
    package func render(_ events: some AsyncSequence<PullEvent, Never> & Sendable) async throws {
        try await forEach(
            events,
            every: tickInterval,
            handle: { try await self.handle($0) },
            tick: { try await self.tick() }
        )
    }
}

/// The clock and the size of one display.
private struct Terminal {
    private let descriptor: Int32
    private let style: OutputStyle
    private let start = ContinuousClock.now

    init(descriptor: Int32, style: OutputStyle) {
        self.descriptor = descriptor
        self.style = style
    }

    /// Since the display began.
    var now: Duration { ContinuousClock.now - start }

    /// Asked anew each time, so that a resize needs no signal.
    var size: TerminalSize {
        guard let columns = style.columns else { return .usual }
        return TerminalSize.query(descriptor) ?? TerminalSize(columns: columns, rows: TerminalSize.usual.rows)
    }

    var tickInterval: Duration { style.isLive ? LiveRegion.frame : .seconds(1) }
}
