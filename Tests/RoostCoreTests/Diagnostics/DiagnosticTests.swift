import RoostCore
import Testing

@Suite("Diagnostics")
struct DiagnosticTests {
    @Test("a diagnostic reads as a compiler's does, and leaves out what is not known")
    func renders() {
        let whole = Diagnostic(
            .error,
            file: "roost.toml",
            position: SourcePosition(line: 12, column: 1),
            keyPath: "stages.build.steps.compile.memroy",
            message: "unknown key; did you mean 'memory'?"
        )
        #expect(
            whole.description
                == "roost.toml:12:1: error: stages.build.steps.compile.memroy: unknown key; did you mean 'memory'?"
        )
        #expect(Diagnostic(.warning, file: "a", message: "b").description == "a: warning: b")
    }

    @Test("they sort by place, those without one last, and keep their order otherwise")
    func sorts() {
        let at = { (line: Int?, message: String) in
            Diagnostic(.error, file: "f", position: line.map { SourcePosition(line: $0, column: 1) }, message: message)
        }
        let sorted = [at(nil, "a"), at(3, "b"), at(1, "c"), at(3, "d"), at(nil, "e")].sortedByPosition()
        #expect(sorted.map(\.message) == ["c", "b", "d", "a", "e"])
    }

    @Test("only errors forbid the use of a file")
    func severity() {
        #expect(![Diagnostic(.warning, file: "f", message: "m")].hasErrors)
        #expect([Diagnostic(.warning, file: "f", message: "m"), Diagnostic(.error, file: "f", message: "m")].hasErrors)
    }

    @Test(
        "the nearest name is found through slips, swaps, case and dashes",
        arguments: [
            ("memroy", "memory"), ("Memory", "memory"), ("max-parallel", "max_parallel"), ("imag", "image"),
            ("iamge", "image"), ("cmmand", "command"), ("workdirs", "workdir"),
        ]
    )
    func nearest(written: String, meant: String) {
        let known = ["image", "command", "memory", "max_parallel", "workdir", "env"]
        #expect(NearestName.of(written, in: known) == meant)
    }

    @Test(
        "nothing is named where nothing is near",
        arguments: ["", "x", "zzzzzz", "memory", String(repeating: "m", count: 5000)]
    )
    func nothingNear(written: String) {
        #expect(NearestName.of(written, in: ["image", "memory", "max_parallel"]) == nil)
    }

    @Test(
        "text from outside is shown on one line and without anything invisible",
        arguments: [
            ("plain", "\"plain\""), ("a\nb\t\r", "\"a\\nb\\t\\r\""), ("\u{1b}[31m", "\"\\u{1b}[31m\""),
            ("a\"b\\", "\"a\\\"b\\\\\""), ("\u{202e}x\u{200b}", "\"\\u{202e}x\\u{200b}\""), ("é雪", "\"é雪\""),
            ("\u{0}", "\"\\u{0}\""),
        ]
    )
    func printable(text: String, shown: String) {
        #expect(PrintableText.quoted(text) == shown)
    }

    @Test("text from outside is cut")
    func cuts() {
        #expect(PrintableText.quoted(String(repeating: "x", count: 100), limit: 3) == "\"xxx…\"")
        #expect(PrintableText.oneLine("a\"b\n", limit: 10) == "a\"b\\n")
    }
}
