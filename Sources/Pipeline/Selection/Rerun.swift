/// What an earlier run leaves to do: its steps that did not succeed, and those of its steps that come after one of them.
package struct Rerun: Hashable, Sendable {
    /// The earlier run.
    package let runID: String
    /// How its steps ended. Steps that were not part of it are not run again either.
    package let statuses: [StepID: StepStatus]

    package init(runID: String, statuses: [StepID: StepStatus]) {
        self.runID = runID
        self.statuses = statuses
    }

    package init(_ report: RunReport) {
        let steps = report.stages.flatMap(\.steps).map { ($0.id, $0.status) }
        self.init(runID: report.runID, statuses: Dictionary(steps) { first, _ in first })
    }

    /// The steps that are left to do; `nil` where there are none.
    ///
    /// A step comes after another where its stage does, or where it needs the other, directly or through others.
    func left(of definition: PipelineDefinition) -> Set<StepID>? {
        var left: Set<StepID> = []
        for stage in definition.stages {
            let known = stage.steps.filter { statuses[$0.id] != nil }
            guard left.isEmpty else {
                left.formUnion(known.map(\.id))
                continue
            }
            var again = Set(known.map(\.id).filter { statuses[$0] != .succeeded })
            // In the order of the graph, so that what a step needs has been decided before it.
            for step in NeedsGraph(known).order().map({ known[$0] })
            where step.schedule.needs.contains(where: again.contains) {
                again.insert(step.id)
            }
            left.formUnion(again)
        }
        return left.isEmpty ? nil : left
    }
}
