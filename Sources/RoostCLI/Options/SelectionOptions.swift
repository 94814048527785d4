import ArgumentParser
import Foundation
import Pipeline
import RoostCore

/// Which of a pipeline's steps a verb is about, and what the caller's variables add to them.
struct SelectionOptions: ParsableArguments {
    @Option(
        name: .customLong("step"),
        help: ArgumentHelp(
            "Only this step: STAGE/STEP, a step's name, or all instances of a matrix. Repeatable.",
            discussion: "What it needs is not run unless it is selected too.",
            valueName: "name"
        )
    )
    var steps: [String] = []

    @Option(
        name: .customLong("stage"),
        help: ArgumentHelp("Only the steps of this stage, beside those of --step. Repeatable.", valueName: "name")
    )
    var stages: [String] = []

    @Option(help: ArgumentHelp("Leave out the stages before this one.", valueName: "stage"))
    var from: String?

    @Flag(
        help: ArgumentHelp(
            "Only what the latest run of this file left to do.",
            discussion: "Its steps that did not succeed, and those of its steps that come after one of them."
        )
    )
    var rerunFailed = false

    @Option(
        name: .customLong("env"),
        help: ArgumentHelp(
            "A variable for every step; NAME alone takes the caller's value. Repeatable.",
            discussion: "Wins over --env-file, and that over the file.",
            valueName: "NAME=value"
        )
    )
    var variables: [String] = []

    @Option(
        name: .customLong("env-file"),
        help: ArgumentHelp(
            "Variables for every step, a line each, as 'docker run' reads them. Repeatable.",
            valueName: "file"
        )
    )
    var variableFiles: [String] = []

    /// Reads the pipeline and takes the selected part of it, with the caller's variables.
    ///
    /// - Parameter file: Where the pipeline is.
    /// - Returns: What is to be run or shown.
    /// - Throws: ``UsageError``.
    func load(_ file: PipelineFileOptions) async throws -> PipelineDefinition {
        var environment = ProcessInfo.processInfo.environment
        let added = try callerVariables(environment)
        // What the caller gives also answers an entry of the file that names a variable without a value.
        for variable in added { environment[variable.name] = variable.value }
        let definition = try await file.load(environment: environment)
        var selection = Selection(steps: steps, stages: stages, from: from)
        if rerunFailed { selection.rerun = try latestRun(of: definition) }
        if let conflict = definition.conflict(with: added) { throw UsageError(description: conflict) }
        do {
            return try selection.apply(to: definition).adding(added)
        } catch {
            throw UsageError(description: error.description)
        }
    }

    private func callerVariables(_ environment: [String: String]) throws -> [EnvironmentVariable] {
        var added: [EnvironmentVariable] = []
        for path in variableFiles {
            do {
                added += try CallerVariables.parse(file: try read(path), environment: environment)
            } catch {
                throw UsageError(description: "--env-file \(path): \(error)")
            }
        }
        for text in variables {
            do {
                added.append(try CallerVariables.parse(text, environment: environment))
            } catch {
                throw UsageError(description: "--env: \(error)")
            }
        }
        return added
    }

    /// The file may be a pipe, such as a shell's `<(…)`; no more is read than can be used.
    private func read(_ path: String) throws(CallerVariables.Problem) -> Data {
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            return try handle.read(upToCount: CallerVariables.largestFile + 1) ?? Data()
        } catch {
            throw CallerVariables.Problem(description: "can't be read: \(error.localizedDescription)")
        }
    }

    private func latestRun(of definition: PipelineDefinition) throws -> Rerun {
        let project = RunPreparation.projectFolder(of: definition)
        let name = definition.file.url.lastPathComponent
        let latest = try RunsFolder(project: project)?.latest { $0.file == name }
        guard let latest else {
            throw UsageError(
                description: "no run of \(definition.file.shownName) has a report in .roost/runs: there is nothing to "
                    + "run again"
            )
        }
        return Rerun(latest)
    }
}
