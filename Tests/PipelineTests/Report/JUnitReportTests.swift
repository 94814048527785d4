import Foundation
import RoostCore
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@testable import Pipeline

/// Reads a document as CI systems do: elements with their attributes, and their text.
private final class JUnitReader: NSObject, XMLParserDelegate {
    struct Element {
        let name: String
        let attributes: [String: String]
        var text = ""
    }

    private(set) var elements: [Element] = []
    private var open: [Int] = []

    /// `nil` where the text is not well-formed.
    static func read(_ text: String) -> [Element]? {
        let reader = JUnitReader()
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = reader
        return parser.parse() ? reader.elements : nil
    }

    func parser(
        _: XMLParser,
        didStartElement name: String,
        namespaceURI _: String?,
        qualifiedName _: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    func parser(_: XMLParser, foundCharacters text: String) {
        if let last = open.last { elements[last].text += text }
    }

    func parser(_: XMLParser, didEndElement _: String, namespaceURI _: String?, qualifiedName _: String?) {
        open.removeLast()
    }
}

@Suite("JUnit reports")
struct JUnitReportTests {
    private func step(_ name: String, _ status: StepStatus, _ reason: String? = nil, _ lines: [String] = [])
        -> StepReport
    {
        var step = StepReport(id: StepID(stage: "s", step: name), image: "a", status: status)
        step.reason = reason
        step.phases = [.run: .milliseconds(1042)]
        step.lastLines = lines.map { LogLine(stream: .stdout, bytes: Array($0.utf8), continues: false) }
        return step
    }

    private func report(_ status: RunReport.RunStatus, _ steps: [StepReport], reason: String? = nil) -> RunReport {
        var report = RunReport(
            runID: "r",
            pipeline: "demo",
            status: status,
            exitCode: status == .succeeded ? 0 : 1,
            startedAt: Date(timeIntervalSince1970: 1_769_847_330),
            duration: .milliseconds(4200),
            stages: [StageReport(name: "s", status: .succeeded, duration: .milliseconds(70), steps: steps)]
        )
        report.reason = reason
        return report
    }

    @Test("each status is what a CI system takes it for, with reason, time and last lines")
    func statuses() throws {
        let text = JUnitReport.render(
            report(
                .failed,
                [
                    step("good", .succeeded), step("bad", .failed, "exited with 2", ["one", "two"]),
                    step("slow", .timedOut, "too long"), step("big", .oomKilled, "too big"),
                    step("lost", .infrastructureError, "engine lost"), step("cut", .cancelled, "stopped"),
                    step("later", .skipped, "s/bad failed"),
                ]
            )
        )
        let elements = try #require(JUnitReader.read(text))
        let suite = try #require(elements.first { $0.name == "testsuite" })
        #expect(
            suite.attributes == [
                "name": "s", "tests": "7", "failures": "3", "errors": "2", "skipped": "1", "time": "0.070",
                "timestamp": "2026-01-31T08:15:30.000Z",
            ]
        )
        let root = try #require(elements.first)
        #expect(root.name == "testsuites")
        #expect(root.attributes["failures"] == "3" && root.attributes["time"] == "4.200")
        let cases = elements.filter { $0.name == "testcase" }
        #expect(cases.map { $0.attributes["name"] } == ["good", "bad", "slow", "big", "lost", "cut", "later"])
        #expect(cases.allSatisfy { $0.attributes["time"] == "1.042" && $0.attributes["classname"] == "s" })
        let failures = elements.filter { $0.name == "failure" }
        #expect(failures.map { $0.attributes["type"] } == ["failed", "timed_out", "oom_killed"])
        #expect(failures.first?.attributes["message"] == "exited with 2")
        #expect(failures.first?.text == "exited with 2")
        #expect(
            elements.filter { $0.name == "error" }.map { $0.attributes["type"] } == [
                "infrastructure_error", "cancelled",
            ]
        )
        #expect(elements.first { $0.name == "skipped" }?.attributes["message"] == "s/bad failed")
        #expect(elements.first { $0.name == "system-out" }?.text == "one\ntwo")
    }

    @Test("a run that failed without a failed step is an error of its own, never all skipped")
    func runFailure() throws {
        let text = JUnitReport.render(
            report(.infrastructureError, [step("x", .skipped, "the run did not begin")], reason: "no engine")
        )
        let elements = try #require(JUnitReader.read(text))
        #expect(elements.first?.attributes["errors"] == "1")
        #expect(elements.first { $0.name == "error" }?.text == "no engine")
        let fine = try #require(JUnitReader.read(JUnitReport.render(report(.succeeded, [step("x", .succeeded)]))))
        #expect(fine.filter { $0.name == "testcase" }.count == 1)
    }

    @Test("names, reasons and output of any kind leave the document well-formed and say no markup")
    func hostile() throws {
        let nasty = "a<b>&\"'\u{1}]]>\u{FFFE}\u{1B}[31mred\u{1B}[0m\tx\r\ny\u{9B}5m</system-out>é😀"
        let text = JUnitReport.render(report(.failed, [step(nasty, .failed, nasty, [nasty, nasty])]))
        let elements = try #require(JUnitReader.read(text))
        let clean = "a<b>&\"']]>red\tx\ny5m</system-out>é😀"
        #expect(elements.first { $0.name == "testcase" }?.attributes["name"] == clean)
        #expect(elements.first { $0.name == "failure" }?.attributes["message"] == clean)
        #expect(elements.first { $0.name == "failure" }?.text == clean)
        #expect(elements.first { $0.name == "system-out" }?.text == clean + "\n" + clean)
    }

    @Test("random bytes never break the document")
    func random() {
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0...80)).map { _ in UInt8.random(in: 0...255) }
            var step = step("x", .failed, String(decoding: bytes, as: UTF8.self))
            step.lastLines = [LogLine(stream: .stdout, bytes: bytes, continues: false)]
            #expect(JUnitReader.read(JUnitReport.render(report(.failed, [step]))) != nil, "\(bytes)")
        }
    }
}
