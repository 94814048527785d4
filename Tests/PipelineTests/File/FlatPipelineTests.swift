import Pipeline
import RoostCore
import Testing

@Suite("The flat form of pipeline files")
struct FlatPipelineTests {
    private func steps(_ steps: [(name: String, line: String)]) -> String {
        steps.map { "[[pipeline.steps]]\nname = \"\($0.name)\"\nimage = \"alpine\"\n\($0.line)\n" }.joined()
    }

    @Test("steps run one after another, but neighbours with parallel = true share a stage")
    func stages() {
        let (definition, diagnostics) = parsePipeline(
            steps([
                ("a", ""), ("b", "parallel = true"), ("c", "parallel = true"), ("d", ""), ("e", "parallel = true"),
                ("f", "parallel = false"), ("g", "parallel = true"),
            ])
        )
        #expect(diagnostics.isEmpty)
        #expect(
            definition?.stages.map { "\($0.name): \($0.steps.map(\.id.step).joined(separator: " "))" }
                == ["1: a", "2: b c", "3: d", "4: e", "5: f", "6: g"]
        )
        #expect(definition?.steps.map(\.id.description).prefix(3) == ["1/a", "2/b", "2/c"])
    }

    @Test("the keys of [pipeline] hold for its steps")
    func defaults() {
        let (definition, diagnostics) = parsePipeline(
            "[pipeline]\nname = \"flat\"\nmemory = \"1gb\"\nmax_parallel = 2\n"
                + steps([("System Check", "timeout = 5")])
        )
        #expect(diagnostics.isEmpty)
        #expect(definition?.name == "flat")
        #expect(definition?.maxParallel == 2)
        #expect(definition?.steps.first?.memory == .mebibytes(1024))
        #expect(definition?.steps.first?.timeout == .seconds(5))
    }

    @Test("both forms in one file are an error")
    func mixed() {
        let (_, diagnostics) = parsePipeline(
            "stages_order = [\"s\"]\n[stages.s.steps.a]\nimage = \"alpine\"\n" + steps([("b", "")])
        )
        #expect(
            diagnostics == [
                "4:12: error: pipeline.steps: steps stand either here or in [stages.….steps.…], not in both places"
            ]
        )
    }

    @Test("a step needs a name of its own")
    func names() {
        let (_, diagnostics) = parsePipeline(
            steps([("a", ""), ("a", "")]) + "[[pipeline.steps]]\nimage = \"alpine\"\n[[pipeline.steps]]\nname = 5\n"
        )
        #expect(
            diagnostics == [
                "6:1: error: pipeline.steps[1].name: another step has the name \"a\"",
                "9:12: error: pipeline.steps[2].name: missing: a step's name, such as name = \"build\"",
                "11:12: error: pipeline.steps[3].image: missing: the image to run in, such as image = \"alpine:3.20\"",
                "12:1: error: pipeline.steps[3].name: expected a string, found the number 5",
            ]
        )
    }

    @Test(
        "what is no list of steps is refused",
        arguments: [
            ("pipeline.steps = []", "1:10: error: pipeline.steps: the list has no steps, so there is nothing to run"),
            (
                "[pipeline.steps]\na = 1",
                "1:11: error: pipeline.steps: expected a list of tables, written [[pipeline.steps]], found a table"
            ),
            ("pipeline.steps = [1]", "1:19: error: pipeline.steps[0]: expected a table, found the number 1"),
        ]
    )
    func kinds(text: String, expected: String) {
        #expect(parsePipeline(text).diagnostics.first == expected)
    }
}
