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
              roost run -f ci/roost.toml --report report.json --junit junit.xml
              roost run --step unit --env LOG=debug
              roost run --secret-file NPM_TOKEN=<(pass show npm)
              roost run --from test --dry-run
              roost run --rerun-failed
              roost run --watch --step unit
              roost run --format json | jq 'select(.type == "step.finished")'
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @OptionGroup var file: PipelineFileOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var secrets: SecretOptions
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

    @OptionGroup var reports: ReportOptions

    @Flag(
        help: ArgumentHelp(
            "Only show the plan that a run with these flags would carry out.",
            discussion: "Nothing is asked, made or changed. With --format json the plan is roost.plan/1."
        )
    )
    var dryRun = false

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

    @Flag(
        help: ArgumentHelp(
            "Run again whenever something in the project folder changes, until Ctrl-C.",
            discussion:
                "What git ignores, what [workspace] wipe names and what the run itself makes does not count."
        )
    )
    var watch = false

    @OptionGroup var permissions: PermissionOptions
    @OptionGroup var keeping: KeepRunsOptions
    @OptionGroup var appearance: AppearanceOptions

    func validate() throws {
        guard watch else { return }
        if dryRun { throw ValidationError("--watch runs the pipeline, and --dry-run does not: choose one") }
        if selection.rerunFailed {
            throw ValidationError(
                "--watch runs the same steps at each change, and --rerun-failed fewer each time: choose one"
            )
        }
    }

    func run() async throws {
        try file.enter()
        let interruption = Interruption()
        if watch {
            // What is wrong with the flags no change of a file mends.
            _ = try (settings(), engine.configuration(), reports.check())
            try RunWatch.refuse(readOnce: selection.variableFiles + secrets.files)
            let watching = try RunWatch(file: file, reports: reports, interruption: interruption)
            throw ExitCode(
                try await SignalWatch.during(interruption) {
                    try await watching.run { try await carryOut(try await prepare(), interruption).exitCode }
                }
            )
        }
        let prepared = try await prepare()
        if dryRun { return try await show(prepared.plan, warning: prepared.shortage) }
        let outcome = try await SignalWatch.during(interruption) { try await carryOut(prepared, interruption) }
        if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
    }

    /// All that a run needs and that can be wrong before an engine is asked.
    private struct Prepared {
        let settings: Settings
        let plan: PipelinePlan
        /// `nil` where the system does not tell how many files there may be.
        let limits: RunScheduler.Limits?
        /// What to tell where fewer steps run at once than could.
        let shortage: String?
        let lock: LockFile?
        let secrets: RunSecrets
    }

    private func settings() throws -> Settings {
        try SettingsLoader.load(
            pulling: pulling,
            maxParallel: maxParallel,
            memoryBudget: memoryBudget,
            keeping: keeping,
            permissions: permissions,
            color: appearance.color
        )
    }

    private func prepare() async throws -> Prepared {
        let settings = try settings()
        let definition = try await selection.load(file)
        try PermissionOptions.check(definition, settings)
        if wipe { try WipeCommand.check(definition) }
        let (plan, limits, shortage) = plan(definition, settings)
        let lock = locked ? try LockFileLoading.load(for: plan) : nil
        try reports.check()
        // A dry run needs the values of no secrets.
        let secrets = dryRun ? RunSecrets.none : try secrets.load(for: definition)
        return Prepared(
            settings: settings,
            plan: plan,
            limits: limits,
            shortage: shortage,
            lock: lock,
            secrets: secrets
        )
    }

    private func carryOut(_ prepared: Prepared, _ interruption: Interruption) async throws -> RunReport {
        let configuration = try engine.configuration()
        let (plan, settings) = (prepared.plan, prepared.settings)
        let attempt = Attempt(secrets: prepared.secrets, warnings: prepared.shortage.map { [$0] } ?? [])
        do {
            return try await EngineSession.with(configuration, settings: settings, interruption: interruption) {
                try await execute(prepared, $0, interruption, attempt)
            }
        } catch {
            if !attempt.hasBegun.isOpen, !(error is UsageError) { await tell(error, ended: plan, attempt) }
            throw error
        }
    }

    /// The plan, with no more steps at once than this process has descriptors for, and what to tell where that is fewer.
    private func plan(
        _ definition: PipelineDefinition,
        _ settings: Settings
    ) -> (plan: PipelinePlan, limits: RunScheduler.Limits?, warning: String?) {
        func plan(_ override: Int?) -> PipelinePlan {
            PipelinePlan(
                definition,
                defaultMaxParallel: settings.maxParallel,
                override: override,
                isWipeAsked: wipe
            )
        }
        let wanted = plan(maxParallel)
        guard let limit = DescriptorLimit.current else { return (wanted, nil, nil) }
        let capacity = StepCapacity(
            limit: limit.soft,
            open: DescriptorLimit.countOpen() ?? 0,
            processors: ProcessInfo.processInfo.activeProcessorCount,
            concurrentPulls: settings.maxConcurrentPulls,
            services: wanted.services.map(\.services.count).max() ?? 0
        )
        let warning = capacity.warning(for: wanted)
        let possible = warning == nil ? wanted : plan(capacity.steps)
        return (possible, capacity.limits(for: possible), warning)
    }

    /// A run from its name on, before it is known whether it will begin.
    private struct Attempt {
        let runID = RunID.next()
        let startedAt = Date()
        let start = ContinuousClock.now
        let secrets: RunSecrets
        /// What the run is to tell before its first step.
        let warnings: [String]
        /// From then on the run tells its own end.
        let hasBegun = Latch()
    }

    /// Tells programs the end of a run that did not begin; people are told by the error itself.
    private func tell(_ error: any Error, ended plan: PipelinePlan, _ attempt: Attempt) async {
        var finished = RunReport.unbegun(
            plan,
            runID: attempt.runID,
            startedAt: attempt.startedAt,
            duration: .now - attempt.start,
            interruption: (error as? Interrupted)?.cause,
            exitCode: (error as? any ExitCoded)?.exitCode ?? RoostCommandLine.unforeseen,
            reason: "\(error)"
        )
        if let mask = attempt.secrets.mask { finished = finished.masked(by: mask) }
        if format == .json {
            // The error decides the exit code, whether or not its event has a reader.
            let renderer = JSONRunRenderer(writer: .standardOutput)
            try? await renderer.handle(RunEvent(time: Date(), kind: .runFinished(finished)))
            try? await renderer.finish()
        } else if let places = GitHubPlaces(plan, environment: ProcessInfo.processInfo.environment) {
            try? OutputWriter.standardError.enqueue(places.remarks(on: finished))
        }
        do {
            try reports.write(finished)
        } catch {
            await RoostCommandLine.complain("\(error)")
        }
    }

    private func execute(
        _ prepared: Prepared,
        _ session: EngineSession,
        _ interruption: Interruption,
        _ attempt: Attempt
    ) async throws -> RunReport {
        let (plan, settings) = (prepared.plan, prepared.settings)
        let context = try await interruption.cancelling({ .whileConnecting($0) }) {
            try await RunPreparation.context(
                for: plan,
                on: session.engine,
                info: session.state.info,
                runID: attempt.runID,
                // The flag wins over the file, the file over the settings.
                budget: memoryBudget == nil
                    ? plan.definition.memoryBudget ?? settings.memoryBudget : settings.memoryBudget,
                records: session.state.records,
                secrets: attempt.secrets
            )
        }
        attempt.hasBegun.open()
        let scribe = RunScribe(context: context, state: session.state)
        await scribe.begin()
        let run = PipelineRun(
            plan: plan,
            engine: session.engine,
            context: context,
            limits: prepared.limits,
            interruption: interruption,
            lock: prepared.lock,
            credentialWarnings: { attempt.warnings + session.credentialWarnings },
            makePuller: { session.makePuller($0) }
        )
        let events = AsyncChannel<RunEvent>()
        async let ended = run.execute(into: events)
        var outputFailure: (any Error)?
        do {
            switch format {
            case .text: try await textRenderer(settings, plan).render(events)
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
        await RunKeeping.keep(finished, context, settings)
        try reports.write(finished)
        // A reader that has gone is told by the exit code; a full disk is a failure that has to be named.
        switch outputFailure as? OutputError {
        case .closed: return finished
        default:
            if let outputFailure { throw outputFailure }
            return finished
        }
    }

    /// Prints the plan instead of carrying it out.
    private func show(_ plan: PipelinePlan, warning: String?) async throws {
        if let warning { await RoostCommandLine.complain(warning) }
        switch format {
        case .text: try OutputWriter.standardOutput.enqueue(PlanText.render(plan))
        case .json: try OutputWriter.standardOutput.enqueue([UInt8](try PlanJSON.render(plan)))
        }
        try await OutputWriter.standardOutput.flush()
    }

    private func textRenderer(_ settings: Settings, _ plan: PipelinePlan) -> TextRunRenderer {
        let style = OutputStyle.detect(descriptor: STDERR_FILENO, color: settings.color)
        guard let places = GitHubPlaces(plan, environment: ProcessInfo.processInfo.environment) else {
            return TextRunRenderer(writer: .standardError, descriptor: STDERR_FILENO, style: style)
        }
        return TextRunRenderer(writer: .standardError, descriptor: STDERR_FILENO, style: style, places: places)
    }
}
