import Foundation
import Pipeline
import RoostCore

/// Where a pipeline's steps stand in its file, as GitHub shows remarks beside the lines of a repository.
struct GitHubPlaces: Sendable {
    /// Relative to the repository, where the file lies in it.
    let file: String
    let lines: [StepID: Int]

    /// `nil` where the log is not GitHub's.
    ///
    /// - Parameters:
    ///   - plan: What runs.
    ///   - environment: `GITHUB_ACTIONS` says whether GitHub's runner reads the log; `GITHUB_WORKSPACE` where the repository
    ///     is.
    init?(_ plan: PipelinePlan, environment: [String: String]) {
        guard environment["GITHUB_ACTIONS"] == "true" else { return nil }
        let file = plan.definition.file
        let path = file.url.standardizedFileURL.path(percentEncoded: false)
        let repository = environment["GITHUB_WORKSPACE"].map { $0.hasSuffix("/") ? $0 : $0 + "/" }
        self.file =
            repository.flatMap { path.hasPrefix($0) ? String(path.dropFirst($0.count)) : nil } ?? file.shownName
        lines = plan.steps.reduce(into: [:]) { $0[$1.id] = $1.position?.line }
    }

    /// A remark for each step that failed or has a warning, and one for a run that failed without any.
    func remarks(on report: RunReport) -> String {
        let steps = report.stages.flatMap(\.steps)
        var commands: [GitHubCommand] = []
        for step in steps {
            if step.status.isFault { commands.append(remark("error", step.id, step.status, step.reason ?? "")) }
            if let warning = step.warning { commands.append(remark("warning", step.id, nil, warning)) }
        }
        if report.status != .succeeded, !steps.contains(where: \.status.isFault) {
            commands.append(
                GitHubCommand(
                    name: "error",
                    properties: [
                        ("file", TextSanitizer.plain(file)),
                        ("title", "\(TextSanitizer.plain(report.pipeline)) \(Self.word(report.status))"),
                    ],
                    data: Self.text(report.reason ?? Self.word(report.status))
                )
            )
        }
        return commands.map(\.line).joined()
    }

    private func remark(_ name: String, _ id: StepID, _ status: StepStatus?, _ text: String) -> GitHubCommand {
        let words = status.map { " \(Self.words.word($0))" } ?? ""
        return GitHubCommand(
            name: name,
            properties: [
                ("file", TextSanitizer.plain(file)), ("line", lines[id].map(String.init) ?? ""),
                ("title", TextSanitizer.plain(id.description) + words),
            ],
            data: Self.text(text.isEmpty ? words : text)
        )
    }

    static func text(_ message: String) -> String { TextSanitizer.plainLines(message).joined(separator: "\n") }

    private static let words = StatusText(
        Theme(OutputStyle(isLive: false, usesColor: false, usesUnicode: true, columns: nil))
    )

    private static func word(_ status: RunReport.RunStatus) -> String { words.word(status) }
}

/// What GitHub's log shows of a run: the text of a ``RunScreen``, a group a stage, and remarks at its end.
///
/// Stages run one after another, so that their groups never overlap; within one, each line says whose it is, as elsewhere.
struct GitHubScreen: RunDisplay {
    private let places: GitHubPlaces
    private var screen: RunScreen
    private var isInGroup = false

    init(style: OutputStyle, places: GitHubPlaces) {
        self.places = places
        var style = style
        style.isLive = false
        screen = RunScreen(style: style)
    }

    mutating func handle(_ event: RunEvent, now: Duration, size: TerminalSize) -> String {
        let text = GitHubCommand.neutralised(screen.handle(event, now: now, size: size))
        switch event.kind {
        case .warning(let message):
            return GitHubCommand(name: "warning", properties: [("title", "roost")], data: GitHubPlaces.text(message))
                .line
        case .stageStarted(let stage):
            let steps = stage.steps.map { TextSanitizer.plain($0) }.joined(separator: ", ")
            let name = TextSanitizer.plain(stage.name)
            let title = "stage \(name) (\(stage.index) of \(stage.count)): \(steps)"
            let end = endGroup()
            isInGroup = true
            return end + GitHubCommand(name: "group", data: title).line
        case .stageFinished: return endGroup() + text
        case .runFinished(let report): return endGroup() + text + places.remarks(on: report)
        default: return text
        }
    }

    mutating func tick(now: Duration, size: TerminalSize) -> String {
        GitHubCommand.neutralised(screen.tick(now: now, size: size))
    }

    mutating func close(size: TerminalSize) -> String { endGroup() + screen.close(size: size) }

    private mutating func endGroup() -> String {
        defer { isInGroup = false }
        return isInGroup ? GitHubCommand(name: "endgroup").line : ""
    }
}
