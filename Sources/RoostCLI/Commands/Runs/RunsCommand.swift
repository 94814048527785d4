import ArgumentParser
import Foundation
import Pipeline
import RoostCore

/// `roost runs`: what earlier runs of a project left.
struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "Look at earlier runs of a project, and remove what they left.",
        discussion: """
            Each run keeps its raw logs and its report in .roost/runs of the project folder. The 50 newest are kept, for 30 \
            days (keep_runs and keep_runs_for; 'roost config show' tells).

            EXAMPLE
              roost runs
              roost runs show
              roost runs logs latest test/unit
              roost runs rm --keep 5
            """,
        subcommands: [RunsList.self, RunsShow.self, RunsLogs.self, RunsRemove.self],
        defaultSubcommand: RunsList.self
    )
}

/// Which project's runs a verb is about, and how it finds one of them.
struct RunsOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @OptionGroup var file: PipelineFileOptions

    /// The folder of the runs; `nil` where there were none. The pipeline's file says where the project is, and may be wrong
    /// otherwise.
    func folder() throws -> RunsFolder? {
        try file.enter()
        let project = try file.locate().projectFolder.resolvingSymlinksInPath().path(percentEncoded: false)
        return try RunsFolder(project: project)
    }
}

extension RunsFolder {
    /// The run that a person names by its ID, or by `latest`.
    ///
    /// - Throws: ``UsageError`` where it is no name of a run, or there is no such run.
    func named(_ name: String) throws -> RunEntry {
        if name == "latest" {
            guard let latest = try entries().first else { throw UsageError.noRuns }
            return latest
        }
        let id = try RunID.named(name)
        if let entry = entry(id) { return entry }
        var message = "there is no run \(id)"
        if let nearest = NearestName.of(name, in: try ids().map(\.description)) {
            message += "; did you mean \(nearest)?"
        }
        throw UsageError(description: message)
    }
}

extension RunID {
    /// - Throws: ``UsageError`` where the text is no name of a run.
    static func named(_ text: String) throws -> RunID {
        if let id = RunID(parsing: text) { return id }
        throw UsageError(
            description: "\(PrintableText.quoted(text, limit: 60)) is no ID of a run, such as 20260131-081530-4f2a6c; "
                + "'roost runs' lists them"
        )
    }
}

extension UsageError {
    static let noRuns = UsageError(description: "no run has left anything here: there is no .roost/runs in the project")
}

extension RunsUnreadable: ExitCoded {
    var exitCode: Int32 { 125 }
}

extension RunEntry {
    /// How it ended, or how it is, in a word of JSON.
    var statusName: String {
        switch state {
        case .ended(let report): report.status.rawValue
        case .goingOn: "running"
        case .cutOff: "cut_off"
        case .unreadable: "unreadable"
        }
    }

    /// Why there is no report to show; `nil` where there is one.
    var remark: String? {
        switch state {
        case .ended: nil
        case .goingOn(let owner?): "the run \(id) still goes on, in process \(owner.pid)"
        case .goingOn(nil): "the run \(id) has just begun, or still goes on"
        case .cutOff: "the run \(id) was cut off: its process ended before it did; 'roost runs logs \(id)' has its logs"
        case .unreadable(let problem): "the report of the run \(id) can't be used: \(problem)"
        }
    }
}
