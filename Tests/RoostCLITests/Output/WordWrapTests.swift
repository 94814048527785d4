import ImagePull
import OCIDistribution
import Pipeline
import RoostCore
import Testing

@testable import RoostCLI

@Suite("Text on a narrow terminal")
struct WordWrapTests {
    private func wrap(_ text: String, _ columns: Int?, _ longWords: WordWrap.LongWords = .cut) -> [String] {
        WordWrap(columns: columns, ellipsis: "…").lines(text, longWords)
    }

    @Test("a line breaks at its blanks, and what follows is indented")
    func breaks() {
        #expect(wrap("one two three four", 13) == ["one two three", "  four"])
        #expect(wrap("one two three four", 12) == ["one two", "  three four"])
        #expect(wrap("one two three four", 18) == ["one two three four"])
        #expect(wrap("one two three four", nil) == ["one two three four"])
        #expect(wrap("  one two three", 12) == ["  one two", "   three"])
        #expect(wrap("", 1) == [""])
    }

    @Test("blanks within a line stay, those at a break go")
    func blanks() {
        #expect(wrap("name      is here", 13) == ["name      is", "  here"])
        #expect(wrap("name      is here", 9) == ["name", "  is here"])
    }

    @Test("a word without room loses its middle, or stays whole where it may be copied")
    func longWords() {
        #expect(wrap("pulled registry.example.org/app:1.2 now", 12) == ["pulled", "  regi…p:1.2", "  now"])
        #expect(
            wrap("pulled registry.example.org/app:1.2 now", 12, .keep)
                == ["pulled", "  registry.example.org/app:1.2", "  now"]
        )
        #expect(wrap("日本語日本語", 7) == ["日…語"])
    }

    @Test("colours take no columns and outlast a cut")
    func colors() {
        let red = Paint(isOn: true)("one two three", .red)
        #expect(wrap(red, 13) == [red])
        #expect(wrap(red, 8) == ["\u{1B}[31mone two", "  three\u{1B}[0m"])
        #expect(wrap(Paint(isOn: true)("abcdefgh", .red), 5) == ["\u{1B}[31mab…gh\u{1B}[0m"])
        #expect(wrap("\u{1B}[31m  one two", 8) == ["\u{1B}[31m  one", "  two"])
        // A mark that joins the letter before it, which is a sequence's.
        #expect(DisplayWidth.ofPainted("\u{1B}[31m\u{301}abc") == 3)
    }

    @Test("no line is wider than the terminal, and nothing but blanks is lost where words fit", arguments: 1...30)
    func everyWidth(columns: Int) {
        let text = "  a bc def  ghij klmno pqrstu   vwxyz ab"
        let lines = wrap(text, columns)
        #expect(lines.allSatisfy { DisplayWidth.of($0) <= columns })
        guard columns >= 9 else { return }
        #expect(lines.flatMap { $0.split(separator: " ") } == text.split(separator: " "))
    }
}

@Suite("Runs and pulls on a narrow terminal")
struct NarrowTests {
    private static func style(_ columns: Int) -> OutputStyle {
        OutputStyle(isLive: false, usesColor: false, usesUnicode: true, columns: columns)
    }

