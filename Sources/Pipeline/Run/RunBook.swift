import RoostCore

/// What a run knows of its stages and steps while it goes on: times, and the reports so far.
struct RunBook {
    private let plan: PipelinePlan
    private let runStart: ContinuousClock.Instant
    private var stageStarts: [Int: ContinuousClock.Instant] = [:]
    private var imagesReady: [Int: ContinuousClock.Instant] = [:]
    private var resolved: ContinuousClock.Instant?
    private var passed: [StepID: ContinuousClock.Instant] = [:]
    private var reports: [StepID: StepReport] = [:]
    private(set) var services: [ServiceReport] = []
    private(set) var stages: [StageReport] = []
    private(set) var firstCause: RunVerdict.Cause?

    init(plan: PipelinePlan, runStart: ContinuousClock.Instant) {
        self.plan = plan
        self.runStart = runStart
    }

    mutating func note(cause: RunVerdict.Cause) {
        if firstCause == nil { firstCause = cause }
    }

    mutating func noteResolved() {
        resolved = .now
    }

    mutating func noteImagesReady(stage: Int) {
        imagesReady[stage] = .now
    }

    mutating func begin(stage: Int) -> StageHeader {
        // The first stage could have started with the run itself, had its images been there.
        stageStarts[stage] = stage == 0 ? runStart : .now
        let planned = plan.stages[stage]
        return StageHeader(
            name: planned.name,
            index: stage + 1,
            count: plan.stages.count,
            steps: planned.steps.map(\.id.step)
        )
    }

    /// A step's command has ended well: what needs it could start from now on.
    mutating func notePassed(_ id: StepID) {
        passed[id] = .now
    }

    /// The phases of a step up to now, the moment it got its place.
    func timeline(of step: StepDefinition, stage: Int) -> StepTimeline {
        let needed = step.schedule.needs.compactMap { passed[$0] }
        let eligible = needed.reduce(stageStarts[stage] ?? runStart, max)
        var timeline = StepTimeline(runStart: runStart, eligible: eligible)
        timeline.end(.resolve, at: resolved)
        timeline.end(.pull, at: imagesReady[stage])
        timeline.end(.wait)
        return timeline
    }

    mutating func add(_ report: StepReport) {
        reports[report.id] = report
        if report.status != .succeeded, report.status != .skipped { note(cause: .step(report)) }
    }

    mutating func add(_ reports: [ServiceReport]) {
        services += reports
    }

    mutating func end(stage: Int) -> StageReport {
        let planned = plan.stages[stage]
        let steps = planned.steps.compactMap { reports[$0.id] }
        let bad = steps.first { $0.status != .succeeded && $0.status != .skipped }
        let status = bad?.status ?? (steps.contains { $0.status == .skipped } ? .skipped : .succeeded)
        let report = StageReport(
            name: planned.name,
            status: status,
            duration: .now - (stageStarts[stage] ?? .now),
            steps: steps
        )
        stages.append(report)
        return report
    }
}
