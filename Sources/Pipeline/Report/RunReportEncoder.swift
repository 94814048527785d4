import Foundation

/// Writes the end of a run as `roost.report/1`, described in `docs/events.md`.
package enum RunReportEncoder {
    /// The name and version of the format; fields are only ever added within a version.
    package static let schema = "roost.report/1"

    /// The report as indented JSON, its keys sorted, ended by a line break.
    ///
    /// - Throws: `EncodingError`, which no report that can be built leads to.
    package static func encode(_ report: RunReport) throws -> [UInt8] {
        [UInt8](try WireJSON.encoder(pretty: true).encode(RunReportWire(report))) + [UInt8(ascii: "\n")]
    }

    /// Writes the report to a file.
    ///
    /// A regular file is replaced in one move, so that a reader never sees half a report; a device such as
    /// `/dev/stdout` is written to. Opening a pipe waits for its reader. A symbolic link stays: its target is what is
    /// written.
    ///
    /// - Throws: The file system's error.
    package static func write(_ report: RunReport, to path: String) throws {
        try ReportFile(path).write(Data(try encode(report)))
    }
}
