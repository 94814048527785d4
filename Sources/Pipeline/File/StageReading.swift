import RoostCore

/// The two ways in which a file tells which steps run together.
extension PipelineReading {
    // MARK: - [stages.NAME.steps.NAME]

    /// The stages in the order that `stages_order` gives. Stages that are missing or empty are left out, with a warning.
    func orderedStages(
        _ order: (strings: Located<[Located<String>]>, unreadable: Int)?,
        in tables: TOMLTableReader?,
        root: TOMLTableReader,
        defaults: Defaults
    ) -> [StageDefinition] {
        var defined: [String: DefinedStage] = [:]
        var definedNames: [String] = []
        for entry in tables?.table.entries ?? [] {
            checkName(entry.key, kind: "stage", seen: defined[entry.key] != nil, at: entry.node)
            definedNames.append(entry.key)
            let errorsBefore = collector.diagnostics.count
            let table = tables?.table(entry.node)
            let steps = table.map { self.steps(ofStage: entry.key, $0, defaults: defaults) }
            var stage = StageDefinition(name: entry.key, steps: steps ?? [], position: entry.node.position)
            stage.services = services(
                table?.table("services"),
                ofStage: entry.key,
                defaults: defaults
            )
            defined[entry.key] = DefinedStage(
                stage: stage,
                hasErrors: collector.diagnostics[errorsBefore...].hasErrors
            )
        }

        guard let order else {
            if !root.has("stages_order") {
                let names = definedNames.isEmpty ? ["build", "test"] : definedNames
                let list = names.prefix(8).map { PrintableText.quoted($0) }.joined(separator: ", ")
                collector.error(
                    definedNames.isEmpty
                        ? "the file defines no steps: it needs stages_order and [stages.NAME.steps.NAME] tables, or "
                            + "[[pipeline.steps]] tables"
                        : "missing: the order in which the stages run, such as stages_order = [\(list)]",
                    at: nil,
                    key: definedNames.isEmpty ? nil : TOMLKeyPath([.key("stages_order")])
                )
            }
            return []
        }
        let stages = arrange(order.strings, unreadable: order.unreadable, defined: defined, names: definedNames)
        if stages.isEmpty, !collector.hasErrors {
            collector.error(
                "no stage has a step, so there is nothing to run",
                at: order.strings.position,
                key: order.strings.path
            )
        }
        return stages
    }

    private struct DefinedStage {
        let stage: StageDefinition
        /// Where this is so, a stage without steps only seems empty.
        let hasErrors: Bool
    }

    /// Beyond this many misnamed stages none is told its nearest name: each costs a look at all the others.
    static let mostSuggestions = 20

    private func arrange(
        _ order: Located<[Located<String>]>,
        unreadable: Int,
        defined: [String: DefinedStage],
        names: [String]
    ) -> [StageDefinition] {
        var stages: [StageDefinition] = []
        var placed: Set<String> = []
        var missing = 0
        for name in order.value {
            let shown = PrintableText.quoted(name.value)
            guard placed.insert(name.value).inserted else {
                collector.error("the stage \(shown) is named twice", at: name.position, key: name.path)
                continue
            }
            guard let entry = defined[name.value] else {
                missing += 1
                var message = "the stage \(shown) is not defined and is left out"
                if missing <= Self.mostSuggestions, let nearest = NearestName.of(name.value, in: names) {
                    message += "; did you mean \(PrintableText.quoted(nearest))?"
                }
                collector.warning(message, at: name.position, key: name.path)
                continue
            }
            if !entry.stage.steps.isEmpty {
                stages.append(entry.stage)
            } else if !entry.hasErrors {
                collector.warning("the stage \(shown) has no steps and is left out", at: name.position, key: name.path)
            }
        }
        let missingNames = names.filter { !placed.contains($0) }
        // Each element that can't be read may stand for one of them.
        for name in missingNames where missingNames.count > unreadable {
            collector.error(
                "the stage \(PrintableText.quoted(name)) is defined but does not stand in stages_order",
                at: defined[name]?.stage.position,
                key: TOMLKeyPath([.key("stages"), .key(name)])
            )
        }
        return stages
    }

    private func steps(ofStage stage: String, _ reader: TOMLTableReader, defaults: Defaults) -> [StepDefinition] {
        let runsTogether = reader.boolean("parallel")?.value ?? true
        var defaults = defaults
        defaults.network = network(of: reader) ?? defaults.network
        let tables = reader.table("steps")
        // Read by the caller.
        _ = reader.node("services")
        reader.finish()
        var names: Set<String> = []
        var instanceNames: Set<String> = []
        var steps: [StepRead] = []
        for entry in tables?.table.entries ?? [] {
            let isNew = names.insert(entry.key).inserted
            checkName(entry.key, kind: "step", seen: !isNew, at: entry.node)
            guard isNew, let table = tables?.table(entry.node) else { continue }
            steps += expand(entry.key, at: entry.node.position, table, &instanceNames) { name, instance in
                let runsAlone = instance.boolean("parallel")?.value == false
                var step = step(
                    StepID(stage: stage, step: name),
                    declaredName: entry.key,
                    instance,
                    defaults: defaults
                )
                if runsAlone || !runsTogether { step?.definition.schedule.runsAlone = true }
                return step
            }
        }
        let resolved = resolveNeeds(of: steps, declared: tables?.table.entries.map(\.key) ?? [])
        return runsTogether ? resolved : resolved.sorted { $0.id.step < $1.id.step }
    }

