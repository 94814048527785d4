import RoostCore

/// A plan as a graph for Graphviz: a cluster a stage, a node a step, an edge for each need and each barrier.
package enum PlanDot {
    /// - Returns: A `digraph` that `dot` draws, ending with a line break.
    package static func render(_ plan: PipelinePlan) -> String {
        var lines = [
            "digraph \(quoted(plan.name)) {",
            "  rankdir=LR;",
            "  compound=true;",
            "  node [shape=box, style=rounded, fontname=\"sans-serif\"];",
            "  fontname=\"sans-serif\";",
        ]
        for (index, stage) in plan.stages.enumerated() {
            lines.append("  subgraph cluster_\(index) {")
            lines.append("    label=\(quoted(stage.name));")
            for (number, step) in stage.steps.enumerated() {
                let label = [step.id.step, step.imageText, PlanText.command(step)].map(escaped).joined(separator: "\\n")
                lines.append("    s\(index)_\(number) [label=\"\(label)\"];")
            }
            lines.append("  }")
            let group = plan.services(besideStage: index)
            if let group, group.stages.lowerBound == index {
                for (number, service) in group.services.enumerated() {
                    let label = [service.id.service, service.imageText].map(escaped).joined(separator: "\\n")
                    let indent = group.stage == nil ? "" : "  "
                    // Beside one stage it stands in that stage's frame.
                    let node = "\(indent)  v\(index)_\(number) [label=\"\(label)\", style=\"rounded,dashed\"];"
                    lines.insert(node, at: group.stage == nil ? lines.count : lines.count - 1)
                }
            }
            let numbers = Dictionary(stage.steps.enumerated().map { ($1.id, $0) }) { first, _ in first }
            for (number, step) in stage.steps.enumerated() {
                for need in step.schedule.needs {
                    if let needed = numbers[need] { lines.append("  s\(index)_\(needed) -> s\(index)_\(number);") }
                }
            }
        }
        for index in plan.stages.indices.dropLast() {
            lines.append("  s\(index)_0 -> s\(index + 1)_0 [ltail=cluster_\(index), lhead=cluster_\(index + 1)];")
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    private static func quoted(_ text: String) -> String { "\"\(escaped(text))\"" }

    /// A backslash starts an escape of Graphviz's (`\N`, `\l`), so it is doubled like the quote; what cannot be seen is
    /// shown as an escape.
    private static func escaped(_ text: String) -> String {
        PrintableText.oneLine(text, limit: 200).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }
}
