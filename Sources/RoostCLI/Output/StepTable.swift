import Pipeline
import RoostCore

/// The table of all steps at the end of a run.
struct StepTable: Sendable {
    let theme: Theme
    /// The columns there are; `nil` where lines may be as long as they like.
    let columns: Int?

    private static let widestName = 40
    private static let timelineColumns = 24

    /// A header and one line a step; on a narrow terminal the less telling columns are left out.
    func lines(_ report: RunReport) -> [String] {
        let steps = report.stages.flatMap(\.steps)
        guard !steps.isEmpty else { return [] }
        let status = StatusText(theme)
        let names = steps.map { TextSanitizer.plain($0.id.description) }
        let available = columns ?? .max
        var room = available - 3
        func take(_ width: Int) -> Bool {
            guard room >= width else { return false }
            room -= width
            return true
        }
        // In order of worth: the name has at least 12 columns, then what follows as far as it fits.
        let widest = max(min(names.reduce(4) { max($0, DisplayWidth.of($1)) }, Self.widestName), 4)
        let nameColumns = min(widest, max(available - 2 - 10 - 1, 8))
        _ = take(nameColumns + 2)
        let hasDuration = take(10)
        let hasExit = take(6)
        let hasWord = take(14)
        let hasTimeline = take(Self.timelineColumns + 2)
        let peaks = steps.map(Self.memory)
        let memoryColumns = peaks.reduce(9) { max($0, DisplayWidth.of($1.full)) }
        let hasMemory = steps.contains { $0.peakMemory != nil }
        let hasLimits = hasMemory && take(memoryColumns + 2)
        let hasPeaks = hasLimits || hasMemory && take(11)
        let shown = hasLimits ? memoryColumns : 9

        let timeline = Timeline(columns: Self.timelineColumns, total: report.duration, glyphs: theme.glyphs)
        var header = "  " + (hasWord ? pad("status", 14) : "") + pad("step", nameColumns)
        if hasExit { header += "  " + DisplayWidth.right("exit", 4) }
        if hasDuration { header += "  " + DisplayWidth.right("time", 8) }
        if hasPeaks { header += "  " + DisplayWidth.right("memory", shown) }
        if hasTimeline { header += "  timeline of \(DurationText.format(report.duration))" }
        var lines = [theme.paint(trimmed(header), .dim)]
        for ((step, name), peak) in zip(zip(steps, names), peaks) {
            let word = status.glyph(step.status) + " " + (hasWord ? pad(status.word(step.status), 14) : "")
            var line = theme.paint(word, status.ink(step.status)) + pad(theme.middle(name, nameColumns), nameColumns)
            if hasExit { line += "  " + DisplayWidth.right(step.exitCode.map(String.init) ?? "", 4) }
            let time = step.attempts > 0 ? DurationText.format(step.total) : ""
            if hasDuration { line += "  " + DisplayWidth.right(time, 8) }
            if hasPeaks { line += "  " + DisplayWidth.right(hasLimits ? peak.full : peak.short, shown) }
            if hasTimeline { line += "  " + theme.paint(timeline.bar(step), status.ink(step.status)) }
            lines.append(trimmed(line))
        }
        if hasTimeline {
            lines.append(theme.paint("  " + Timeline.legend(theme.glyphs), .dim))
        }
        return lines
    }

    /// The peak, and with it the limit that it is to be seen beside.
    private static func memory(of step: StepReport) -> (short: String, full: String) {
        guard let peak = step.peakMemory else { return ("", "") }
        return (peak.description, step.memoryLimit.map { "\(peak) of \($0)" } ?? peak.description)
    }

    private func pad(_ text: String, _ width: Int) -> String {
        DisplayWidth.fit(text, width, ellipsis: theme.glyphs.ellipsis)
    }

    private func trimmed(_ line: String) -> String {
        var line = line[...]
        while line.last == " " { line = line.dropLast() }
        return String(line)
    }
}
