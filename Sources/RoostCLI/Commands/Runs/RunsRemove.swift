import ArgumentParser
import Foundation
import Pipeline
import RoostCore

/// `roost runs rm`.
struct RunsRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove the logs and reports of runs.",
        discussion: """
            A run that still goes on is never removed. --older-than and --keep can stand together: then what is older, and \
            what is beyond the number, goes. The exit code is 125 where something could not be removed.

            EXAMPLE
              roost runs rm 20260131-081530-4f2a6c
              roost runs rm --older-than 7d --keep 20 --dry-run
              roost runs rm --all
            """
    )

    @Argument(help: ArgumentHelp("IDs of runs.", valueName: "id"))
    var ids: [String] = []

    @Flag(help: "All runs.")
    var all = false

    @Option(help: ArgumentHelp("Runs that started longer ago, such as 12h or 7d.", valueName: "duration"))
    var olderThan: String?

    @Option(help: ArgumentHelp("All but the newest of this number.", valueName: "count"))
    var keep: Int?

    @Flag(help: "Only say what would be removed.")
    var dryRun = false

    @OptionGroup var runs: RunsOptions

    func run() async throws {
        let request = try request()
        guard let folder = try runs.folder() else {
            if case .named = request { throw UsageError.noRuns }
            return try await tell("no runs")
        }
        let chosen = try chosen(request, folder)
        guard !chosen.isEmpty else { return try await tell("nothing to remove") }
        if dryRun {
            for id in chosen { try await tell("would remove \(id)") }
            return
        }
        let removal = folder.remove(all: chosen)
        for id in removal.removed { try await tell("removed \(id)") }
        for problem in removal.problems { await RoostCommandLine.complain(problem) }
        if !removal.problems.isEmpty { throw ExitCode(125) }
    }

    private enum Request {
        case named([RunID])
        case rule(RunRetention)
    }

    private func request() throws -> Request {
        let hasRule = olderThan != nil || keep != nil
        guard [!ids.isEmpty, all, hasRule].count(where: { $0 }) == 1 else {
            throw UsageError(description: "say what to remove: IDs, or --all, or --older-than and --keep")
        }
        if !ids.isEmpty {
            return .named(
                try ids.map { try RunID.named($0) }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
            )
        }
        if all { return .rule(RunRetention(count: 0)) }
        if let keep, keep < 0 { throw UsageError(description: "--keep: expected a number, 0 or more") }
        let age = try olderThan.map { text in
            guard let age = DurationText.parse(text) else {
                throw UsageError(
                    description: "--older-than: expected a duration such as 12h or 7d, found "
                        + PrintableText.quoted(text, limit: 40)
                )
            }
            return age
        }
        return .rule(RunRetention(count: keep, age: age))
    }

    private func chosen(_ request: Request, _ folder: RunsFolder) throws -> [RunID] {
        switch request {
        case .named(let ids):
            for id in ids {
                let entry = try folder.named(id.description)
                guard !entry.isGoingOn else {
                    throw UsageError(description: "\(entry.remark ?? "it still goes on"): nothing was removed")
                }
            }
            return ids
        case .rule(let retention):
            return retention.excess(of: try folder.entries(), now: Date())
        }
    }

    private func tell(_ line: String) async throws {
        try OutputWriter.standardOutput.enqueue(line + "\n")
        try await OutputWriter.standardOutput.flush()
    }
}
