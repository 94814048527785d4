import ImagePull
import RoostCore

/// What a person sees of `roost pull`: events and clock readings in, text to write out.
struct PullScreen: Sendable {
    private let style: OutputStyle
    private let theme: Theme
    private let rows: PullRows
    private var board = PullBoard()
    private var pulls: PullLines
    private var region: LiveRegion
    private var outcomes: [PullOutcome] = []
    private var presentCount = 0

    init(style: OutputStyle) {
        self.style = style
        theme = Theme(style)
        rows = PullRows(theme: theme)
        pulls = PullLines(theme: theme, hasBars: style.isLive)
        region = LiveRegion(isLive: style.isLive)
    }

    /// Takes the next event.
    ///
    /// - Returns: What to write; may be empty.
    mutating func handle(_ event: PullEvent, now: Duration, size: TerminalSize) -> String {
        board.apply(event, at: now)
        switch event {
        case .planned(let summary): presentCount += summary.present.count
        case .finished(let outcome): outcomes.append(outcome)
        default: break
        }
        return update(wrap(size).lines(pulls.lines(for: event, board: board, at: now), event.longWords), now, size)
    }

    /// Lets time pass.
    mutating func tick(now: Duration, size: TerminalSize) -> String {
        update(wrap(size).lines(pulls.overdue(board: board, at: now)), now, size)
    }

    /// Removes the bars and prints the verdict.
    ///
    /// - Parameters:
    ///   - duration: How long the whole pull took.
    ///   - size: The terminal's present size.
    /// - Returns: What to write.
    mutating func finish(duration: Duration, size: TerminalSize) -> String {
        region.close(size: size) + joined(wrap(size).lines(verdict(duration)))
    }

    /// Removes the bars and prints what waits, for a pull that ends early.
    mutating func close(size: TerminalSize) -> String { region.close(size: size) }

    private func verdict(_ duration: Duration) -> String {
        var failed = 0
        var pulled = 0
        var bytes = ByteCount(0)
        // A present image may be told of in the plan, in an outcome of its own, or in both.
        var ready = 0
        for outcome in outcomes {
            switch outcome.result {
            case .failed: failed += 1
            case .pulled:
                pulled += 1
                bytes = bytes + outcome.bytes
            case .tagged: ready += 1
            case .present, .cancelled: break
            }
        }
        let present = max(outcomes.count { if case .present = $0.result { true } else { false } }, presentCount)
        let time = DurationText.format(duration)
        let done = pulled > 0 ? "\(pulled) pulled (\(bytes)) in \(time)" : "nothing to pull"
        guard failed == 0 else {
            let rest = failed == 1 ? "1 image" : "\(failed) images"
            return theme.paint("\(theme.glyphs.failed) \(rest) could not be had; \(done)", .red)
        }
        let count = pulled + ready + present
        let images = count == 1 ? "1 image" : "\(count) images"
        return theme.paint("\(theme.glyphs.succeeded) \(images) ready: \(done)", .green)
    }

    private mutating func update(_ lines: [String], _ now: Duration, _ size: TerminalSize) -> String {
        region.update(printing: joined(lines), now: now, size: size) { rows.draw(board, size: size, now: now) }
    }

    private func wrap(_ size: TerminalSize) -> WordWrap {
        WordWrap(columns: style.columns.map { _ in size.columns }, ellipsis: theme.glyphs.ellipsis)
    }

    private func joined(_ lines: [String]) -> String { lines.reduce(into: "") { $0 += $1 + "\n" } }
}
