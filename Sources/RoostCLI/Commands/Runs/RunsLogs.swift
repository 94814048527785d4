import ArgumentParser
import Foundation
import Pipeline
import RoostCore

/// `roost runs logs`.
struct RunsLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Print what the steps and services of a run wrote.",
        discussion: """
            On a terminal each log has a heading and is made safe to show; elsewhere the raw bytes come, one log after \
            another, both streams of a step in the order in which they arrived.

            EXAMPLE
              roost runs logs
              roost runs logs latest test/unit | grep -n error
              roost runs logs 20260131-081530-4f2a6c
            """
    )

    @Argument(help: ArgumentHelp("The run's ID, or latest.", valueName: "id"))
    var id = "latest"

    @Argument(help: ArgumentHelp("Only this step or service: STAGE/STEP, or its name.", valueName: "step"))
    var step: String?

    @OptionGroup var runs: RunsOptions
    @OptionGroup var appearance: AppearanceOptions

    func run() async throws {
        let settings = try SettingsLoader.load(color: appearance.color)
        guard let folder = try runs.folder() else { throw UsageError.noRuns }
        // `roost runs logs test/unit` is about the latest run.
        let isStepAlone = step == nil && id != "latest" && RunID(parsing: id) == nil
        let entry = try folder.named(isStepAlone ? "latest" : id)
        let all = folder.logs(of: entry.id, report: entry.report)
        let wanted = isStepAlone ? id : step
        let logs = wanted.map { name in all.filter { $0.matches(name) } } ?? all
        if let wanted, logs.isEmpty { throw UsageError(description: missing(wanted, entry.id, all)) }

        let style = OutputStyle.detect(descriptor: STDOUT_FILENO, color: settings.color)
        let isTerminal = style.columns != nil
        let theme = Theme(style)
        let output = OutputWriter.standardOutput
        for log in logs {
            let file = try folder.open(log)
            if isTerminal { try output.enqueue(heading(log, theme)) }
            var lines = isTerminal ? SafeLines(sanitizer: theme.sanitizer, ellipsis: theme.glyphs.ellipsis) : nil
            while let data = try file.read(upToCount: 64 << 10), !data.isEmpty {
                try output.enqueue(lines?.take(data) ?? Array(data))
                try await output.room()
            }
            try output.enqueue(lines?.finish() ?? [])
        }
        try await output.flush(within: .seconds(60))
    }

    private func heading(_ log: RunLog, _ theme: Theme) -> String {
        let name = TextSanitizer.plain(log.title)
        let attempt = log.attempt > 1 ? ", attempt \(log.attempt)" : ""
        return theme.paint("\(theme.glyphs.rule) \(name)\(attempt)", .bold) + "\n"
    }

    private func missing(_ name: String, _ id: RunID, _ logs: [RunLog]) -> String {
        var message = "the run \(id) has no log of a step or service \(PrintableText.quoted(name, limit: 60))"
        if let nearest = NearestName.of(name, in: logs.flatMap { [$0.id.description, $0.id.step] }) {
            message += "; did you mean \(PrintableText.quoted(nearest, limit: 60))?"
        }
        return message
    }
}

/// Makes raw bytes safe to show, line after line; a line that is too long comes in marked pieces.
struct SafeLines {
    let sanitizer: TextSanitizer
    let ellipsis: String
    private var rest: [UInt8] = []

    /// As long as the pieces in which a run shows a line.
    private static let longest = 64 << 10

    init(sanitizer: TextSanitizer, ellipsis: String) {
        self.sanitizer = sanitizer
        self.ellipsis = ellipsis
    }

    /// Takes the next bytes.
    ///
    /// - Returns: What to show of the lines that they complete.
    mutating func take(_ data: some Sequence<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        for byte in data {
            if byte == UInt8(ascii: "\n") {
                if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
                output += Array(sanitizer.line(rest).utf8) + [byte]
                rest.removeAll(keepingCapacity: true)
                continue
            }
            if rest.count == Self.longest {
                output += Array((sanitizer.line(rest) + ellipsis + "\n").utf8)
                rest.removeAll(keepingCapacity: true)
            }
            rest.append(byte)
        }
        return output
    }

    /// - Returns: The last line, where no break ended it.
    mutating func finish() -> [UInt8] {
        defer { rest = [] }
        return rest.isEmpty ? [] : Array((sanitizer.line(rest) + "\n").utf8)
    }
}
