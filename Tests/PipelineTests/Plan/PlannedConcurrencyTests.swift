import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("How many steps run at once")
struct PlannedConcurrencyTests {
    @Test("the bound is what a plain look at each pair of steps gives, whatever they need")
    func matchesPlainLook() async throws {
        try await Fuzzing.run(rounds: 60) { random in
            // Some of them more than a machine word has bits.
            let count = Int.random(in: 1...80, using: &random)
            let density = Int.random(in: 1...20, using: &random)
            var needs: [[Int]] = []
            for index in 0..<count {
                needs.append((0..<index).filter { _ in Int.random(in: 0..<density, using: &random) == 0 })
            }
            let weights = needs.map { _ in Int.random(in: 10...20, using: &random) }
            let maxParallel = Int.random(in: 1...count, using: &random)
            // The order of the file is not that of the graph.
            let order = needs.indices.shuffled(using: &random)
            let steps = try steps(order.map { (index: $0, memory: weights[$0], needs: needs[$0]) })
            #expect(
                PlannedConcurrency.memory(of: steps, maxParallel: maxParallel)
                    == .mebibytes(Int64(plainLook(needs, weights, maxParallel)))
            )
            #expect(
                PlannedConcurrency.count(of: steps, maxParallel: maxParallel)
                    == plainLook(needs, weights.map { _ in 1 }, maxParallel)
            )
        }
    }

    private func plainLook(_ needs: [[Int]], _ weights: [Int], _ maxParallel: Int) -> Int {
        var before: [Set<Int>] = []
        for needed in needs { before.append(needed.reduce(into: Set(needed)) { $0.formUnion(before[$1]) }) }
        return needs.indices.map { step in
            let beside = needs.indices.filter {
                $0 != step && !before[step].contains($0) && !before[$0].contains(step)
            }
            return weights[step] + beside.map { weights[$0] }.sorted(by: >).prefix(maxParallel - 1).reduce(0, +)
        }.max() ?? 0
    }

    private func steps(_ steps: [(index: Int, memory: Int, needs: [Int])]) throws -> [StepDefinition] {
        let text =
            "stages_order = [\"s\"]\n"
            + steps.map { step in
                """
                [stages.s.steps.s\(step.index)]
                image = "x"
                memory = "\(step.memory)mb"
                needs = [\(step.needs.map { "\"s\($0)\"" }.joined(separator: ", "))]

                """
            }.joined()
        let file = PipelineFile(url: URL(filePath: "/project/roost.toml"), shownName: "roost.toml")
        let (definition, diagnostics) = PipelineParser.parse(text: text, file: file, environment: [:])
        return try #require(definition, "\(diagnostics)").steps
    }
}
