import Foundation
import Pipeline
import RoostCore
import RoostTesting
import Testing

@Suite("Damaged and hostile pipeline files")
struct PipelineFuzzTests {
    private static let sound = """
        stages_order = ["build", "test"]
        [pipeline]
        name = "demo"
        memory = "512mb"
        timeout = "1h"
        max_parallel = 4
        pull = "missing"
        workdir = "/workspace"
        [stages.build.steps.compile]
        image = "gcc:14"
        command = "make -j2"
        entrypoint = []
        env = ["CC=gcc", "HOME"]
        user = "1000:1000"
        [stages.build.steps.lint]
        image = "alpine"
        command = ["sh", "-c", "ls"]
        env = { A = 1, B = "x" }
        needs = ["compile"]
        max_retries = 2
        retry_on = ["failed"]
        [stages.test.steps.all]
        image = "alpine:${{ v }}"
        matrix = { v = ["1", "2"], os = ["a", "b"], exclude = [{ v = "1", os = "b" }] }
        [stages.test.steps.unit]
        image = "alpine@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        """

    struct Finding: Error, CustomStringConvertible {
        let description: String
    }

    @Test("5,000 damaged files: a definition that keeps its promises, or errors")
    func soakDamaged() async throws {
        let words = [
            "stages", "steps", "build", "image", "command", "env", "=", "[", "]", "[[pipeline.steps]]", "\"", "\n", "0",
            "-1", "true",
            "{}", "[]", "\"x\"", "1.5", "memory", "\u{0}", "é", "\\u0000", "\"\"\"", ",", ".", "#", "name", "needs",
            "99999999999",
        ]
        let file = PipelineFile(url: URL(fileURLWithPath: "/p/roost.toml"))
        try await Fuzzing.run(rounds: 5000) { generator in
            var lines = Self.sound.split(separator: "\n").map(String.init)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<lines.count, using: &generator)
                let word = words[Int.random(in: 0..<words.count, using: &generator)]
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: lines.remove(at: index)
                case 1: lines.insert(lines[Int.random(in: 0..<lines.count, using: &generator)], at: index)
                case 2:
                    var parts = lines[index].split(separator: " ", omittingEmptySubsequences: false).map(String.init)
                    parts[Int.random(in: 0..<parts.count, using: &generator)] = word
                    lines[index] = parts.joined(separator: " ")
                default:
                    let place = Int.random(in: 0...lines[index].count, using: &generator)
                    lines[index].insert(
                        contentsOf: word,
                        at: lines[index].index(lines[index].startIndex, offsetBy: place)
                    )
                }
            }
            let text = lines.joined(separator: "\n")
            let (definition, diagnostics) = PipelineParser.parse(text: text, file: file, environment: ["HOME": "/"])
            guard (definition == nil) == diagnostics.hasErrors else {
                throw Finding(description: "no reason:\n\(text)")
            }
            guard diagnostics.allSatisfy({ !$0.description.contains("\n") }) else {
                throw Finding(description: "a diagnostic of two lines:\n\(diagnostics)")
            }
            guard let definition else { return }
            let steps = definition.steps
            let holds =
                !steps.isEmpty && definition.stages.allSatisfy { !$0.steps.isEmpty }
                && Set(steps.map(\.id)).count == steps.count
                && steps.allSatisfy { $0.memory >= .mebibytes(6) && $0.timeout > .zero && $0.workdir.hasPrefix("/") }
            guard holds else { throw Finding(description: "a promise is broken:\n\(text)") }
            let plan = PipelinePlan(definition, defaultMaxParallel: 4)
            _ = (PlanText.render(plan), PlanDot.render(plan), try PlanJSON.render(plan))
        }
    }

    @Test(
        "files with thousands of stages, steps and errors are dealt with in time",
        .timeLimit(.minutes(1)),
        arguments: 0..<5
    )
    func large(number: Int) {
        let text =
            switch number {
            case 0: "stages_order = [" + (0..<18_000).map { "\"s\($0)\"," }.joined() + "]"
            case 1: "stages_order = []\n" + (0..<18_000).map { "[stages.s\($0)]\n" }.joined()
            case 2:
                "stages_order = [" + (0..<4000).map { "\"t\($0)\"," }.joined() + "]\n"
                    + (0..<4000).map { "[stages.s\($0).steps]\n" }.joined()
            case 3: String(repeating: "[[pipeline.steps]]\nname=\"x\"\nparallel=true\nimage=\"a\"\n", count: 4000)
            default: "stages_order=[\"s\"]\n[stages.s.steps.a]\n" + (0..<18_000).map { "k\($0)=1\n" }.joined()
            }
        #expect(parsePipeline(text).definition == nil)
    }

    @Test("a pipeline of 1,000 steps is read and planned")
    func thousand() throws {
        let text =
            "stages_order = [\"s\"]\n"
            + (0..<1000).map { "[stages.s.steps.step\($0)]\nimage = \"alpine:\($0 % 7)\"\ncommand = \"echo \($0)\"\n" }
            .joined()
        let definition = try #require(parsePipeline(text).definition)
        let plan = PipelinePlan(definition, defaultMaxParallel: 4)
        #expect(plan.steps.count == 1000)
        #expect(plan.images.count == 7)
    }
}
