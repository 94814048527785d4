import ArgumentParser
import AsyncAlgorithms
import DockerEngine
import Foundation
import ImagePull
import OCIDistribution
import Pipeline
import RoostCore

/// `roost pull`.
struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Pull images in parallel.",
        discussion: """
            Asks the registries for all images first; if one of them is definitely not to be had, all such are named \
            together and nothing is pulled. The same content under two names is pulled once. What fails for a moment is \
            tried again, four times in all.

            EXAMPLE
              roost pull alpine:3.20 python:3.13-slim
              roost pull --from roost.toml --always
            """
    )

    @Argument(help: ArgumentHelp("Images, such as alpine:3.20 or ghcr.io/org/tool@sha256:….", valueName: "image"))
    var images: [String] = []

    @Option(help: ArgumentHelp("Pull the images of this pipeline, the first stage's first.", valueName: "file"))
    var from: String?

    @Flag(help: "Pull also what is present, where the registry has something else by now.")
    var always = false

    @Flag(help: "With --from: take every image by the digest in roost.lock, beside the pipeline's file.")
    var locked = false

    @Option(help: "text, or json: events (roost.events/1) on standard output.")
    var format = RunCommand.Format.text

    @OptionGroup var engine: EngineOptions
    @OptionGroup var pulling: PullSettingsOptions
    @OptionGroup var appearance: AppearanceOptions

    func run() async throws {
        let settings = try SettingsLoader.load(pulling: pulling, color: appearance.color)
        let requests = try await requests()
        let configuration = try engine.configuration()
        let interruption = Interruption()
        let renderer = renderer(settings)
        do {
            try await SignalWatch.during(interruption) {
                try await EngineSession.with(configuration, settings: settings, interruption: interruption) { session in
                    do {
                        try await pull(requests, session, renderer, interruption)
                    } catch let failure where failure is PullFailures || failure is PullFailure {
                        for warning in session.credentialWarnings { await RoostCommandLine.complain(warning) }
                        throw failure
                    }
                }
            }
        } catch let error where error is UsageError || error is OutputError {
            // Nothing was begun, or there is no place left to tell an end in.
            throw error
        } catch {
            // What stopped the pulls is told and decides the exit code, whether or not its event could be written.
            _ = try? await renderer.finish(PullVerdict(error))
            // The display has told of a single image's failure already.
            if let failure = error as? PullFailure { throw ExitCode(failure.exitCode) }
            throw error
        }
        try await renderer.finish(PullVerdict(nil))
    }

    /// What is asked for, by the arguments and by the pipeline.
    private func requests() async throws -> [PullRequest] {
        guard !images.isEmpty || from != nil else {
            throw UsageError(description: "name an image, or a pipeline with --from FILE; see 'roost pull --help'")
        }
        guard !locked || from != nil else {
            throw UsageError(description: "--locked needs --from FILE: the lock file lies beside the pipeline's file")
        }
        let policy: PullPolicy? = always ? .always : nil
        var requests: [PullRequest] = []
        var problems: [String] = []
        for image in images {
            do {
                requests.append(
                    PullRequest(reference: try ImageReference(parsing: image), policy: policy ?? .missing)
                )
            } catch {
                problems.append("\(error)")
            }
        }
        guard problems.isEmpty else { throw UsageError(description: problems.joined(separator: "\n")) }
        if let from {
            var options = PipelineFileOptions()
            options.file = from
            let plan = PipelinePlan(try await options.load(), defaultMaxParallel: 1)
            let lock = locked ? try LockFileLoading.load(for: plan) : nil
            requests += plan.pullRequests(lock: lock, policy: policy)
        }
        return requests
    }

    private func renderer(_ settings: Settings) -> PullRenderer {
        switch format {
        case .text:
            PullRenderer(
                writer: .standardError,
                descriptor: STDERR_FILENO,
                style: OutputStyle.detect(descriptor: STDERR_FILENO, color: settings.color)
            )
        case .json: PullRenderer(jsonTo: .standardOutput)
        }
    }

    private func pull(
        _ requests: [PullRequest],
        _ session: EngineSession,
        _ renderer: PullRenderer,
        _ interruption: Interruption
    ) async throws {
        let events = AsyncChannel<PullEvent>()
        let puller = session.makePuller { await events.send($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Ends the display too, which so has shown all that came before.
                defer { events.finish() }
                try await interruption.cancelling({ Interrupted(cause: $0, consequence: "; what is pulled stays") }) {
                    try await puller.run(try await puller.resolve(requests))
                }
            }
            try await renderer.render(events)
            try await group.next()
        }
    }
}
