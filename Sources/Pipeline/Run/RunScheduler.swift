/// Decides what a run does next: which stage is current, which steps start, which are skipped, and when it is over.
///
/// A value without I/O and without a clock: it takes what has happened and returns what to do. Stages run one after
/// another; a stage's steps start when its whole set of images is there and a place under `maxParallel` is free; one that
/// does not succeed lets those that run finish and everything that has not started be skipped.
package struct RunScheduler: Sendable {
    package enum Event: Sendable {
        /// The run may begin.
        case began
        /// Every image of the stage with this index is on the engine.
        case imagesReady(stage: Int)
        /// Images can't be had; nothing that needs one still missing may start.
        case imagesFailed(reason: String)
        case stepFinished(StepID, StepStatus)
        /// The user wants the run to end.
        case interrupted(InterruptionCause)
    }

    package enum Action: Sendable, Hashable {
        case beginStage(Int)
        case start(StepID)
        case skip(StepID, reason: String)
        case endStage(Int)
        /// No later image is needed any more.
        case cancelPulls
        case endRun
    }

    private struct Stage {
        let name: String
        var pending: [StepID]
        var running: Set<StepID> = []
        var hasImages = false
    }

    private var stages: [Stage]
    private let maxParallel: Int
    private var current = 0
    private var hasBegun = false
    private var hasEnded = false
    private var isHalted = false
    /// Why nothing starts any more.
    private var haltReason = ""

    /// - Parameters:
    ///   - stages: Each stage's name and steps, in their order.
    ///   - maxParallel: How many steps may run at once.
    package init(stages: [(name: String, steps: [StepID])], maxParallel: Int) {
        self.stages = stages.map { Stage(name: $0.name, pending: $0.steps) }
        self.maxParallel = max(1, maxParallel)
    }

    package mutating func handle(_ event: Event) -> [Action] {
        guard !hasEnded else { return [] }
        var actions: [Action] = []
        switch event {
        case .began:
            hasBegun = true
            if !stages.isEmpty { actions.append(.beginStage(0)) }
        case .imagesReady(let stage):
            if stages.indices.contains(stage) { stages[stage].hasImages = true }
        case .imagesFailed(let reason):
            actions += halt(reason)
        case .stepFinished(let id, let status):
            guard stages.indices.contains(current), stages[current].running.remove(id) != nil else { return [] }
            if status != .succeeded { actions += halt("\(id) \(Self.phrase(status))") }
        case .interrupted(let cause):
            actions += halt("the run was interrupted (\(cause.name))")
        }
        advance(&actions)
        return actions
    }

    private mutating func halt(_ reason: String) -> [Action] {
        guard !isHalted else { return [] }
        isHalted = true
        haltReason = reason
        return [.cancelPulls]
    }

    private mutating func advance(_ actions: inout [Action]) {
        guard hasBegun else { return }
        while stages.indices.contains(current) {
            if isHalted {
                actions += stages[current].pending.map { .skip($0, reason: haltReason) }
                stages[current].pending = []
            } else if stages[current].hasImages {
                while stages[current].running.count < maxParallel, !stages[current].pending.isEmpty {
                    let step = stages[current].pending.removeFirst()
                    stages[current].running.insert(step)
                    actions.append(.start(step))
                }
            }
            guard stages[current].pending.isEmpty, stages[current].running.isEmpty else { return }
            actions.append(.endStage(current))
            current += 1
            if stages.indices.contains(current) { actions.append(.beginStage(current)) }
        }
        hasEnded = true
        actions.append(.endRun)
    }

    private static func phrase(_ status: StepStatus) -> String {
        switch status {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .timedOut: "timed out"
        case .oomKilled: "ran out of memory"
        case .cancelled: "was cancelled"
        case .skipped: "was skipped"
        case .infrastructureError: "could not be run"
        }
    }
}
