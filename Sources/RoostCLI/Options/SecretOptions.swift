import ArgumentParser
import Foundation
import Pipeline

/// Where the values of secrets come from, beside the caller's variables. A value itself is never an argument, which every
/// user of the machine can see.
struct SecretOptions: ParsableArguments {
    @Option(
        name: .customLong("secret-file"),
        help: ArgumentHelp(
            "The file that holds a secret, or a file of NAME=value lines. Repeatable.",
            discussion: "Without it, a secret is the value of the variable of its name.",
            valueName: "NAME=file|file"
        )
    )
    var files: [String] = []

    /// Reads the values of all secrets that the pipeline's steps get.
    ///
    /// - Returns: The values.
    /// - Throws: ``UsageError`` with everything that is missing or wrong.
    func load(for definition: PipelineDefinition) throws -> RunSecrets {
        // The files of a pipeline without secrets are nobody's business, and neither is what is wrong with them.
        guard !definition.secretNames.isEmpty else { return .none }
        do {
            var sources = SecretSources(environment: ProcessInfo.processInfo.environment)
            for file in files { try sources.add(file: file) }
            return try sources.values(of: definition)
        } catch {
            throw UsageError(description: "\(error)")
        }
    }
}
