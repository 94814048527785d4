import ImagePull
import OCIDistribution
import Pipeline
import RoostCore
import Testing

@testable import RoostCLI

@Suite("A run as text")
struct RunScreenTests {
    private static let piped = OutputStyle(isLive: false, usesColor: false, usesUnicode: true, columns: nil)
    private let size = TerminalSize(columns: 120, rows: 30)

    private func shown(_ kinds: [RunEvent.Kind], _ style: OutputStyle = piped, columns: Int = 120) -> [String] {
        var screen = RunScreen(style: style)
        let size = TerminalSize(columns: columns, rows: 30)
        let text = kinds.reduce(into: "") { $0 += screen.handle(SampleRun.event($1), now: .zero, size: size) }
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    @Test("log lines stand in a column as wide as the widest step, standard error told apart")
    func logLines() {
        let log = StepLog(id: SampleRun.unit, attempt: 1, lines: [SampleRun.line("a"), SampleRun.line("b", .stderr)])
        #expect(
            shown([.runStarted(SampleRun.header), .stepLog(log)]).suffix(2) == [
                "test/unit     │ a", "test/unit     ║ b",
            ]
        )
        let ascii = OutputStyle(isLive: false, usesColor: false, usesUnicode: false, columns: nil)
        #expect(
            shown([.runStarted(SampleRun.header), .stepLog(log)], ascii).suffix(2) == [
                "test/unit     | a", "test/unit     ! b",
            ]
        )
    }

    @Test("a step keeps its colour, neighbours differ, and hostile output is made safe")
    func colors() {
        let style = OutputStyle(isLive: false, usesColor: true, usesUnicode: true, columns: 120)
        let hostile = SampleRun.line("\u{1B}[2J\u{1B}[31mx")
        let lines = shown(
            [
                .runStarted(SampleRun.header),
                .stepLog(StepLog(id: SampleRun.compile, attempt: 1, lines: [hostile, SampleRun.line("y")])),
                .stepLog(StepLog(id: SampleRun.lint, attempt: 1, lines: [SampleRun.line("z")])),
            ],
            style
        ).suffix(3)
        let bar = "\u{1B}[2m│\u{1B}[0m"
        #expect(
            Array(lines) == [
                "\u{1B}[36mbuild/compile\u{1B}[0m \(bar) \\x1b[2J\u{1B}[31mx\u{1B}[0m",
                "\u{1B}[36mbuild/compile\u{1B}[0m \(bar) y",
                "\u{1B}[33mbuild/lint   \u{1B}[0m \(bar) z",
            ]
        )
    }

    @Test(
        "services say when they start and can be used; one that fell is shown with the end of its log, and is the cause"
    )
    func services() {
        let id = ServiceID(stage: "test", service: "db")
        var report = ServiceReport(id: id, image: "postgres:17", status: .timedOut)
        report.reason = "was not ready within 30 s"
        report.logPath = ".roost/runs/r/test/service-db.log"
        report.lastLines = [SampleRun.line("initdb\u{1B}[2J", .stderr)]
        var stopped = report
        stopped.status = .succeeded
        stopped.reason = nil
        #expect(
            shown([
                .serviceStarted(ServiceStart(id: id, image: "postgres:17", containerID: "")),
                .serviceReady(ServiceReady(id: id, after: .milliseconds(1500))), .serviceFinished(stopped),
                .serviceFinished(report),
            ]) == [
                "service db of stage test ▶ started postgres:17", "service db of stage test is ready after 1.5 s",
                "service db of stage test stopped",
                "service db of stage test ✘ timed out: was not ready within 30 s",
            ]
        )
        var run = SampleRun.failed
        run.status = .infrastructureError
        run.exitCode = 125
        run.reason = report.problem
        run.firstFault = nil
        run.services = [report]
        let lines = shown([.runFinished(run)])
        #expect(lines.contains("✘ service db of stage test timed out"))
        #expect(lines.contains("  it was not ready within 30 s"))
        #expect(lines.contains("  ║ initdb\\x1b[2J"))
        #expect(lines.contains("  log: .roost/runs/r/test/service-db.log"))
        let cause = "service db of stage test was not ready within 30 s"
        #expect(lines.last == "✘ demo could not be run: \(cause); exit code 125", "\(lines.last ?? "")")
    }

    @Test("names from the pipeline can't reach the terminal either")
    func hostileNames() {
        let id = StepID(stage: "a\u{1B}[2J", step: "b\nc")
        let header = RunHeader(runID: "\u{1B}c", pipeline: "\u{7}", file: "\u{1B}", steps: [id], engine: "\u{1B}")
        var report = SampleRun.failed
        report.pipeline = "\u{1B}[2J"
        report.stages[1].steps[0].id = id
        report.stages[1].steps[0].reason = "\u{1B}[1A"
        let lines = shown([
            .runStarted(header), .warning("\u{1B}"), .notice("\u{1B}"),
            .stageStarted(StageHeader(name: "\u{1B}", index: 1, count: 1, steps: ["\u{1B}"])),
            .stepStarted(StepStart(id: id, image: "\u{1B}", attempt: 1, containerID: "")),
            .stepFinished(report.stages[1].steps[0]), .runFinished(report),
        ])
        #expect(!lines.joined().unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F })
    }

    @Test("the end: table, time lost, what failed and why, and the verdict last")
    func summary() {
        #expect(
            shown([.runFinished(SampleRun.failed)]) == [
                "",
                "  status        step           exit      time            memory  timeline of 4.2 s",
                "✔ succeeded     build/compile     0     2.4 s  300 MiB of 1 GiB  ·░░░░░▒██████▒",
                "✔ succeeded     build/lint        0    900 ms                    ··▒██▒",
                "✘ failed        test/unit         2     1.8 s            12 MiB               ▒█████████▒",
                "○ skipped       deploy/push",
                "  · waiting  ░ pull  ▒ create, start, clean up  █ run",
                "  lost on the slowest path: pulling 1.0 s · starting 360 ms · resolving 100 ms · cleaning up 100 ms"
                    + " · creating 40 ms",
                "",
                "✘ test/unit failed, exit code 2",
                "  the command ended with exit code 2",
                "  last 2 lines:",
                "  │ running 3 tests",
                "  ║ \\x1b[2Jassertion failed",
                "  log: .roost/runs/20260131-081530-4f2a/test/unit.1.log",
                "",
                "✘ demo failed: test/unit exited with 2; exit code 1",
            ]
        )
        #expect(shown([.runFinished(SampleRun.succeeded)]).last == "✔ demo succeeded in 4.2 s")
    }

    @Test("no line of the table is wider than the terminal", arguments: [20, 30, 40, 60, 80, 100, 120])
    func narrowTable(columns: Int) {
        let lines = StepTable(theme: Theme(Self.piped), columns: columns).lines(SampleRun.failed)
        #expect(lines.allSatisfy { DisplayWidth.of($0) < columns })
        #expect(lines.count >= 5)
    }

    @Test("the line of lost time goes on in the next where the terminal is too narrow", arguments: [50, 60, 80, 100])
    func narrowLostTime(columns: Int) throws {
        let lines = RunSummary(theme: Theme(Self.piped), columns: columns).lines(SampleRun.failed)
        let first = try #require(lines.firstIndex { $0.hasPrefix("  lost on the slowest path:") })
        let lost = lines[first...].prefix { !$0.isEmpty }
        #expect(lost.allSatisfy { DisplayWidth.of($0) <= columns })
        for part in ["pulling 1.0 s", "starting 360 ms", "cleaning up 100 ms", "resolving 100 ms", "creating 40 ms"] {
            #expect(lost.contains { $0.contains(part) })
        }
    }

    @Test(
        "the verdict tells apart what failed",
        arguments: [
            (
                StepStatus.oomKilled, RunReport.RunStatus.oomKilled,
                "✘ demo ran out of memory: test/unit ran out of memory; exit code 1"
            ),
            (.timedOut, .timedOut, "✘ demo timed out: test/unit timed out; exit code 1"),
            (.infrastructureError, .infrastructureError, "✘ demo could not be run: test/unit engine lost; exit code 1"),
            (.cancelled, .interrupted, "✘ demo was interrupted: engine lost; exit code 1"),
        ]
    )
    func verdicts(status: StepStatus, run: RunReport.RunStatus, verdict: String) {
        var report = SampleRun.failed
        report.status = run
        report.reason = "engine lost"
        report.stages[1].steps[0].status = status
        report.stages[1].steps[0].reason = "engine lost"
        #expect(shown([.runFinished(report)]).last == verdict)
    }

    @Test("a very short run phase is still seen")
    func shortRun() {
        let step = SampleRun.step(SampleRun.unit, .succeeded, phases: [.wait: 60_000, .run: 1])
        let bar = Timeline(columns: 24, total: .seconds(120), glyphs: .unicode).bar(step)
        #expect(bar == String(repeating: "·", count: 12) + "█" + String(repeating: " ", count: 11))
    }
}

