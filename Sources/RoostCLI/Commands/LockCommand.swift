import ArgumentParser
import Foundation
import ImagePull
import OCIDistribution
import Pipeline

/// `roost lock`.
struct LockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Write down which content each image of a pipeline has now.",
        discussion: """
            Asks the registries, where the engine would ask, for the digest that each tag names now, and writes them to \
            roost.lock beside the pipeline's file. 'roost run --locked' then takes exactly that content, whatever the \
            tags mean by then. Commit the file; run this again to move on.

            EXAMPLE
              roost lock && git add roost.lock
              roost run --locked
            """
    )

    @OptionGroup var file: PipelineFileOptions
    @OptionGroup var engine: EngineOptions

    func run() async throws {
        try file.enter()
        let settings = try SettingsLoader.load()
        let plan = PipelinePlan(try await file.load(), defaultMaxParallel: settings.maxParallel)
        let digests = try await EngineSession.with(try engine.configuration(), settings: settings) { session in
            try await session.makePuller { _ in }.digests(of: plan.images.map(\.reference))
        }
        let lock = LockFile(digests.map { LockFile.Entry(reference: $0.key, digest: $0.value) })
        let url = LockFileLoading.url(for: plan.definition.file)
        do {
            try Data(lock.render().utf8).write(to: url, options: .atomic)
        } catch {
            throw UsageError(
                description: "\(url.path(percentEncoded: false)) can't be written: \(error.localizedDescription)"
            )
        }
        let count = lock.entries.count
        try OutputWriter.standardError.enqueue(
            "\(url.path(percentEncoded: false)): \(count) image\(count == 1 ? "" : "s") locked\n"
        )
        try await OutputWriter.standardError.flush()
    }
}
