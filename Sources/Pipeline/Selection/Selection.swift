import RoostCore

/// Which steps of a pipeline a caller wants to run: a pure function from a definition to a smaller one.
package struct Selection: Hashable, Sendable {
    /// Steps by name: `STAGE/STEP`, a step's name in any stage, or the name that the instances of a matrix share.
    package var steps: [String]
    /// Stages by name.
    package var stages: [String]
    /// The first stage; all before it are left out.
    package var from: String?
    /// What is left to do of an earlier run.
    package var rerun: Rerun?

    package init(steps: [String] = [], stages: [String] = [], from: String? = nil, rerun: Rerun? = nil) {
        self.steps = steps
        self.stages = stages
        self.from = from
        self.rerun = rerun
    }

    /// Whether it leaves a pipeline as it is.
    package var isEverything: Bool { steps.isEmpty && stages.isEmpty && from == nil && rerun == nil }

    /// The part of a pipeline that is selected: what `steps` or `stages` name, of that what `from` leaves, of that what
    /// `rerun` leaves.
    ///
    /// The order stays that of the file. What a step needs is no longer waited for where it is not selected, and nothing is
    /// wiped unasked where a step is left out, since the others may use what it has made.
    ///
    /// - Parameter definition: The whole pipeline.
    /// - Returns: The selected part, with at least one step.
    /// - Throws: ``SelectionError`` with all that names nothing.
    package func apply(to definition: PipelineDefinition) throws(SelectionError) -> PipelineDefinition {
        guard !isEverything else { return definition }
        let names = SelectableNames(definition)
        let problems =
            steps.compactMap { names.problem(withStep: $0) }
            + (stages + (from.map { [$0] } ?? [])).compactMap { names.problem(withStage: $0) }
        guard problems.isEmpty else { throw .unknown(problems) }

        var selected = named(in: definition)
        if let from, let first = definition.stages.firstIndex(where: { $0.name == from }) {
            selected.formIntersection(definition.stages[first...].flatMap(\.steps).map(\.id))
        }
        if let rerun {
            guard let left = rerun.left(of: definition) else { throw .nothingToRerun(runID: rerun.runID) }
            selected.formIntersection(left)
        }
        guard !selected.isEmpty else { throw .nothingSelected }
        return definition.keeping(selected)
    }

    private func named(in definition: PipelineDefinition) -> Set<StepID> {
        guard !steps.isEmpty || !stages.isEmpty else { return Set(definition.steps.map(\.id)) }
        let chosen = definition.steps.filter { step in
            stages.contains(step.id.stage) || steps.contains { SelectableNames.matches($0, step) }
        }
        return Set(chosen.map(\.id))
    }
}

/// A selection that can't be made.
package enum SelectionError: Error, Hashable, CustomStringConvertible {
    /// Names that no step or stage has, a message each.
    case unknown([String])
    /// Each name has a step, but no step has all that was asked for.
    case nothingSelected
    /// Every step of the run succeeded, or is no longer in the file.
    case nothingToRerun(runID: String)

    package var description: String {
        switch self {
        case .unknown(let problems): problems.joined(separator: "\n")
        case .nothingSelected: "no step is selected: what is named lies in stages that are left out"
        case .nothingToRerun(let runID):
            "all steps of the run \(runID) succeeded, or are no longer in the file: there is nothing to run again"
        }
    }
}

extension PipelineDefinition {
    /// The pipeline with only some of its steps, in the order of the file, and without the stages that lose all of theirs.
    func keeping(_ selected: Set<StepID>) -> PipelineDefinition {
        let kept = stages.compactMap { stage -> StageDefinition? in
            var stage = stage
            stage.steps = stage.steps.filter { selected.contains($0.id) }
            for index in stage.steps.indices {
                stage.steps[index].schedule.needs.removeAll { !selected.contains($0) }
            }
            return stage.steps.isEmpty ? nil : stage
        }
        var workspace = workspace
        if kept.reduce(0, { $0 + $1.steps.count }) < steps.count { workspace.wipeWhen = .never }
        var definition = PipelineDefinition(
            name: name,
            file: file,
            stages: kept,
            maxParallel: maxParallel,
            memoryBudget: memoryBudget,
            workspace: workspace
        )
        definition.services = services
        return definition
    }
}

/// The names by which steps and stages can be selected.
private struct SelectableNames {
    private let definition: PipelineDefinition

    init(_ definition: PipelineDefinition) { self.definition = definition }

    /// A name may hold a slash itself, so nothing is taken apart.
    static func matches(_ name: String, _ step: StepDefinition) -> Bool { names(of: step).contains(name) }

    private static func names(of step: StepDefinition) -> [String] {
        [step.id.description, "\(step.id.stage)/\(step.declaredName)", step.id.step, step.declaredName]
    }

    func problem(withStep name: String) -> String? {
        let names = definition.steps.flatMap(Self.names)
        return names.contains(name) ? nil : problem("step", name, among: names)
    }

    func problem(withStage name: String) -> String? {
        let names = definition.stages.map(\.name)
        return names.contains(name) ? nil : problem("stage", name, among: names)
    }

    private func problem(_ kind: String, _ name: String, among names: [String]) -> String {
        let shown = PrintableText.quoted(name, limit: 60)
        var message = "\(PrintableText.oneLine(definition.file.shownName, limit: 200)) has no \(kind) \(shown)"
        if let nearest = NearestName.of(name, in: names) {
            message += "; did you mean \(PrintableText.quoted(nearest, limit: 60))?"
        }
        return message
    }
}
