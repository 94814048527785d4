import Foundation
import Pipeline
import Testing

@testable import RoostBenchmarks

@Suite("Figures of the benchmarks")
struct MeasurementTests {
    @Test("gaps are from a step's end to the next one's begin, whatever the order and the form of the output")
    func gaps() throws {
        let output = """
            {"step":"b","text":"begin b 1500"}
            {"step":"a","text":"begin a 100"}
            {"step":"a","text":"end a 1000"}
            end b 2000
            begin c 2003
            end c 9000
            """
        #expect(try StepStamps(in: output, of: ["a", "b", "c"]).gaps == [500, 3])
    }

    @Test(
        "output that does not tell each begin and end once is refused, and so are steps that overlap",
        arguments: [
            "begin a 1\nend a 2\nend b 4", "begin a 1\nbegin b 3\nend b 4", "end a 2\nbegin b 3\nbegin b 3",
            "end a 5\nbegin b 4", "end a 99999999999999999999\nbegin b 4",
        ]
    )
    func badStamps(output: String) {
        #expect(throws: StepStamps.Unusable.self) { try StepStamps(in: output, of: ["a", "b"]) }
    }

    @Test("a part of the values lies within one of them")
    func quantiles() {
        let values = [4.0, 1, 3, 2]
        #expect([0, 0.25, 0.5, 0.51, 0.95, 1].map { quantile($0, of: values) } == [1, 1, 2, 3, 4, 4])
        let hundred = (1...100).map(Double.init)
        #expect(quantile(0.95, of: hundred) == 95)
        #expect(quantile(0.5, of: [7]) == 7)
    }

    @Test("the target holds against the peer's best number of containers at once")
    func bestPeer() {
        func timings(_ name: String, _ seconds: [Double]) -> Timings {
            Timings(name: name, times: seconds.map { .seconds($0) })
        }
        let comparisons = WideBenchmark.comparisons([
            timings("roost", [1, 1, 1]), timings("P2", [4, 4, 1]), timings("P8", [3, 2, 2]), timings("P20", [5, 3, 3]),
        ])
        #expect(comparisons.map(\.target) == [nil, 0.6, nil])
        #expect(comparisons[1].ratio.median == 0.5)
        #expect(comparisons[1].isMet)
    }

    @Test("a limit tells by how much it is missed, and a comparison without a target tells nothing of it")
    func limitsInText() {
        let timings = Timings(name: "roost", times: [.seconds(1)])
        let result = BenchmarkResult(
            name: "x",
            work: "Work.",
            timings: [timings],
            comparisons: [Comparison(timings, against: timings, as: "itself")],
            limits: [
                Limit("gap", .seconds(0.006), atMost: .seconds(0.005)),
                Limit("memory", .bytes(150_000_000), atMost: .bytes(150_000_000)),
                Limit("lost", .count(1), atMost: .count(0)),
            ]
        )
        let text = ResultText.text(result, at: .now, load: ("0", "0"))
        let rows = text.split(separator: "\n").map { row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        #expect(rows.contains(["itself", "1.000", "1.000", "1.000", "", ""]))
        #expect(rows.contains(["gap", "6.0 ms", "≤ 5.0 ms", "missed by 20.0 %"]))
        #expect(rows.contains(["memory", "150.0 MB", "≤ 150.0 MB", "met"]))
        #expect(rows.contains(["lost", "1", "≤ 0", "missed"]))
    }

    @Test("a benchmark's pipeline is one that Roost takes, with its needs and matrices")
    func pipelines() throws {
        var steps = PipelineText.chain(of: ["a", "b", "c"]) { ["echo", "\"\($0)\""] }
        steps[2].more = ["matrix = { variable = 'v', values = ['1', '2'] }"]
        var text = PipelineText(name: "p", image: "x:1", stages: [steps, [.init(name: "d", command: ["true"])]])
        text.maxParallel = 7
        let (definition, diagnostics) = PipelineParser.parse(
            text: text.text,
            file: PipelineFile(url: URL(filePath: "/project/roost.toml")),
            environment: [:]
        )
        let pipeline = try #require(definition, "\(diagnostics)")
        #expect(pipeline.maxParallel == 7)
        #expect(
            pipeline.steps.map(\.id.description) == ["stage1/a", "stage1/b", "stage1/c-1", "stage1/c-2", "stage2/d"]
        )
        #expect(pipeline.steps.map { $0.schedule.needs.map(\.step) } == [[], ["a"], ["b"], ["b"], []])
        #expect(pipeline.steps[1].command == .arguments(["echo", "\"b\""]))
    }
}
