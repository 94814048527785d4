import Foundation
import ImagePull
import Pipeline
import RoostCore

/// What a person sees of a run: events and clock readings in, text to write out.
///
/// Pure, so that tests drive it without a terminal; ``TextRunRenderer`` owns the descriptor and the clock.
struct RunScreen: Sendable {
    private let style: OutputStyle
    private let theme: Theme
    private let rows: PullRows
    private var board = PullBoard()
    private var pulls: PullLines
    private var region: LiveRegion
    private var inks: [StepID: Paint.Ink] = [:]
    private var prefixes: [StepID: Prefix] = [:]
    private var column = 0

    /// What a step's lines begin with, made once a step: there may be millions of lines.
    private struct Prefix: Sendable {
        let name: String
        let stdout: String
        let stderr: String
    }

    /// The most columns that step names take.
    static let widestColumn = 40

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
    mutating func handle(_ event: RunEvent, now: Duration, size: TerminalSize) -> String {
        if case .pull(let pull) = event.kind { board.apply(pull, at: now) }
        let text = text(for: event.kind, now: now, size: size)
        if case .runFinished = event.kind { return region.close(size: size) + text }
        return update(text, now, size)
    }

    /// Lets time pass: bars move, and a pull that stalls is told of.
    mutating func tick(now: Duration, size: TerminalSize) -> String {
        let wrap = WordWrap(columns: columns(of: size), ellipsis: theme.glyphs.ellipsis)
        return update(joined(wrap.lines(pulls.overdue(board: board, at: now))), now, size)
    }

    /// Removes the bars and prints what waits, for a run that ends without its last event.
    mutating func close(size: TerminalSize) -> String { region.close(size: size) }

    private mutating func update(_ text: String, _ now: Duration, _ size: TerminalSize) -> String {
        region.update(printing: text, now: now, size: size) { rows.draw(board, size: size, now: now) }
    }

    private mutating func text(for kind: RunEvent.Kind, now: Duration, size: TerminalSize) -> String {
        let wrap = WordWrap(columns: columns(of: size), ellipsis: theme.glyphs.ellipsis)
        switch kind {
        case .runStarted(let header):
            begin(header)
            let steps = header.steps.count == 1 ? "1 step" : "\(header.steps.count) steps"
            let name = theme.paint(TextSanitizer.plain(header.pipeline), .bold)
            let engine = TextSanitizer.plain(header.engine)
            let what = "\(name): \(steps) of \(TextSanitizer.plain(header.file)) on \(engine)"
            return joined(wrap.lines([what, theme.paint("run \(TextSanitizer.plain(header.runID))", .dim)]))
        case .warning(let message):
            return joined(wrap.lines(note("\(theme.glyphs.warning) ", message, .yellow), .keep))
        case .notice(let message):
            return joined(wrap.lines(note("", message, .bold), .keep))
        case .pull(let event):
            return joined(wrap.lines(pulls.lines(for: event, board: board, at: now), event.longWords))
        case .stageStarted(let stage):
            let steps = stage.steps.map { TextSanitizer.plain($0) }.joined(separator: ", ")
            let name = TextSanitizer.plain(stage.name)
            let text = "\(theme.glyphs.rule) stage \(name) (\(stage.index) of \(stage.count)): \(steps)"
            return joined(wrap.lines(theme.paint(text, .bold)))
        case .serviceStarted(let service):
            let image = TextSanitizer.plain(service.image)
            return joined(wrap.lines("\(name(service.id)) \(theme.glyphs.started) started \(image)"))
        case .serviceReady(let service):
            return joined(wrap.lines("\(name(service.id)) is ready after \(DurationText.format(service.after))"))
        case .serviceFinished(let service):
            return joined(wrap.lines(finished(service), .keep))
        case .stepStarted(let step):
            let attempt = step.attempts > 1 ? ", attempt \(step.attempt)/\(step.attempts)" : ""
            let image = TextSanitizer.plain(step.image)
            return joined(
                wrap.lines("\(prefix(step.id).name) \(theme.glyphs.started) started \(image)\(attempt)")
            )
        case .stepLog(let log):
            return lines(of: log)
        case .stepRetrying(let retry):
            return joined(wrap.lines(retrying(retry), .keep))
        case .stepFinished(let step):
            return joined(wrap.lines(finished(step), .keep))
        case .stageFinished(let stage):
            let outcome = StatusText(theme).colored(stage.status)
            let name = TextSanitizer.plain(stage.name)
            let duration = stage.status == .skipped ? "" : " in \(DurationText.format(stage.duration))"
            return joined(
                wrap.lines("\(theme.paint("\(theme.glyphs.rule) stage \(name)", .bold)) \(outcome)\(duration)")
            )
        case .runFinished(let report):
            return joined(RunSummary(theme: theme, columns: columns(of: size)).lines(report))
        }
    }

