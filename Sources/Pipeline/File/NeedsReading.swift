import RoostCore

/// `needs` and `always_stages`: names that have to be looked up once everything has been read.
extension PipelineReading {
    /// Looks up what the steps of one stage need: a step of the file stands for all its instances.
    ///
    /// Names that are unknown, and circles, are reported.
    ///
    /// - Parameters:
    ///   - steps: Those of the stage's steps that could be read.
    ///   - declared: The names of all of them.
    /// - Returns: The definitions with their needs.
    func resolveNeeds(of steps: [StepRead], declared: [String]) -> [StepDefinition] {
        let instances = Dictionary(grouping: steps.map(\.definition), by: \.declaredName)
        let single = Dictionary(steps.map { ($0.definition.id.step, $0.definition) }) { first, _ in first }
        let unread = Set(declared).subtracting(instances.keys)
        var unknown = 0
        var needsLeft = PipelineRules.mostNeeds
        let resolved = steps.map { step in
            var definition = step.definition
            var known: Set<StepID> = []
            for need in step.needs {
                guard let found = instances[need.value] ?? single[need.value].map({ [$0] }) else {
                    // What is wrong with a step that could not be read has been told.
                    if !Self.isOne(need.value, of: unread) {
                        unknown += 1
                        reportUnknown(need, of: definition.id, among: unknown <= Self.mostSuggestions ? declared : [])
                    }
                    continue
                }
                guard needsLeft >= found.count else {
                    if needsLeft >= 0 {
                        collector.error(
                            "the steps of a stage can have at most \(PipelineRules.mostNeeds) needs together, the "
                                + "instances of matrices counted",
                            at: need.position,
                            key: need.path
                        )
                    }
                    needsLeft = -1
                    continue
                }
                needsLeft -= found.count
                // One name's instances are all different: there may be a hundred thousand of them.
                for id in found.map(\.id) where step.needs.count == 1 || known.insert(id).inserted {
                    definition.schedule.needs.append(id)
                }
            }
            return definition
        }
        if let circle = NeedsGraph(resolved).circle() {
            let path = circle.map { PrintableText.oneLine($0, limit: 40) }
            // The whole circle is shown where it can be read; a thousand names can't.
            let shown = path.count > 12 ? path.prefix(6) + ["…"] + path.suffix(5) : path[...]
            let step = steps.first { $0.definition.id.step == circle.first }
            // A step may need others beside, or a whole matrix: the place is where the circle goes on.
            let edge = step?.needs.first { need in
                circle.count > 1
                    && (need.value == circle[1] || instances[need.value]?.contains { $0.id.step == circle[1] } == true)
            }
            collector.error(
                "needs go in a circle: \(shown.joined(separator: " → "))",
                at: edge?.position ?? step?.definition.position,
                key: edge?.path
            )
        }
        return resolved
    }

    /// Whether a name is that of a step that could not be read, or may be of one of its instances.
    private static func isOne(_ name: String, of unread: Set<String>) -> Bool {
        guard !unread.isEmpty else { return false }
        return unread.contains(name)
            || name.indices.contains { name[$0] == "-" && unread.contains(String(name[..<$0])) }
    }

    private func reportUnknown(_ need: Located<String>, of id: StepID, among names: [String]) {
        let shown = PrintableText.quoted(need.value, limit: 60)
        if let stage = stageOfStep[need.value], stage != id.stage {
            collector.error(
                "\(id) → \(PrintableText.oneLine(stage, limit: 40))/\(PrintableText.oneLine(need.value, limit: 40)): "
                    + "needs stay within a stage; a stage waits for all steps of the stages before it anyway",
                at: need.position,
                key: need.path
            )
            return
        }
        var message = "the stage \(PrintableText.quoted(id.stage)) has no step \(shown)"
        if let nearest = NearestName.of(need.value, in: names) {
            message += "; did you mean \(PrintableText.quoted(nearest))?"
        }
        collector.error(message, at: need.position, key: need.path)
    }

    /// Marks all steps of the stages that `always_stages` names.
    func mark(_ always: Located<[Located<String>]>?, in stages: inout [StageDefinition], defined: [String]) {
        for name in always?.value ?? [] {
            if let index = stages.firstIndex(where: { $0.name == name.value }) {
                for step in stages[index].steps.indices { stages[index].steps[step].schedule.isAlways = true }
            } else if !defined.contains(name.value) {
                var message = "the stage \(PrintableText.quoted(name.value)) is not defined"
                if let nearest = NearestName.of(name.value, in: defined) {
                    message += "; did you mean \(PrintableText.quoted(nearest))?"
                }
                collector.error(message, at: name.position, key: name.path)
            }
        }
    }
}
