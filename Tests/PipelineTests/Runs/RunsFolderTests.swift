import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("What runs leave in a project")
struct RunsFolderTests {
    /// Processes of which only some live.
    private struct Processes: ProcessFacts {
        let bootID = "boot"
        let pidNamespace: UInt64 = 0
        var living: Set<Int32> = []

        func process(_ pid: Int32) -> ProcessFact? { living.contains(pid) ? ProcessFact(startTime: 1) : nil }
    }

    private func id(daysAgo days: Double, _ random: UInt32 = 0xABCDEF) -> RunID {
        RunID(date: Date().addingTimeInterval(-86_400 * days), random: random)
    }

    private func report(_ id: RunID, steps: [StepReport] = []) -> RunReport {
        RunReport(
            runID: id.description,
            pipeline: "demo",
            status: .succeeded,
            exitCode: 0,
            startedAt: Date(timeIntervalSince1970: 1_769_847_330),
            duration: .seconds(3),
            stages: [StageReport(name: "s", status: .succeeded, duration: .seconds(2), steps: steps)]
        )
    }

    private func dead(_ pid: Int32 = 7) -> OwnerIdentity { OwnerIdentity(bootID: "boot", pid: pid, startTime: 1) }

    private func state(_ entry: RunEntry?) -> String? {
        switch entry?.state {
        case nil: nil
        case .ended: "ended"
        case .goingOn: "going on"
        case .cutOff: "cut off"
        case .unreadable: "unreadable"
        }
    }

    @Test("a run goes on while its process lives, was cut off where that died, and has ended where it has a report")
    func states() async throws {
        try await TemporaryDirectory.with { folder in
            let (first, second, third) = (id(daysAgo: 3), id(daysAgo: 2), id(daysAgo: 1))
            _ = try LogFolder(project: folder.path, runID: first.description, owner: dead(7))
            _ = try LogFolder(project: folder.path, runID: second.description, owner: dead(8))
            try LogFolder(project: folder.path, runID: third.description, owner: dead(8)).keep(report(third))
            let runs = try #require(try RunsFolder(project: folder.path))
            let processes = Processes(living: [8])
            #expect(try runs.entries(processes: processes).map(\.id) == [third, second, first])
            #expect(state(runs.entry(first, processes: processes)) == "cut off")
            #expect(state(runs.entry(second, processes: processes)) == "going on")
            #expect(state(runs.entry(third, processes: processes)) == "ended")
            #expect(state(runs.entry(id(daysAgo: 9), processes: processes)) == nil)
            #expect(try runs.latest { _ in true }?.runID == third.description)
        }
    }

    @Test(
        "runs of the same second stand in the order in which they began, one that goes on before those that have ended"
    )
    func sameSecond() async throws {
        try await TemporaryDirectory.with { folder in
            let second = Date(timeIntervalSince1970: 1_769_847_330)
            let ids = [3, 1, 2].map { RunID(date: second, random: $0) }
            for (offset, id) in ids.enumerated() {
                var report = report(id)
                report.startedAt = second.addingTimeInterval(Double(offset) / 10)
                try LogFolder(project: folder.path, runID: id.description).keep(report)
            }
            let last = RunID(date: second, random: 0)
            _ = try LogFolder(project: folder.path, runID: last.description)
            let runs = try #require(try RunsFolder(project: folder.path))
            #expect(try runs.entries().map(\.id) == [last, ids[2], ids[1], ids[0]])
        }
    }

    @Test("a folder whose owner is not written yet goes on, unless it is old")
    func withoutOwner() {
        let now = Date()
        func state(daysAgo days: Double) -> String? {
            let run = id(daysAgo: days)
            return self.state(
                RunEntry(id: run, state: RunEntry.unreported(run, owner: nil, isAlive: { _ in false }, now: now))
            )
        }
        #expect(state(daysAgo: 0) == "going on")
        #expect(state(daysAgo: 2) == "cut off")
    }

