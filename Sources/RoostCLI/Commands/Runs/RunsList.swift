import ArgumentParser
import Foundation
import Pipeline
import RoostCore

/// `roost runs ls`.
struct RunsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the runs, the newest first.",
        discussion: """
            EXAMPLE
              roost runs ls
              roost runs ls --format json | jq -r '.runs[] | select(.status != "succeeded") | .run_id'
            """
    )

    @OptionGroup var runs: RunsOptions

    @Option(help: "text or json (roost.runs/1).")
    var format = RunsOptions.Format.text

    @OptionGroup var appearance: AppearanceOptions

    func run() async throws {
        let settings = try SettingsLoader.load(color: appearance.color)
        let entries = try runs.folder()?.entries() ?? []
        switch format {
        case .text:
            let style = OutputStyle.detect(descriptor: STDOUT_FILENO, color: settings.color)
            try OutputWriter.standardOutput.enqueue(RunsTable(theme: Theme(style)).text(entries))
        case .json: try OutputWriter.standardOutput.enqueue(try RunsJSON.encode(entries))
        }
        try await OutputWriter.standardOutput.flush()
    }
}

/// The runs of a project for people.
struct RunsTable {
    let theme: Theme

    private static let widestName = 30

    func text(_ entries: [RunEntry]) -> String {
        guard !entries.isEmpty else { return "no runs\n" }
        let rows = entries.map(row)
        let names = rows.reduce(8) { max($0, DisplayWidth.of($1.pipeline)) }
        var lines = [
            theme.paint(
                pad("  run", 24) + "  " + pad("when (UTC)", 19) + "  " + pad("pipeline", names) + "  "
                    + pad("status", 16)
                    + "  duration",
                .dim
            )
        ]
        for row in rows {
            let line =
                theme.paint("\(row.glyph) ", row.ink) + pad(row.id, 22) + "  " + row.when + "  "
                + pad(row.pipeline, names)
                + "  " + theme.paint(pad(row.status, 16), row.ink) + "  " + DisplayWidth.right(row.duration, 8)
            lines.append(String(line.reversed().drop { $0 == " " }.reversed()))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private struct Row {
        let id: String
        let when: String
        let pipeline: String
        let status: String
        let duration: String
        let glyph: String
        let ink: Paint.Ink
    }

    private func row(_ entry: RunEntry) -> Row {
        let (status, glyph, ink): (String, String, Paint.Ink) =
            switch entry.state {
            case .ended(let report) where report.status == .succeeded:
                (StatusText(theme).word(report.status), theme.glyphs.succeeded, .green)
            case .ended(let report): (StatusText(theme).word(report.status), theme.glyphs.failed, .red)
            case .goingOn: ("goes on", theme.glyphs.started, .bold)
            case .cutOff: ("was cut off", theme.glyphs.failed, .red)
            case .unreadable: ("unreadable", theme.glyphs.warning, .yellow)
            }
        let started = entry.id.startedAt.formatted(
            Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day().dateTimeSeparator(.space)
                .time(includingFractionalSeconds: false)
        )
        return Row(
            id: entry.id.description,
            when: started,
            pipeline: entry.report.map { theme.middle(TextSanitizer.plain($0.pipeline), Self.widestName) } ?? "",
            status: status,
            duration: entry.report.map { DurationText.format($0.duration) } ?? "",
            glyph: glyph,
            ink: ink
        )
    }

    private func pad(_ text: String, _ width: Int) -> String {
        DisplayWidth.fit(text, width, ellipsis: theme.glyphs.ellipsis)
    }
}

/// `roost.runs/1`.
enum RunsJSON {
    private struct Wire: Encodable {
        struct Row: Encodable {
            let runId: String
            let startedAt: String
            let status: String
            let pipeline: String?
            let file: String?
            let exitCode: Int32?
            let durationMs: Int64?
            let reason: String?
        }
        let schema = "roost.runs/1"
        let runs: [Row]
    }

    static func encode(_ entries: [RunEntry]) throws -> [UInt8] {
        let rows = entries.map { entry in
            Wire.Row(
                runId: entry.id.description,
                startedAt: WireTime.text(entry.report?.startedAt ?? entry.id.startedAt),
                status: entry.statusName,
                pipeline: entry.report?.pipeline,
                file: entry.report?.file,
                exitCode: entry.report?.exitCode,
                durationMs: entry.report?.duration.wholeMilliseconds,
                reason: entry.report?.reason ?? entry.remark
            )
        }
        return try StateJSON.encode(Wire(runs: rows))
    }
}
