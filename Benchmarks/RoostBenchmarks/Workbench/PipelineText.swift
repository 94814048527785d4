import Foundation

/// A pipeline's file, made by a benchmark.
struct PipelineText {
    struct Step {
        let name: String
        let command: [String]
        var needs: [String] = []
        /// Further lines of the step's table.
        var more: [String] = []
    }

    let name: String
    let image: String
    var maxParallel = 1
    /// Further lines of `[pipeline]`.
    var more: [String] = []
    /// The stages' steps, in the order in which the stages run.
    let stages: [[Step]]

    /// Steps of which each needs the one before.
    static func chain(of names: [String], command: (String) -> [String]) -> [Step] {
        names.enumerated().map { index, name in
            Step(name: name, command: command(name), needs: index > 0 ? [names[index - 1]] : [])
        }
    }

    var text: String {
        let stageNames = stages.indices.map { "stage\($0 + 1)" }
        var lines = ["stages_order = \(Self.list(stageNames))", "[pipeline]", "name = \"\(name)\""]
        lines += ["memory = \"512mb\"", "max_parallel = \(maxParallel)"] + more
        for (stage, steps) in zip(stageNames, stages) {
            for step in steps {
                lines += ["[stages.\(stage).steps.\(step.name)]", "image = \"\(image)\""]
                lines.append("command = \(Self.list(step.command))")
                if !step.needs.isEmpty { lines.append("needs = \(Self.list(step.needs))") }
                lines += step.more
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// TOML's literal strings: the benchmarks' texts hold no single quotes.
    private static func list(_ texts: [String]) -> String {
        "[" + texts.map { "'\($0)'" }.joined(separator: ", ") + "]"
    }
}
