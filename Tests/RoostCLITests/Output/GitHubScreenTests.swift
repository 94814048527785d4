import Foundation
import Pipeline
import RoostCore
import Testing

@testable import RoostCLI

@Suite("A run in the log of GitHub's runner")
struct GitHubScreenTests {
    private let size = TerminalSize(columns: 120, rows: 30)
    private let style = OutputStyle(isLive: true, usesColor: false, usesUnicode: true, columns: nil)

    private func places(_ environment: [String: String]) throws -> GitHubPlaces? {
        let file = PipelineFile(url: URL(filePath: "/repository/ci/roost.toml"), shownName: "roost.toml")
        let text = """
            stages_order = ["build", "test"]
            [stages.build.steps.compile]
            image = "a"
            [stages.test.steps.unit]
            image = "a"
            """
        let parsed = PipelineParser.parse(text: text, file: file, environment: [:])
        let plan = PipelinePlan(try #require(parsed.definition), defaultMaxParallel: 1)
        return GitHubPlaces(plan, environment: environment)
    }

    private func shown(_ kinds: [RunEvent.Kind], closes: Bool = false) throws -> [String] {
        let places = try #require(
            try places(["GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/repository"])
        )
        var screen = GitHubScreen(style: style, places: places)
        var text = kinds.reduce(into: "") { $0 += screen.handle(SampleRun.event($1), now: .zero, size: size) }
        if closes { text += screen.close(size: size) }
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Whether GitHub's runner takes a line for a command, by the rules of its `ActionCommand.cs`.
    private func isCommand(_ line: String) -> Bool {
        String(line.drop(while: \.isWhitespace)).hasPrefix("::") || line.contains("##[")
    }

    @Test("only GitHub's own runner is spoken to; the file is named from the repository's root where it lies in it")
    func detection() throws {
        #expect(try places([:]) == nil)
        #expect(try places(["GITHUB_ACTIONS": "false"]) == nil)
        #expect(try places(["GITHUB_ACTIONS": "true"])?.file == "roost.toml")
        #expect(try places(["GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/repository/"])?.file == "ci/roost.toml")
        #expect(try places(["GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/repo"])?.file == "roost.toml")
    }

    @Test("each stage is a group, closed before its end is told; a run that is cut short leaves none open")
    func groups() throws {
        let header = StageHeader(name: "build", index: 1, count: 2, steps: ["compile", "lint"])
        let log = StepLog(id: SampleRun.compile, attempt: 1, lines: [SampleRun.line("hello")])
        let end = StageReport(name: "build", status: .succeeded, duration: .seconds(2), steps: [])
        let lines = try shown([
            .runStarted(SampleRun.header), .stageStarted(header), .stepLog(log), .stageFinished(end),
        ])
        #expect(
            lines.dropFirst(2) == [
                "::group::stage build (1 of 2): compile, lint", "build/compile │ hello", "::endgroup::",
                "── stage build ✔ succeeded in 2.0 s",
            ]
        )
        #expect(
            try shown([.stageStarted(header), .stageStarted(header)], closes: true).filter { $0 == "::endgroup::" }
                .count == 2
        )
    }

    @Test("a failed step is remarked on at its line; a warning too, and a run that fails without a step")
    func remarks() throws {
        let lines = try shown([.runStarted(SampleRun.header), .runFinished(SampleRun.failed)])
        #expect(
            lines.filter(isCommand) == [
                "::error file=ci/roost.toml,line=4,title=test/unit failed::the command ended with exit code 2"
            ]
        )
        var report = SampleRun.succeeded
        report.stages[0].steps[0].warning = "50% less, a: b\nand more"
        #expect(
            try shown([.runFinished(report)]).filter(isCommand) == [
                "::warning file=ci/roost.toml,line=2,title=build/compile::50%25 less, a: b%0Aand more"
            ]
        )
        var unbegun = RunReport(
            runID: "r",
            pipeline: "a:b,c",
            status: .infrastructureError,
            exitCode: 125,
            startedAt: Date(),
            duration: .zero
        )
        unbegun.reason = "no engine"
        #expect(
            try shown([.runFinished(unbegun)]).filter(isCommand) == [
                "::error file=ci/roost.toml,title=a%3Ab%2Cc could not be run::no engine"
            ]
        )
        #expect(try shown([.warning("careful")]) == ["::warning title=roost::careful"])
    }

    @Test("nothing that a step prints or an engine says becomes a command")
    func injection() throws {
        let nasty = ["::set-output name=x::y", "  ::error::x", "##[error]x", "x ##[add-mask]y", "\u{3000}::debug::x"]
        let log = StepLog(id: SampleRun.unit, attempt: 1, lines: nasty.map { SampleRun.line($0) })
        var step = SampleRun.step(SampleRun.unit, .infrastructureError, phases: [.run: 1])
        step.reason = nasty.joined(separator: "\n")
        step.lastLines = nasty.map { SampleRun.line($0) }
        step.logPath = "##[x]"
        var report = SampleRun.failed
        report.stages[1].steps = [step]
        report.reason = nasty.joined(separator: "\n")
        let lines = try shown([
            .runStarted(SampleRun.header), .stepLog(log), .notice(nasty.joined(separator: "\n")), .stepFinished(step),
            .runFinished(report),
        ])
        let commands = lines.filter(isCommand)
        #expect(commands.count == 1)
        #expect(
            commands.allSatisfy { $0.hasPrefix("::error file=ci/roost.toml,line=4,title=test/unit engine failed::") }
        )
        #expect(lines.contains("test/unit     │ x ## [add-mask]y"))
        #expect(lines.contains(": :set-output name=x::y"))
    }
}