    @Test("a report that is written comes back the same, its raw lines included")
    func roundTrip() throws {
        var step = StepReport(id: StepID(stage: "s", step: "x"), image: "a", status: .failed)
        step.exitCode = 3
        step.attempts = 2
        step.earlierAttempts = [
            AttemptReport(number: 1, status: .timedOut, exitCode: 137, reason: "r", duration: .seconds(1), logPath: "p")
        ]
        step.reason = "exited with 3"
        step.warning = "w"
        step.offset = .milliseconds(5)
        step.phases = [.run: .seconds(1), .cleanup: .milliseconds(2), .resolve: .zero]
        step.memoryLimit = .mebibytes(512)
        step.peakMemory = .mebibytes(3)
        step.logPath = ".roost/x"
        step.lastLines = [
            LogLine(stream: .stdout, bytes: [0xFF, 0x00], continues: true),
            LogLine(stream: .stderr, bytes: Array("é".utf8), continues: false),
        ]
        var report = report(id(daysAgo: 0), steps: [step])
        report.images = [PulledImage(image: "a", outcome: .pulled, bytes: ByteCount(7), duration: .seconds(1))]
        report.warnings = ["careful"]
        report.reason = "because"
        report.file = "roost.toml"
        report.firstFault = step.id
        let encoded = try RunReportEncoder.encode(report)
        #expect(try RunReportEncoder.encode(RunReportDecoder.decode(encoded)) == encoded)
    }

