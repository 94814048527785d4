import ArgumentParser
import Foundation
import Pipeline
import RoostCore

/// `roost runs show`.
struct RunsShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the end of a run, as the run printed it.",
        discussion: """
            EXAMPLE
              roost runs show
              roost runs show 20260131-081530-4f2a6c
              roost runs show latest --format json | jq .status
            """
    )

    @Argument(help: ArgumentHelp("The run's ID, or latest.", valueName: "id"))
    var id = "latest"

    @OptionGroup var runs: RunsOptions

    @Option(help: "text, or json: the report (roost.report/1).")
    var format = RunsOptions.Format.text

    @OptionGroup var appearance: AppearanceOptions

    func run() async throws {
        let settings = try SettingsLoader.load(color: appearance.color)
        guard let folder = try runs.folder() else { throw UsageError.noRuns }
        let entry = try folder.named(id)
        guard let report = entry.report else { throw UsageError(description: entry.remark ?? "there is no report") }
        switch format {
        case .text:
            let style = OutputStyle.detect(descriptor: STDOUT_FILENO, color: settings.color)
            try OutputWriter.standardOutput.enqueue(text(report, Theme(style), style.columns))
        case .json: try OutputWriter.standardOutput.enqueue(try RunReportEncoder.encode(report))
        }
        try await OutputWriter.standardOutput.flush()
    }

    private func text(_ report: RunReport, _ theme: Theme, _ columns: Int?) -> String {
        let name = theme.paint(TextSanitizer.plain(report.pipeline), .bold)
        let file = report.file.map { " of \(TextSanitizer.plain($0))" } ?? ""
        let started = report.startedAt.formatted(.iso8601)
        let heading = ["\(name)\(file), started \(started)", theme.paint("run \(report.runID)", .dim)]
        let lines = heading + RunSummary(theme: theme, columns: columns).lines(report)
        return lines.joined(separator: "\n") + "\n"
    }
}
