import ImagePull
import RoostCore

/// A plan for people: what `roost plan` prints.
package enum PlanText {
    /// - Returns: Lines without colour, ending with a line break.
    package static func render(_ plan: PipelinePlan) -> String {
        var lines = ["Pipeline \(plan.name) (\(plan.definition.file.shownName))"]
        lines.append(
            [
                counted(plan.stages.count, "stage"), counted(plan.steps.count, "step"),
                counted(plan.images.count, "image"), "at most \(counted(plan.maxParallel, "step")) at once",
                "at most \(plan.peakMemory) of memory"
                    + (plan.definition.memoryBudget.map { " within a budget of \($0)" } ?? ""),
            ].joined(separator: ", ")
        )
        for (index, stage) in plan.stages.enumerated() {
            let together = PlannedConcurrency.count(of: stage.steps, maxParallel: plan.maxParallel)
            var heading =
                "Stage \(index + 1) of \(plan.stages.count): \(stage.name), \(counted(stage.steps.count, "step"))"
            if stage.steps.count > 1 { heading += together == 1 ? ", one by one" : ", \(together) at once" }
            lines += ["", heading]
            lines += table(stage.steps.map(row))
        }
        if !plan.images.isEmpty {
            lines += ["", "Images, in the order in which they are needed"]
            lines += table(
                plan.images.map { image in
                    [
                        image.text, "pull \(image.pull.rawValue)", "from stage \(image.steps.first?.stage ?? "")",
                        counted(image.steps.count, "step"),
                    ]
                }
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ step: StepDefinition) -> [String] {
        [
            step.id.step, step.imageText, step.memory.description, DurationText.written(step.timeout),
            step.user.map { "user \($0)" } ?? "", schedule(step), secrets(step), PlanText.command(step),
        ]
    }

    /// `secrets NPM_TOKEN, DEPLOY_KEY in $KEY`: names only.
    private static func secrets(_ step: StepDefinition) -> String {
        guard !step.secrets.isEmpty else { return "" }
        let shown = step.secrets.prefix(4).map { secret in
            secret.variable.map { $0 == secret.name ? "$\($0)" : "\(secret.name) in $\($0)" } ?? secret.name
        }
        let more = step.secrets.count - shown.count
        return (step.secrets.count == 1 ? "secret " : "secrets ") + shown.joined(separator: ", ")
            + (more > 0 ? " and \(more) more" : "")
    }

    /// When and how often it runs, where that is not once beside the others: `after compile, lint; 3 retries; always`.
    private static func schedule(_ step: StepDefinition) -> String {
        var parts: [String] = []
        if !step.schedule.needs.isEmpty {
            let needs = step.schedule.needs.prefix(4).map { PrintableText.oneLine($0.step, limit: 30) }
            let more = step.schedule.needs.count - needs.count
            parts.append("after " + needs.joined(separator: ", ") + (more > 0 ? " and \(more) more" : ""))
        }
        if step.schedule.runsAlone { parts.append("alone") }
        if step.retries.count > 0 {
            parts.append(step.retries.count == 1 ? "1 retry" : "\(step.retries.count) retries")
        }
        if step.schedule.isAlways { parts.append("always") }
        if step.security.isPrivileged { parts.append("privileged") }
        if step.network != .slot { parts.append("network \(step.network.rawValue)") }
        if !step.mounts.isEmpty { parts.append(counted(step.mounts.count, "mount")) }
        return parts.joined(separator: "; ")
    }

    /// What the step runs, on one line and cut: `make -j2`, `["make", "-j2"]`, `(the image's command)`.
    static func command(_ step: StepDefinition) -> String {
        let limit = 60
        let command =
            switch step.command {
            case .shell(let text):
                PrintableText.oneLine(String(text.trimming(while: \.isWhitespace)), limit: limit)
            case .arguments(let arguments):
                PrintableText.oneLine(listed(arguments), limit: limit)
            case nil: "(the image's command)"
            }
        guard let entrypoint = step.entrypoint, !entrypoint.isEmpty else { return command }
        return PrintableText.oneLine(listed(entrypoint), limit: limit) + " " + command
    }

    private static func listed(_ words: [String]) -> String {
        "[" + words.prefix(20).map { PrintableText.quoted($0, limit: 60) }.joined(separator: ", ") + "]"
    }

    /// Columns under each other, two blanks in front; a column that is empty in every row is left out.
    private static func table(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for column in 0..<columns where widths[column] > 0 {
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                line += "  " + row[column] + padding
            }
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}

extension String {
    fileprivate func trimming(while isTrimmed: (Character) -> Bool) -> Substring {
        let start = drop(while: isTrimmed)
        guard let last = start.lastIndex(where: { !isTrimmed($0) }) else { return start }
        return start[...last]
    }
}