    @Test("what is no report, is another's, or is a link, a pipe or a folder is told and harms nothing")
    func hostileReports() async throws {
        try await TemporaryDirectory.with { folder in
            let outside = try folder.write(
                String(decoding: try RunReportEncoder.encode(report(id(daysAgo: 1))), as: UTF8.self),
                to: "outside.json"
            )
            func check(_ random: UInt32, _ prepare: (String) throws -> Void) throws {
                let id = id(daysAgo: 1, random)
                _ = try LogFolder(project: folder.path, runID: id.description, owner: dead())
                try prepare(folder.path(".roost/runs/\(id)/report.json"))
                let runs = try #require(try RunsFolder(project: folder.path))
                #expect(state(runs.entry(id, processes: Processes())) == "unreadable", "\(random)")
            }
            try check(1) { try "{".write(toFile: $0, atomically: false, encoding: .utf8) }
            try check(2) { try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: outside) }
            try check(3) { try #require(mkfifo($0, 0o600) == 0) }
            try check(4) { try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: false) }
            try check(5) { try FileManager.default.copyItem(atPath: outside, toPath: $0) }
            try check(6) {
                let text = try String(contentsOfFile: outside, encoding: .utf8)
                try text.replacing("roost.report/1", with: "roost.report/9")
                    .write(toFile: $0, atomically: false, encoding: .utf8)
            }
        }
    }

    @Test("numbers beyond all bounds are brought within them")
    func hostileNumbers() throws {
        let text = String(decoding: try RunReportEncoder.encode(report(id(daysAgo: 1))), as: UTF8.self)
            .replacing("\"duration_ms\" : 3000", with: "\"duration_ms\" : 9223372036854775807")
            .replacing("\"duration_ms\" : 2000", with: "\"duration_ms\" : -9223372036854775808")
        let decoded = try RunReportDecoder.decode(Array(text.utf8))
        #expect(decoded.duration == .seconds(100 * 365 * 86_400))
        #expect(decoded.stages.map(\.duration) == [.zero])
    }

    @Test("removal takes the run's folder and the links in it, and nothing that they lead to")
    func removal() async throws {
        try await TemporaryDirectory.with { folder in
            try folder.write("precious", to: "outside/file")
            let old = id(daysAgo: 2)
            let logs = try LogFolder(project: folder.path, runID: old.description, owner: dead())
            try logs.file(for: StepID(stage: "s", step: "x"), attempt: 1).close()
            let place = folder.path(".roost/runs/\(old)")
            try FileManager.default.createSymbolicLink(
                atPath: place + "/s/link",
                withDestinationPath: folder.path("outside")
            )
            // A link in the place of a run leads out of the folder.
            let linked = id(daysAgo: 3)
            try FileManager.default.createSymbolicLink(
                atPath: folder.path(".roost/runs/\(linked)"),
                withDestinationPath: folder.path("outside")
            )
            let runs = try #require(try RunsFolder(project: folder.path))
            #expect(runs.entry(linked) == nil || state(runs.entry(linked)) == nil)
            #expect(runs.remove(old) == [])
            #expect(runs.remove(linked) == [])
            #expect(!FileManager.default.fileExists(atPath: place))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("outside")) == ["file"])
        }
    }

    @Test("a link in the place of .roost or of the runs is refused")
    func linkedFolder() async throws {
        try await TemporaryDirectory.with { folder in
            try FileManager.default.createDirectory(
                atPath: folder.path("elsewhere/runs"),
                withIntermediateDirectories: true
            )
            #expect(try RunsFolder(project: folder.path) == nil, "no run was there")
            try FileManager.default.createSymbolicLink(
                atPath: folder.path(".roost"),
                withDestinationPath: folder.path("elsewhere")
            )
            #expect(throws: RunsUnreadable.self) { try RunsFolder(project: folder.path) }
        }
    }

    @Test("tidying removes what is beyond the rule, but no run whose process lives")
    func tidy() async throws {
        try await TemporaryDirectory.with { folder in
            let runs = (1...5).map { id(daysAgo: Double($0)) }
            for run in runs[..<4] { try LogFolder(project: folder.path, runID: run.description).keep(report(run)) }
            // Of this very process, which lives, and without a report.
            _ = try LogFolder(project: folder.path, runID: runs[4].description)
            let place = try #require(try RunsFolder(project: folder.path))
            let removal = try place.tidy(RunRetention(count: 2))
            #expect(removal.removed == [runs[3], runs[2]])
            #expect(removal.problems == [])
            #expect(try place.entries().map(\.id) == [runs[0], runs[1], runs[4]])
            #expect(place.remove(all: [runs[4]]).removed == [])
        }
    }

    @Test("logs are found by their step, whatever its name, in the order of the report")
    func logs() async throws {
        try await TemporaryDirectory.with { folder in
            let run = id(daysAgo: 0)
            let long = String(repeating: "é", count: 64)
            let names = [("two", "b/c"), ("one", "x"), ("one", long), ("one", "x.1"), ("a/b", "c")]
            let logs = try LogFolder(project: folder.path, runID: run.description)
            for (stage, step) in names {
                let file = try logs.file(for: StepID(stage: stage, step: step), attempt: 1)
                try file.write(Array("\(stage)|\(step)".utf8))
                try file.close()
            }
            try logs.file(for: StepID(stage: "one", step: "x"), attempt: 2).close()
            try folder.write("no log", to: ".roost/runs/\(run)/one/notes.txt")
            let runs = try #require(try RunsFolder(project: folder.path))
            var report = report(run)
            report.stages = names.map { stage, step in
                let step = StepReport(id: StepID(stage: stage, step: step), image: "a", status: .succeeded)
                return StageReport(name: stage, status: .succeeded, duration: .zero, steps: [step])
            }
            let found = runs.logs(of: run, report: report)
            #expect(found.map(\.attempt) == [1, 1, 2, 1, 1, 1])
            let texts = try found.map { String(decoding: try runs.open($0).readToEnd() ?? Data(), as: UTF8.self) }
            #expect(texts == ["two|b/c", "one|x", "", "one|\(long)", "one|x.1", "a/b|c"])
            #expect(found.filter { $0.matches("one/x") }.map(\.attempt) == [1, 2])
            #expect(found.filter { $0.matches("two/b/c") }.count == 1)
            #expect(found.filter { $0.matches("one/\(long)") }.count == 1)
            #expect(found.filter { $0.matches("x") }.map(\.attempt) == [1, 2])
            #expect(found.filter { $0.matches("none") } == [])
        }
    }

    @Test("a log that has become a link or a pipe is not read")
    func hostileLogs() async throws {
        try await TemporaryDirectory.with { folder in
            let run = id(daysAgo: 0)
            try folder.write("secret", to: "outside")
            _ = try LogFolder(project: folder.path, runID: run.description)
            let stage = folder.path(".roost/runs/\(run)/s")
            try FileManager.default.createDirectory(atPath: stage, withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(
                atPath: stage + "/a.1.log",
                withDestinationPath: folder.path("outside")
            )
            try #require(mkfifo(stage + "/b.1.log", 0o600) == 0)
            let runs = try #require(try RunsFolder(project: folder.path))
            let logs = runs.logs(of: run, report: nil)
            #expect(logs.count == 2)
            for log in logs { #expect(throws: RunsUnreadable.self) { try runs.open(log) } }
        }
    }
}
