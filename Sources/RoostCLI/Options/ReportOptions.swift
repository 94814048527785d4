import ArgumentParser
import Foundation
import Pipeline

/// The files that a run's end is written to.
struct ReportOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Write the report (roost.report/1) to this file.", valueName: "file"))
    var report: String?

    @Option(
        help: ArgumentHelp(
            "Write the steps as JUnit XML to this file, a suite a stage, a case a step.",
            valueName: "file"
        )
    )
    var junit: String?

    /// A report that can't be written should not be found out after an hour.
    ///
    /// - Throws: ``UsageError``.
    func check() throws {
        for (name, path) in files {
            let file = ReportFile(path)
            // Opening a pipe that nobody reads would wait for ever, at the very end of the run.
            guard file.form != .unusable, path != "-" else {
                throw UsageError(description: "the \(name) can't be written to \(path): name a file, or /dev/stdout")
            }
            guard file.form == .written || FileManager.default.isWritableFile(atPath: file.folder) else {
                throw UsageError(
                    description:
                        "the \(name) can't be written to \(path): its folder is not there, or you may not write to it"
                )
            }
        }
        guard let report, let junit else { return }
        let places = (ReportFile(report), ReportFile(junit))
        guard places.0.form == .written || places.0.url.standardizedFileURL != places.1.url.standardizedFileURL else {
            throw UsageError(description: "--report and --junit name the same file, \(report): name two")
        }
    }

    /// Writes all that is asked for, also where one of them can't be written.
    ///
    /// - Throws: ``UsageError`` with what could not be written.
    func write(_ finished: RunReport) throws {
        var problems: [String] = []
        for (name, path) in files {
            do {
                switch name {
                case .report: try RunReportEncoder.write(finished, to: path)
                case .junit: try JUnitReport.write(finished, to: path)
                }
            } catch {
                problems.append(
                    "the \(name) can't be written to \(path): \(error.localizedDescription) The run itself is over; "
                        + "name a file in a folder that is there and that you may write to"
                )
            }
        }
        if !problems.isEmpty { throw UsageError(description: problems.joined(separator: "\n")) }
    }

    private enum Form: CustomStringConvertible {
        case report, junit

        var description: String {
            switch self {
            case .report: "report"
            case .junit: "JUnit report"
            }
        }
    }

    private var files: [(form: Form, path: String)] {
        [(Form.report, report), (.junit, junit)].compactMap { form, path in path.map { (form, $0) } }
    }
}
