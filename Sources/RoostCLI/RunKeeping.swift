import Pipeline
import RoostCore

/// Keeps a run's report beside its logs, and removes what older runs left beyond what is kept. What fails here is told, and
/// changes nothing about the run.
enum RunKeeping {
    static func keep(_ report: RunReport, _ context: RunContext, _ settings: Settings) async {
        do {
            try context.logs?.keep(report)
        } catch {
            await RoostCommandLine.complain("the run's report can't be kept: \(error)")
        }
        do {
            let retention = RunRetention(count: settings.keepRuns, age: settings.keepRunsFor)
            guard let removal = try await RunsFolder(project: context.projectFolder)?.tidied(retention),
                let first = removal.problems.first
            else { return }
            let more = removal.problems.count > 1 ? ", and \(removal.problems.count - 1) more" : ""
            await RoostCommandLine.complain("what older runs left can't be removed: \(first)\(more)")
        } catch {
            await RoostCommandLine.complain("what older runs left can't be removed: \(error)")
        }
    }
}
