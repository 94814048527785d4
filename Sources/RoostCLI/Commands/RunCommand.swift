import ArgumentParser
import AsyncAlgorithms
import DockerEngine
import Foundation
import OCIDistribution
import Pipeline
import RoostCore

/// `roost run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a pipeline.",
        discussion: """
            Asks the registries for every image that the engine lacks, and stops with all definite answers at once \
            before any container is created. Then pulls in parallel, the first stage's images first, and runs each \
            stage as soon as its images are there.

            Progress, output and the final table go to standard error. With --format json, standard output carries \
            the events (roost.events/1), one a line, the last of them run.finished.

            Ctrl-C stops the containers and cleans up; a second one kills them. The exit codes are listed by \
            'roost --help'.

            EXAMPLE
              roost run
              roost run -f ci/roost.toml --report report.json
              roost run --format json | jq 'select(.type == "step.finished")'
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @OptionGroup var file: PipelineFileOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var pulling: PullSettingsOptions

    @Option(
        help: ArgumentHelp(
            "How many steps run at once.",
            discussion: "Wins over the pipeline's own max_parallel.",
            valueName: "count"
        )
    )
    var maxParallel: Int?

    @Option(
        help: ArgumentHelp(
            "How much memory running steps may be promised together, such as 8gb or 80%.",
            discussion: "Shared by all runs on the engine. Wins over the pipeline's own memory_budget.",
            valueName: "size"
        )
    )
    var memoryBudget: String?

    @Option(help: "text, or json: events (roost.events/1) on standard output.")
    var format = Format.text

    @Option(help: ArgumentHelp("Write the report (roost.report/1) to this file.", valueName: "file"))
    var report: String?

    @Flag(
        help: ArgumentHelp(
            "Take every image by the digest in roost.lock, beside the pipeline's file.",
            discussion: "An image that is not in it is an error; 'roost lock' writes it."
        )
    )
    var locked = false

    @Flag(
        help: ArgumentHelp(
            "Wipe what [workspace] names before the first step, whatever its wipe_when says.",
            discussion: "'roost wipe --dry-run' lists it."
        )
    )
    var wipe = false

    @OptionGroup var appearance: AppearanceOptions

    func run() async throws {
        let settings = try SettingsLoader.load(
            pulling: pulling,
            maxParallel: maxParallel,
            memoryBudget: memoryBudget,
            color: appearance.color
        )
        let definition = try await file.load()
        if wipe { try WipeCommand.check(definition) }
        let (plan, shortage) = plan(definition, settings)
        let lock = locked ? try LockFileLoading.load(for: plan) : nil
        try checkReportFolder()
        let configuration = try engine.configuration()
        let interruption = Interruption()
        let attempt = Attempt(warnings: shortage.map { [$0] } ?? [])
        let outcome: RunReport
        do {
            outcome = try await SignalWatch.during(interruption) {
                try await EngineSession.with(configuration, settings: settings, interruption: interruption) { session in
                    try await execute(plan, lock, session, settings, interruption, attempt)
                }
            }
        } catch {
            if !attempt.hasBegun.isOpen, !(error is UsageError) { await tell(error, ended: plan, attempt) }
            throw error
        }
        if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
    }

    /// The plan, with no more steps at once than this process has descriptors for, and what to tell where that is fewer.
    private func plan(_ definition: PipelineDefinition, _ settings: Settings) -> (plan: PipelinePlan, warning: String?)
    {
        func plan(_ override: Int?) -> PipelinePlan {
            PipelinePlan(
                definition,
                defaultMaxParallel: settings.maxParallel,
                override: override,
                isWipeAsked: wipe
            )
        }
        let wanted = plan(maxParallel)
        guard let limit = DescriptorLimit.current else { return (wanted, nil) }
        let capacity = StepCapacity(
            limit: limit.soft,
            open: DescriptorLimit.countOpen() ?? 0,
            processors: ProcessInfo.processInfo.activeProcessorCount,
            concurrentPulls: settings.maxConcurrentPulls
        )
        guard let warning = capacity.warning(for: wanted) else { return (wanted, nil) }
        return (plan(capacity.steps), warning)
    }

    /// A run from its name on, before it is known whether it will begin.
    private struct Attempt {
        let runID = RunID.next()
        let startedAt = Date()
        let start = ContinuousClock.now
        /// What the run is to tell before its first step.
        let warnings: [String]
        /// From then on the run tells its own end.
        let hasBegun = Latch()
    }

    /// Tells programs the end of a run that did not begin; people are told by the error itself.
    private func tell(_ error: any Error, ended plan: PipelinePlan, _ attempt: Attempt) async {
        let finished = RunReport.unbegun(
            plan,
            runID: attempt.runID,
            startedAt: attempt.startedAt,
            duration: .now - attempt.start,
            interruption: (error as? Interrupted)?.cause,
            exitCode: (error as? any ExitCoded)?.exitCode ?? 1,
            reason: "\(error)"
        )
        if format == .json {
            // The error decides the exit code, whether or not its event has a reader.
            let renderer = JSONRunRenderer(writer: .standardOutput)
            try? await renderer.handle(RunEvent(time: Date(), kind: .runFinished(finished)))
            try? await renderer.finish()
        }
        do {
            if let report { try write(finished, to: report) }
        } catch {
            await RoostCommandLine.complain("\(error)")
        }
    }

    private func execute(
        _ plan: PipelinePlan,
        _ lock: LockFile?,
        _ session: EngineSession,
        _ settings: Settings,
        _ interruption: Interruption,
        _ attempt: Attempt
    ) async throws -> RunReport {
        let context = try await interruption.cancelling({ .whileConnecting($0) }) {
            try await RunPreparation.context(
                for: plan,
                on: session.engine,
                runID: attempt.runID,
                // The flag wins over the file, the file over the settings.
                budget: memoryBudget == nil
                    ? plan.definition.memoryBudget ?? settings.memoryBudget : settings.memoryBudget,
                records: session.state.records
            )
        }
        attempt.hasBegun.open()
        let scribe = RunScribe(context: context, state: session.state)
        await scribe.begin()
        let run = PipelineRun(
            plan: plan,
            engine: session.engine,
            context: context,
            interruption: interruption,
            lock: lock,
            credentialWarnings: { attempt.warnings + session.credentialWarnings },
            makePuller: { session.makePuller($0) }
        )
        let events = AsyncChannel<RunEvent>()
        async let ended = run.execute(into: events)
        var outputFailure: (any Error)?
        do {
            switch format {
            case .text: try await textRenderer(settings).render(events)
            case .json: try await JSONRunRenderer(writer: .standardOutput).render(events)
            }
        } catch {
            outputFailure = error
            interruption.raise(.outputClosed)
            // The run goes on to its clean end; what it says now has no reader.
            for await _ in events {}
        }
        let finished = await ended
        await scribe.end(finished)
        if let report { try write(finished, to: report) }
        // A reader that has gone is told by the exit code; a full disk is a failure that has to be named.
        switch outputFailure as? OutputError {
        case .closed: return finished
        default:
            if let outputFailure { throw outputFailure }
            return finished
        }
    }

    /// A report that can't be written should not be found out after an hour.
    private func checkReportFolder() throws {
        guard let report else { return }
        let file = ReportFile(report)
        // Opening a pipe that nobody reads would wait for ever, at the very end of the run.
        guard file.form != .unusable, report != "-" else {
            throw UsageError(description: "the report can't be written to \(report): name a file, or /dev/stdout")
        }
        guard file.form == .written || FileManager.default.isWritableFile(atPath: file.folder) else {
            throw UsageError(
                description:
                    "the report can't be written to \(report): its folder is not there, or you may not write to it"
            )
        }
    }

    private func textRenderer(_ settings: Settings) -> TextRunRenderer {
        TextRunRenderer(
            writer: .standardError,
            descriptor: STDERR_FILENO,
            style: OutputStyle.detect(descriptor: STDERR_FILENO, color: settings.color)
        )
    }

    private func write(_ finished: RunReport, to path: String) throws {
        do {
            try RunReportEncoder.write(finished, to: path)
        } catch {
            throw UsageError(
                description:
                    "the report can't be written to \(path): \(error.localizedDescription) The run itself is over; "
                    + "name a file in a folder that is there and that you may write to"
            )
        }
    }
}