@Suite("Pulls off a terminal")
struct PullLinesTests {
    private static let style = OutputStyle(isLive: false, usesColor: false, usesUnicode: true, columns: nil)

    @Test("a line at start and end of each image, and at most one every ten seconds between")
    func sparse() throws {
        var screen = PullScreen(style: Self.style)
        let redis = try SampleRun.image("redis:7")
        let nginx = try SampleRun.image("nginx:1")
        var text = ""
        func at(_ seconds: Int, _ event: PullEvent) {
            text += screen.handle(event, now: .seconds(seconds), size: .usual)
        }
        at(0, .resolving(images: 3))
        at(0, .planned(PullSummary(toPull: [redis, nginx], present: [try SampleRun.image("busybox:1")])))
        at(0, .started(image: redis, source: "registry-1.docker.io", attempt: 1))
        for second in 1...25 { at(second, SampleRun.progress(redis, [("a", Int64(second) << 20, 40 << 20)])) }
        at(25, .retrying(image: redis, attempt: 1, delay: .seconds(2), reason: "connection cut"))
        at(26, .started(image: nginx, source: nil, attempt: 1))
        text += screen.tick(now: .seconds(29), size: .usual)
        text += screen.tick(now: .seconds(30), size: .usual)
        at(31, SampleRun.pulled(redis))
        text += screen.tick(now: .seconds(36), size: .usual)
        at(37, SampleRun.pulled(nginx))
        text += screen.tick(now: .seconds(90), size: .usual)
        text += screen.finish(duration: .seconds(37), size: .usual)
        #expect(
            text == """
                resolving 3 images
                pulling 2 images, 1 present
                pulling redis:7 from registry-1.docker.io
                downloading redis:7 25%, 10 MiB of 40 MiB
                downloading redis:7 50%, 20 MiB of 40 MiB
                ▲ redis:7: connection cut; attempt 2 in 2.0 s
                pulling nginx:1
                retrying redis:7 62%, 25 MiB of 40 MiB
                ✔ pulled redis:7: 40 MiB in 3.0 s from registry-1.docker.io
                starting nginx:1
                ✔ pulled nginx:1: 40 MiB in 3.0 s from registry-1.docker.io
                ✔ 3 images ready: 2 pulled (80 MiB) in 37.0 s

                """
        )
    }

    @Test("failures are told with what to do, and the verdict counts them")
    func failures() throws {
        var screen = PullScreen(style: Self.style)
        let image = try SampleRun.image("nosuch:1")
        let failure = PullFailure(image: image, kind: .notFound, message: "not found\ncheck the name", isDefinite: true)
        let outcome = PullOutcome(
            image: image,
            result: .failed(failure),
            imageID: nil,
            digest: nil,
            bytes: ByteCount(0),
            duration: .zero,
            source: nil
        )
        let text =
            screen.handle(.finished(outcome), now: .zero, size: .usual) + screen.finish(duration: .zero, size: .usual)
        #expect(
            text == "✘ nosuch:1: not found\n  check the name\n✘ 1 image could not be had; nothing to pull\n"
        )
    }
}
