import ArgumentParser
import Doctor
import Foundation
import Pipeline

/// `roost doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check whether the engine and this machine are fit for use.",
        discussion: """
            Each check says ok, warns or fails, and says what to do where it is not ok. It changes nothing, and ends \
            within 15 seconds even where the engine never answers.

            The exit code is 0 unless a check fails, warnings included, and 125 where one does.

            EXAMPLE
              roost doctor
              roost doctor --format json | jq '.checks[] | select(.verdict != "ok")'
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Option(help: "text or json (roost.doctor/1).")
    var format = Format.text

    @OptionGroup var engine: EngineOptions
    @OptionGroup var appearance: AppearanceOptions

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let examination = DoctorExamination(
            environment: environment,
            host: engine.host,
            workingFolder: URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
        )
        let style = OutputStyle.detect(
            descriptor: STDOUT_FILENO,
            color: appearance.color ?? .auto,
            environment: environment
        )
        let (output, exitCode) = try await examination.run(format: format, style: style)
        // The diagnosis is what was asked for, so that it is data in either form.
        try OutputWriter.standardOutput.enqueue(output)
        try await OutputWriter.standardOutput.flush()
        if exitCode != 0 { throw ExitCode(exitCode) }
    }
}

/// An examination from its facts to its text, apart from the process that it runs in.
struct DoctorExamination {
    let environment: [String: String]
    var host: String?
    let workingFolder: URL
    var patience = FactReader.Patience()

    /// - Returns: What goes to standard output, and the exit code.
    /// - Throws: `CancellationError`.
    func run(format: DoctorCommand.Format, style: OutputStyle) async throws -> (output: [UInt8], exitCode: Int32) {
        let reader = FactReader(environment: environment, host: host, project: project, patience: patience)
        let diagnosis = Diagnosis(try await reader.read())
        switch format {
        case .text:
            let lines = DiagnosisText(theme: Theme(style), columns: style.columns).lines(diagnosis)
            return (Array((lines.joined(separator: "\n") + "\n").utf8), diagnosis.exitCode)
        case .json:
            return (try DiagnosisJSON.render(diagnosis), diagnosis.exitCode)
        }
    }

    /// The folder of the pipeline's file, else the one that the verb is called in.
    private var project: URL {
        (try? PipelineLocator.find(from: workingFolder))?.url.deletingLastPathComponent() ?? workingFolder
    }
}
