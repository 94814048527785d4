import Pipeline
import RoostCore

/// The end of a run for people: the steps, where the time went, what failed and why, and the verdict as the last line.
struct RunSummary: Sendable {
    let theme: Theme
    /// The columns there are; `nil` where lines may be as long as they like.
    let columns: Int?

    func lines(_ report: RunReport) -> [String] {
        var lines: [String] = []
        let table = StepTable(theme: theme, columns: columns).lines(report)
        if !table.isEmpty { lines += [""] + table }
        lines += timeLost(report)
        for step in report.stages.flatMap(\.steps) where step.status.isFault {
            lines += [""] + details(step)
        }
        for service in report.services where service.status.isFault {
            lines += [""] + details(service)
        }
        if let reason = report.reason, report.status != .succeeded {
            let parts = TextSanitizer.plainLines(reason)
            if parts.count > 1 { lines += [""] + wrap.lines(parts, .keep) }
        }
        return lines + [""] + wrap.lines(verdict(report), .keep)
    }

    /// How long the run took because of images, containers and waiting.
    private func timeLost(_ report: RunReport) -> [String] {
        let phases = SlowestPath(report).lost
        let parts: [(StepPhase, String)] = [
            (.resolve, "resolving"), (.pull, "pulling"), (.create, "creating"), (.start, "starting"),
            (.wait, "waiting"), (.cleanup, "cleaning up"),
        ]
        let told = parts.compactMap { phase, name in phases[phase].map { (name: name, duration: $0) } }
            .filter { $0.duration.wholeMilliseconds > 0 }
            .sorted { $0.duration > $1.duration }
            .map { "\($0.name) \(DurationText.format($0.duration))" }
        guard !told.isEmpty else { return [] }
        // A part is one word here: a figure does not stand apart from its unit.
        let room = columns ?? .max
        let blank = String(repeating: " ", count: min(4, room / 8))
        var lines = ["  lost on the slowest path:"]
        for (index, part) in told.enumerated() {
            let separator = index == 0 ? " " : " \(theme.glyphs.separator) "
            let last = lines[lines.count - 1]
            if DisplayWidth.of(last + separator + part) <= room {
                lines[lines.count - 1] = last + separator + part
            } else {
                lines.append(blank + part)
            }
        }
        return wrap.lines(lines)
    }

    private var wrap: WordWrap { WordWrap(columns: columns, ellipsis: theme.glyphs.ellipsis) }

    private func details(_ step: StepReport) -> [String] {
        let status = StatusText(theme)
        let name = TextSanitizer.plain(step.id.description)
        var head = "\(status.glyph(step.status)) \(name) \(status.word(step.status))"
        if let code = step.exitCode { head += ", exit code \(code)" }
        if step.status == .oomKilled, let limit = step.memoryLimit { head += ", limit \(limit)" }
        if step.attempts > 1 { head += ", after \(step.attempts) attempts" }
        var lines = [theme.paint(head, status.ink(step.status))]
        if let reason = step.reason { lines += TextSanitizer.plainLines(reason).map { "  \($0)" } }
        return wrap.lines(lines, .keep) + log(step.lastLines, step.logPath)
    }

    private func details(_ service: ServiceReport) -> [String] {
        let status = StatusText(theme)
        let name = TextSanitizer.plain(service.id.phrase)
        let head = "\(status.glyph(service.status)) \(name) \(status.word(service.status))"
        var lines = [theme.paint(head, status.ink(service.status))]
        if let reason = service.reason { lines += TextSanitizer.plainLines(reason).map { "  it \($0)" } }
        return wrap.lines(lines, .keep) + log(service.lastLines, service.logPath)
    }

    /// The end of a log, and where the rest of it is.
    private func log(_ tail: [LogLine], _ path: String?) -> [String] {
        var lines: [String] = []
        if !tail.isEmpty {
            lines.append(theme.paint(tail.count == 1 ? "  last line:" : "  last \(tail.count) lines:", .dim))
            for line in tail {
                let bar =
                    line.stream == .stdout
                    ? theme.paint(theme.glyphs.stdout, .dim) : theme.paint(theme.glyphs.stderr, .yellow)
                lines.append("  \(bar) \(theme.sanitizer.line(line.bytes))")
            }
        }
        if let path { lines.append(theme.paint("  log: \(TextSanitizer.plain(path))", .dim)) }
        return lines
    }

    /// One line: what came out of the run, because of what, and the exit code where it is not 0.
    private func verdict(_ report: RunReport) -> String {
        let name = TextSanitizer.plain(report.pipeline)
        let duration = DurationText.format(report.duration)
        guard report.status != .succeeded else {
            return theme.paint("\(theme.glyphs.succeeded) \(name) succeeded in \(duration)", .green)
        }
        let word = StatusText(theme).word(report.status)
        let cause = cause(report).map { ": \($0)" } ?? " after \(duration)"
        return theme.paint("\(theme.glyphs.failed) \(name) \(word)\(cause); exit code \(report.exitCode)", .red)
    }

    private func cause(_ report: RunReport) -> String? {
        let faults = report.stages.flatMap(\.steps).filter(\.status.isFault)
        // Steps that always run may have failed after a service had kept the others from running.
        let isOfService = report.firstFault == nil && report.services.contains(where: \.status.isFault)
        let first = isOfService ? nil : faults.first { $0.id == report.firstFault } ?? faults.first
        guard report.status != .interrupted, let first else {
            let reasons = report.reason.map { TextSanitizer.plainLines($0) } ?? []
            return reasons.count > 1 ? "\(reasons.count) images can't be had" : reasons.first
        }
        let name = TextSanitizer.plain(first.id.description)
        let what =
            switch first.status {
            case .failed: first.exitCode.map { "exited with \($0)" } ?? "failed"
            case .timedOut: "timed out"
            case .oomKilled: "ran out of memory"
            default: first.reason.flatMap { TextSanitizer.plainLines($0).first } ?? "could not be run"
            }
        let more = faults.count > 1 ? ", and \(faults.count - 1) more" : ""
        return "\(name) \(what)\(more)"
    }
}