    /// Reads a step once for each combination of its matrix.
    ///
    /// - Parameters:
    ///   - name: Its name in the file.
    ///   - position: Where it is named.
    ///   - table: Its table as it stands in the file.
    ///   - taken: The names of the stage's steps so far, instances included.
    ///   - read: Reads an instance, given its name and its table with all placeholders filled.
    /// - Returns: The instances up to the first that is wrong.
    private func expand(
        _ name: String,
        at position: SourcePosition?,
        _ table: TOMLTableReader,
        _ taken: inout Set<String>,
        read: (String, TOMLTableReader) -> StepRead?
    ) -> [StepRead] {
        var steps: [StepRead] = []
        if Placeholders.fill(name, value: { $0 }).hasBroken {
            collector.error(Placeholders.broken, at: position, key: table.path)
            return []
        }
        let instances = instances(of: table) ?? []
        let template = table.table.without("matrix")
        for instance in instances {
            let instanceName = instance.name(of: name)
            if let problem = problem(inInstance: instanceName, instance, &taken) {
                collector.error(problem, at: position, key: table.path)
                break
            }
            // What is wrong with one instance is wrong with the others in the same way.
            guard let filled = fill(template, with: instance),
                let step = read(instanceName, TOMLTableReader(filled, collector: collector))
            else { break }
            steps.append(step)
        }
        return steps
    }

    /// A step is known by its name: two of one would be taken for each other.
    private func problem(
        inInstance instanceName: String,
        _ instance: MatrixInstance,
        _ taken: inout Set<String>
    ) -> String? {
        let isNew = taken.insert(instanceName).inserted
        // What is wrong with the name of a step without a matrix has been told where it stands.
        guard !instance.values.isEmpty || !isNew else { return nil }
        if let problem = PipelineRules.problem(inName: instanceName) { return problem }
        guard taken.count <= PipelineRules.mostSteps else {
            return "a stage can have at most \(PipelineRules.mostSteps) steps, the instances of matrices included"
        }
        guard !isNew else { return nil }
        return
            "two steps of the stage have the name \(PrintableText.quoted(instanceName)), instances of matrices included"
    }

    // MARK: - [[pipeline.steps]]

    /// The stages of the flat form: neighbours with `parallel = true` share one, every other step has its own. They are
    /// named by their number.
    func flatStages(_ tables: Located<[TOMLTableReader]>, defaults: Defaults) -> [StageDefinition] {
        var groups: [(names: [String], taken: Set<String>, steps: [StepRead], position: SourcePosition?)] = []
        var names: Set<String> = []
        var lastIsParallel = false
        for table in tables.value {
            let isParallel = table.boolean("parallel")?.value ?? false
            let name = table.string("name")
            var isNew = true
            if let name {
                if let problem = PipelineRules.problem(inName: name.value) {
                    collector.error(problem, at: name.position, key: name.path)
                } else if !names.insert(name.value).inserted {
                    isNew = false
                    let shown = PrintableText.quoted(name.value)
                    collector.error("another step has the name \(shown)", at: name.position, key: name.path)
                }
            } else if !table.has("name") {
                table.reportMissing("name", "a step's name, such as name = \"build\"")
            }

            if !(isParallel && lastIsParallel) { groups.append(([], [], [], table.position)) }
            lastIsParallel = isParallel
            let stage = String(groups.count)
            guard isNew else { continue }
            let declared = name?.value ?? ""
            let last = groups.count - 1
            groups[last].names.append(declared)
            groups[last].steps += expand(declared, at: name?.position, table, &groups[last].taken) { name, instance in
                _ = (instance.node("name"), instance.node("parallel"))
                return step(
                    StepID(stage: stage, step: name),
                    declaredName: declared,
                    instance,
                    defaults: defaults
                )
            }
        }
        if tables.value.isEmpty, !collector.hasErrors {
            collector.error("the list has no steps, so there is nothing to run", at: tables.position, key: tables.path)
        }
        return groups.enumerated().map { index, group in
            StageDefinition(
                name: String(index + 1),
                steps: resolveNeeds(of: group.steps, declared: group.names),
                position: group.position
            )
        }
    }

    /// Reports a bad name, and one that was `seen`: that is the same as another's by Unicode's rules, which TOML lacks.
    private func checkName(_ name: String, kind: String, seen: Bool, at node: TOMLNode) {
        if let problem = PipelineRules.problem(inName: name) {
            collector.error(problem, at: node.position, key: node.path)
        } else if seen {
            collector.error("another \(kind) has a name that looks the same", at: node.position, key: node.path)
        }
    }
}

extension TOMLTableNode {
    fileprivate func without(_ key: String) -> TOMLTableNode { filterEntries { $0.key != key } }
}