    private func shown(_ kinds: [RunEvent.Kind], _ columns: Int) -> [String] {
        var screen = RunScreen(style: Self.style(columns))
        let size = TerminalSize(columns: columns, rows: 30)
        let text = kinds.reduce(into: "") { $0 += screen.handle(SampleRun.event($1), now: .zero, size: size) }
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    @Test("a run's header")
    func header() {
        #expect(
            shown([.runStarted(SampleRun.header)], 40) == [
                "demo: 4 steps of roost.toml on Docker",
                "  Engine 20.10.24 at",
                "  unix:///var/run/docker.sock",
                "run 20260131-081530-4f2a",
            ]
        )
        #expect(
            shown([.runStarted(SampleRun.header)], 20) == [
                "demo: 4 steps of",
                "  roost.toml on",
                "  Docker Engine",
                "  20.10.24 at",
                "  unix:///…cker.sock",
                "run",
                "  20260131…1530-4f2a",
            ]
        )
    }

    @Test("the lines of a pull")
    func pulls() throws {
        let image = try SampleRun.image("registry.example.org/team/app:1.2")
        let events: [RunEvent.Kind] = [
            .pull(.resolving(images: 2)),
            .pull(.planned(PullSummary(toPull: [image], present: [try SampleRun.image("busybox:1")]))),
            .pull(.started(image: image, source: "registry.example.org", attempt: 2)),
            .pull(SampleRun.pulled(image)),
        ]
        #expect(
            shown(events, 40) == [
                "resolving 2 images",
                "pulling 1 image, 1 present",
                "pulling",
                "  registry.example.org/team/app:1.2 from",
                "  registry.example.org, attempt 2",
                "✔ pulled",
                "  registry.example.org/team/app:1.2: 40",
                "  MiB in 3.0 s from registry-1.docker.io",
            ]
        )
        #expect(
            shown(events, 20) == [
                "resolving 2 images",
                "pulling 1 image, 1",
                "  present",
                "pulling",
                "  registry…m/app:1.2",
                "  from",
                "  registry…mple.org,",
                "  attempt 2",
                "✔ pulled",
                "  registry…/app:1.2:",
                "  40 MiB in 3.0 s",
                "  from",
                "  registry…docker.io",
            ]
        )
    }

    @Test("what went wrong with a pull keeps its names whole")
    func failedPull() throws {
        let image = try SampleRun.image("registry.example.org/team/app:1.2")
        let message = "docker login registry.example.org/team/of-a-long-name"
        let failure = PullFailure(image: image, kind: .notFound, message: message, isDefinite: true)
        let outcome = PullOutcome(
            image: image,
            result: .failed(failure),
            imageID: nil,
            digest: nil,
            bytes: ByteCount(0),
            duration: .zero,
            source: nil
        )
        #expect(
            shown([.pull(.finished(outcome))], 20) == [
                "✘", "  registry.example.org/team/app:1.2:", "  docker login",
                "  registry.example.org/team/of-a-long-name",
            ]
        )
    }

    @Test("the time lost: each figure beside its unit")
    func lostTime() throws {
        func lost(_ columns: Int) throws -> [String] {
            let lines = RunSummary(theme: Theme(Self.style(columns)), columns: columns).lines(SampleRun.failed)
            let first = try #require(lines.firstIndex { $0.hasPrefix("  lost on") })
            return Array(lines[first...].prefix { !$0.isEmpty })
        }
        #expect(
            try lost(40) == [
                "  lost on the slowest path:",
                "    pulling 1.0 s · starting 360 ms",
                "    resolving 100 ms",
                "    cleaning up 100 ms · creating 40 ms",
            ]
        )
        #expect(
            try lost(20) == [
                "  lost on the",
                "    slowest path:",
                "  pulling 1.0 s",
                "  starting 360 ms",
                "  resolving 100 ms",
                "  cleaning up 100 ms",
                "  creating 40 ms",
            ]
        )
    }

    @Test("a whole run: no line is too wide but a step's own and a path", arguments: [20, 40])
    func wholeRun(columns: Int) {
        let start = StepStart(
            id: SampleRun.unit,
            image: "registry.example.org/team/app:1.2",
            attempt: 1,
            containerID: ""
        )
        let lines = shown(
            [
                .runStarted(SampleRun.header), .warning("the engine is on another machine"),
                .stageStarted(StageHeader(name: "build", index: 1, count: 3, steps: ["compile", "lint", "document"])),
                .stepStarted(start), .stepFinished(SampleRun.failed.stages[1].steps[0]),
                .stageFinished(SampleRun.failed.stages[0]), .runFinished(SampleRun.failed),
            ],
            columns
        )
        let wide = lines.filter { DisplayWidth.of($0) > columns }
        #expect(wide.allSatisfy { $0.contains("assertion failed") || $0.contains(".roost/runs/") })
        #expect(lines.suffix(3).flatMap { $0.split(separator: " ") }.suffix(3) == ["exit", "code", "1"])
    }

    @Test("the verdict of 'roost pull'")
    func pullVerdict() throws {
        var screen = PullScreen(style: Self.style(20))
        let size = TerminalSize(columns: 20, rows: 30)
        let pulled = screen.handle(SampleRun.pulled(try SampleRun.image("redis:7")), now: .zero, size: size)
        #expect(
            pulled + screen.finish(duration: .seconds(3), size: size) == """
                ✔ pulled redis:7: 40
                  MiB in 3.0 s from
                  registry…docker.io
                ✔ 1 image ready: 1
                  pulled (40 MiB) in
                  3.0 s

                """
        )
    }
}
