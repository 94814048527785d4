import ArgumentParser
import DockerEngine
import Foundation
import ImagePull
import Pipeline
import RoostCore

/// `roost wipe`.
struct WipeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wipe",
        abstract: "Remove what builds left in the project folder.",
        discussion: """
            Removes what [workspace] wipe of the pipeline's file names, and nothing outside the project folder: symbolic \
            links are removed, never followed, and a wipe stops where something is mounted. The repository, .roost and \
            the pipeline's file stay.

            Where an engine answers, what killed runs left is removed first, so that nothing writes into the folder any more. Beyond \
            that it is asked only for what you may not remove yourself, such as folders of root, which one of the \
            pipeline's images then removes in a container. The exit code is 125 where something could not be removed.

            EXAMPLE
              roost wipe --dry-run
              roost wipe -f ci/roost.toml
              roost wipe --dry-run --format json | jq -r '.removed[].path'
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @OptionGroup var file: PipelineFileOptions

    @Flag(help: "Only say what would be removed.")
    var dryRun = false

    @Option(help: "text or json (roost.wipe/1).")
    var format = Format.text

    @OptionGroup var engine: EngineOptions

    /// - Throws: ``UsageError`` where a pipeline names nothing to wipe.
    static func check(_ definition: PipelineDefinition) throws {
        guard definition.workspace.wipe.isEmpty else { return }
        throw UsageError(
            description: "\(definition.file.shownName) names nothing to wipe: add [workspace] with, for example, "
                + "wipe = [\"target\"]"
        )
    }

    func run() async throws {
        try file.enter()
        let definition = try await file.load()
        try Self.check(definition)
        let folder = RunPreparation.projectFolder(of: definition)
        let interruption = Interruption()
        let outcome = try await SignalWatch.during(interruption) { () async throws -> WipeOutcome? in
            if !dryRun { try await stopKilledRuns(interruption) }
            let wipe = WorkspaceWipe(definition, projectFolder: folder, stop: interruption.stop)
            let plan = try await wipe.plan()
            if dryRun {
                try await write(WipeText.render(plan), try WipeJSON.render(plan, projectFolder: folder))
                return nil
            }
            let use = try WorkspaceUse(folder)
            try await use.takeAlone(until: interruption.stop)
            let outcome = try await carryOut(wipe, plan, definition, folder, interruption)
            try await write(WipeText.render(outcome), try WipeJSON.render(outcome, projectFolder: folder))
            return withExtendedLifetime(use) { outcome }
        }
        if let cause = interruption.cause { throw Interrupted(cause: cause, consequence: "; what is left stays") }
        if let outcome, !outcome.failures.isEmpty { throw ExitCode(125) }
    }

    /// Removes what killed runs left, where an engine answers: a container that still runs would write on into the folder.
    private func stopKilledRuns(_ interruption: Interruption) async throws {
        let state = RoostFolders(environment: ProcessInfo.processInfo.environment).state
        // Where nothing was ever run from here, there is nothing to ask an engine for.
        guard FileManager.default.fileExists(atPath: state.appending(path: "installation").path(percentEncoded: false)),
            let configuration = try? engine.configuration()
        else { return }
        let warnings = try await interruption.cancelling({ .whileConnecting($0) }) {
            try await Self.tidyUp(configuration)
        }
        for warning in warnings { await RoostCommandLine.complain(warning) }
    }

    /// - Returns: What was done or went wrong; nothing where no engine answers, which a wipe can do without.
    /// - Throws: `CancellationError`.
    private static func tidyUp(_ configuration: EngineConfiguration) async throws -> [String] {
        do {
            return try await EngineClient.with(
                configuration.endpoint,
                requestedVersion: configuration.requestedVersion
            ) { engine in
                let state = try await withDeadline(.seconds(5), "asking the engine") {
                    try await EngineState.load(of: engine).state
                }
                return state.records == nil ? [] : try await state.tidyUp(engine)
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            return []
        }
    }

    /// Removes what the caller may remove, and only then, for what is left, asks the engine.
    private func carryOut(
        _ wipe: WorkspaceWipe,
        _ plan: WipePlan,
        _ definition: PipelineDefinition,
        _ folder: String,
        _ interruption: Interruption
    ) async throws -> WipeOutcome {
        try await wipe.apply(plan) { helper in
            let settings = try SettingsLoader.load()
            let installation = try Installation.load(
                from: RoostFolders(environment: ProcessInfo.processInfo.environment).state
            )
            let configuration = try engine.configuration()
            try await EngineSession.with(configuration, settings: settings, interruption: interruption) { session in
                let container = WorkspaceContainer(
                    engine: session.engine,
                    installation: installation,
                    runID: .next(),
                    projectFolder: folder,
                    fileName: definition.file.url.lastPathComponent,
                    interruption: interruption,
                    images: {
                        let pipeline = PipelinePlan(definition, defaultMaxParallel: 1)
                        return try await WorkspaceContainer.images(of: pipeline, on: session.engine) { step in
                            try await session.makePuller { _ in }.pullAgain(step.image, policy: step.pull)
                        }
                    }
                )
                try await helper(container)
            }
        }
    }

    private func write(_ text: String, _ json: Data) async throws {
        switch format {
        case .text: try OutputWriter.standardOutput.enqueue(text)
        case .json: try OutputWriter.standardOutput.enqueue([UInt8](json))
        }
        try await OutputWriter.standardOutput.flush()
    }
}

extension WorkspaceInUse: ExitCoded {
    var exitCode: Int32 { 125 }
}

extension WorkspaceUnreadable: ExitCoded {
    var exitCode: Int32 { 125 }
}
