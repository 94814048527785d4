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
    /// Roost's own number where it is not given.
    var maxParallel: Int?
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
        lines += ["memory = \"512mb\""] + (maxParallel.map { ["max_parallel = \($0)"] } ?? []) + more
        for (stage, steps) in zip(stageNames, stages) {
            for step in steps {
                lines += ["[stages.\(stage).steps.\(step.name)]", "image = \"\(image)\""]
                lines.append("command = \(Self.command(step.command))")
                if !step.needs.isEmpty { lines.append("needs = \(Self.list(step.needs))") }
                lines += step.more
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The usual form, a line for the shell, which is what steps can be parked for; a list where the words need quotes.
    private static func command(_ words: [String]) -> String {
        let isPlain = words.allSatisfy { word in
            word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./".contains($0)) }
        }
        return isPlain ? "'exec \(words.joined(separator: " "))'" : list(words)
    }

    /// TOML's literal strings: the benchmarks' texts hold no single quotes.
    private static func list(_ texts: [String]) -> String {
        "[" + texts.map { "'\($0)'" }.joined(separator: ", ") + "]"
    }
}