    /// `nil` where the stream is no terminal.
    private func columns(of size: TerminalSize) -> Int? { style.columns.map { _ in size.columns } }

    private mutating func begin(_ header: RunHeader) {
        let widest = header.steps.reduce(0) { max($0, DisplayWidth.of(TextSanitizer.plain($1.description))) }
        column = min(widest, style.columns.map { min(max($0 / 3, 8), Self.widestColumn) } ?? Self.widestColumn)
        for (index, step) in header.steps.enumerated() {
            inks[step] = Paint.stepInks[index % Paint.stepInks.count]
        }
    }

    private mutating func prefix(_ id: StepID) -> Prefix {
        if let known = prefixes[id] { return known }
        let text = TextSanitizer.plain(id.description)
        let name = column > 0 ? theme.middle(text, column) : text
        let filled = name + String(repeating: " ", count: max(column - DisplayWidth.of(name), 0))
        let painted = inks[id].map { theme.paint(filled, $0) } ?? filled
        let prefix = Prefix(
            name: painted,
            stdout: "\(painted) \(theme.paint(theme.glyphs.stdout, .dim)) ",
            stderr: "\(painted) \(theme.paint(theme.glyphs.stderr, .yellow)) "
        )
        prefixes[id] = prefix
        return prefix
    }

    private mutating func lines(of log: StepLog) -> String {
        let prefix = prefix(log.id)
        var text = ""
        // Which attempt a line comes from matters where there may be several.
        let attempt =
            log.attempts > 1 ? theme.paint("attempt \(log.attempt)/\(log.attempts) ", .dim) : ""
        for line in log.lines {
            text += line.stream == .stdout ? prefix.stdout : prefix.stderr
            text += attempt
            text += theme.sanitizer.line(line.bytes)
            text += line.continues ? theme.glyphs.ellipsis + "\n" : "\n"
        }
        return text
    }

    private mutating func retrying(_ retry: StepRetry) -> String {
        let attempt = retry.attempt
        let reason = attempt.reason.map { ": " + TextSanitizer.plain($0) } ?? ""
        return "\(prefix(retry.id).name) attempt \(attempt.number)/\(retry.attempts) "
            + "\(StatusText(theme).colored(attempt.status))\(reason); again in \(DurationText.format(retry.pause))"
    }

    /// A service's lines stand out from those of steps: it has no place in their column.
    private func name(_ id: ServiceID) -> String { theme.paint(TextSanitizer.plain(id.phrase), .dim) }

    private func finished(_ service: ServiceReport) -> [String] {
        let name = name(service.id)
        // Its end is no news where it did all that it should.
        guard service.status != .succeeded || service.warning != nil else { return ["\(name) stopped"] }
        var lines: [String] = []
        if service.status != .succeeded {
            let reason = service.reason.map { ": " + TextSanitizer.plain($0) } ?? ""
            lines.append("\(name) \(StatusText(theme).colored(service.status))\(reason)")
        }
        if let warning = service.warning {
            lines.append("\(name) \(theme.paint("\(theme.glyphs.warning) \(TextSanitizer.plain(warning))", .yellow))")
        }
        return lines
    }

    private mutating func finished(_ step: StepReport) -> [String] {
        let name = prefix(step.id).name
        var text = "\(name) \(StatusText(theme).colored(step.status))"
        if step.status == .failed, let code = step.exitCode { text += " with exit code \(code)" }
        if let ran = step.phases[.run] { text += " after \(DurationText.format(ran))" }
        var lines = [text]
        if step.status != .failed, step.status != .succeeded, let reason = step.reason {
            lines[0] += ": " + TextSanitizer.plain(reason)
        }
        if let warning = step.warning {
            lines.append("\(name) \(theme.paint("\(theme.glyphs.warning) \(TextSanitizer.plain(warning))", .yellow))")
        }
        return lines
    }

    private func note(_ mark: String, _ message: String, _ ink: Paint.Ink) -> [String] {
        TextSanitizer.plainLines(message).enumerated().map { index, line in
            let indent = index == 0 ? mark : String(repeating: " ", count: DisplayWidth.of(mark))
            return theme.paint(indent + line, ink)
        }
    }

    private func joined(_ lines: [String]) -> String { lines.reduce(into: "") { $0 += $1 + "\n" } }
}
