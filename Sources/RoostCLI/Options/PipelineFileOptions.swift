import ArgumentParser
import Foundation
import Pipeline
import RoostCore

/// Which pipeline a verb is about.
struct PipelineFileOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp(
            "The pipeline's file.",
            discussion: "Without it, roost.toml and then ciroach.toml are looked for here and in each folder above.",
            valueName: "file"
        )
    )
    var file: String?

    @Option(
        name: [.customShort("C"), .long],
        help: ArgumentHelp(
            "Change to this folder before anything else.",
            discussion: "All other paths are then relative to it.",
            valueName: "folder"
        )
    )
    var directory: String?

    /// Changes to the folder that `-C` names; to be called once, before any path is used.
    ///
    /// - Throws: ``UsageError`` where that can't be done.
    func enter() throws {
        guard let directory else { return }
        guard chdir(directory) == 0 else {
            throw UsageError(
                description: "can't change to the folder \(directory): \(String(cString: strerror(errno)))"
            )
        }
    }

    /// Where the file is.
    func locate() throws -> PipelineFile {
        let folder = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
        if let file { return PipelineLocator.file(named: file, from: folder) }
        do {
            return try PipelineLocator.find(from: folder)
        } catch {
            throw UsageError(description: "\(error)")
        }
    }

    /// Reads and checks the pipeline, and prints what is wrong with it.
    ///
    /// - Parameter environment: For `env` entries that name a variable without a value.
    /// - Returns: The pipeline and all that was remarked.
    /// - Throws: ``UsageError`` where there is no file that can be read.
    func check(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> (pipeline: PipelineDefinition?, diagnostics: [Diagnostic]) {
        let file = try locate()
        let text: String
        do {
            text = try PipelineLocator.read(file)
        } catch {
            throw UsageError(description: "\(error)")
        }
        let parsed = PipelineParser.parse(text: text, file: file, environment: environment)
        return (parsed.0, parsed.1.sortedByPosition())
    }

    /// The pipeline where it has no errors; the remarks are printed either way.
    ///
    /// - Throws: ``UsageError`` where it has errors.
    func load(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> PipelineDefinition {
        let (pipeline, diagnostics) = try check(environment: environment)
        for diagnostic in diagnostics { try OutputWriter.standardError.enqueue("\(diagnostic)\n") }
        guard let pipeline, !diagnostics.hasErrors else {
            let count = diagnostics.count { $0.severity == .error }
            throw UsageError(description: "the pipeline has \(count) error\(count == 1 ? "" : "s"); nothing was run")
        }
        return pipeline
    }
}
