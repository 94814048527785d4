import Foundation
import RoostCore

/// The end of a run as JUnit XML, which CI systems show: a suite a stage, a case a step.
///
/// The form is that of Ant's and Maven's reports, which has no specification of its own; readers agree on `testsuites`,
/// `testsuite`, `testcase`, `failure`, `error`, `skipped` and `system-out`.
package enum JUnitReport {
    /// Writes the report to a file, by the rules of ``RunReportEncoder/write(_:to:)``.
    ///
    /// - Throws: The file system's error.
    package static func write(_ report: RunReport, to path: String) throws {
        try ReportFile(path).write(Data(render(report).utf8))
    }

    /// - Returns: A whole document in UTF-8, ended by a line break.
    package static func render(_ report: RunReport) -> String {
        var suites = report.stages.map(Suite.init)
        // Steps that never began are skipped, which readers count as no failure: the run's own one has to be a case.
        let isTold = suites.contains { $0.failures + $0.errors > 0 }
        if report.status != .succeeded, !isTold { suites.append(Suite(ofRun: report)) }

        let started = WireTime.text(report.startedAt)
        var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#]
        lines.append(
            tag(
                "testsuites",
                [
                    ("name", report.pipeline), ("tests", "\(suites.reduce(0) { $0 + $1.cases.count })"),
                    ("failures", "\(suites.reduce(0) { $0 + $1.failures })"),
                    ("errors", "\(suites.reduce(0) { $0 + $1.errors })"),
                    ("skipped", "\(suites.reduce(0) { $0 + $1.skipped })"),
                    ("time", seconds(report.duration)), ("timestamp", started),
                ]
            )
        )
        for suite in suites { lines += suite.lines(startedAt: started) }
        lines.append("</testsuites>")
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: - XML

    fileprivate static func tag(_ name: String, _ attributes: [(String, String)], closed: Bool = false) -> String {
        let written = attributes.map { " \($0.0)=\"\(XMLText.attribute($0.1))\"" }.joined()
        return "<\(name)\(written)\(closed ? "/" : "")>"
    }

    fileprivate static func element(_ name: String, _ attributes: [(String, String)], _ content: String) -> String {
        tag(name, attributes) + XMLText.content(content) + "</\(name)>"
    }

    /// Seconds with three digits behind a point, whatever the locale.
    fileprivate static func seconds(_ duration: Duration) -> String {
        let milliseconds = max(duration.wholeMilliseconds, 0)
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}

/// What a case came to.
private enum CaseOutcome {
    case passed
    case skipped
    /// The step's own.
    case failure
    /// The engine's, a registry's, or that of whoever interrupted the run.
    case error

    init(_ status: StepStatus) {
        self =
            switch status {
            case .succeeded: .passed
            case .skipped: .skipped
            case .failed, .timedOut, .oomKilled: .failure
            case .cancelled, .infrastructureError: .error
            }
    }
}

private struct Case {
    let name: String
    let outcome: CaseOutcome
    /// The status in the words of `roost.report/1`.
    let type: String
    let reason: String?
    let duration: Duration
    let output: [LogLine]
}

private struct Suite {
    let name: String
    let duration: Duration
    let cases: [Case]

    init(_ stage: StageReport) {
        name = stage.name
        duration = stage.duration
        cases = stage.steps.map { step in
            Case(
                name: step.id.step,
                outcome: CaseOutcome(step.status),
                type: step.status.rawValue,
                reason: step.reason,
                duration: step.total,
                output: step.lastLines
            )
        }
    }

    /// The one case of a run that failed though none of its steps did.
    init(ofRun report: RunReport) {
        name = report.pipeline
        duration = report.duration
        cases = [
            Case(
                name: "run",
                outcome: .error,
                type: report.status.rawValue,
                reason: report.reason,
                duration: report.duration,
                output: []
            )
        ]
    }

    var failures: Int { cases.count { $0.outcome == .failure } }
    var errors: Int { cases.count { $0.outcome == .error } }
    var skipped: Int { cases.count { $0.outcome == .skipped } }

    func lines(startedAt: String) -> [String] {
        let heading = JUnitReport.tag(
            "testsuite",
            [
                ("name", name), ("tests", "\(cases.count)"), ("failures", "\(failures)"), ("errors", "\(errors)"),
                ("skipped", "\(skipped)"), ("time", JUnitReport.seconds(duration)), ("timestamp", startedAt),
            ]
        )
        return ["  " + heading] + cases.flatMap(lines(of:)) + ["  </testsuite>"]
    }

    private func lines(of test: Case) -> [String] {
        let attributes = [
            ("name", test.name), ("classname", name), ("time", JUnitReport.seconds(test.duration)),
        ]
        var content: [String] = []
        let reason = test.reason ?? test.type
        switch test.outcome {
        case .passed: break
        case .skipped: content.append(JUnitReport.tag("skipped", [("message", reason)], closed: true))
        case .failure:
            content.append(JUnitReport.element("failure", [("message", reason), ("type", test.type)], reason))
        case .error: content.append(JUnitReport.element("error", [("message", reason), ("type", test.type)], reason))
        }
        if !test.output.isEmpty {
            let text = test.output.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: "\n")
            content.append(JUnitReport.element("system-out", [], text))
        }
        guard !content.isEmpty else { return ["    " + JUnitReport.tag("testcase", attributes, closed: true)] }
        return ["    " + JUnitReport.tag("testcase", attributes)] + content.map { "      " + $0 } + ["    </testcase>"]
    }
}
