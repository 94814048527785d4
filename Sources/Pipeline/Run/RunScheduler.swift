/// Decides what a run does next: which stage is current, which steps start, which are skipped, and when it is over.
///
/// A value without I/O and without a clock: it takes what has happened and returns what to do. Stages run one after
/// another: the next begins when every command of the one before has ended well, though its containers may still be looked
/// at and removed. A step starts the moment what it needs has succeeded, its stage's whole set of images is there, and a place
/// under `maxParallel` is free; first come, first served. One step that does not succeed lets those that run finish and
/// everything that has not started be skipped, but for the steps that always run.
///
/// Ahead of their turn the containers of the steps that can come next are parked, and discarded where they won't run.
package struct RunScheduler: Sendable {
    /// What the scheduler has to know of a step.
    package struct Step: Sendable, Hashable {
        package let id: StepID
        package var schedule: StepSchedule
        /// Whether its container can be parked before its turn.
        package var isParkable: Bool

        package init(id: StepID, schedule: StepSchedule = StepSchedule(), isParkable: Bool = false) {
            self.id = id
            self.schedule = schedule
            self.isParkable = isParkable
        }
    }

    /// How many steps there may be at once.
    package struct Limits: Sendable, Hashable {
        /// Whose command runs.
        package var running: Int
        /// Whose command has ended well, and whose container is still to be looked at and removed, beyond those that run.
        package var settling: Int
        /// Parked ahead of their turn.
        package var parked: Int

        package init(running: Int, settling: Int = 0, parked: Int = 0) {
            self.running = max(1, running)
            self.settling = max(0, settling)
            self.parked = max(0, parked)
        }

        /// Where nothing else is scarce: as many that have ended as run, and twice as many parked.
        package init(useful running: Int) {
            self.init(running: running, settling: running, parked: 2 * running)
        }
    }

    package enum Event: Sendable {
        /// The run may begin.
        case began
        /// Every image of the stage with this index is on the engine.
        case imagesReady(stage: Int)
        /// Images can't be had; nothing that needs one still missing may start.
        ///
        /// - `beforeAnything`: they are definitely not to be had, which was found before any container was created: then
        ///   there is nothing to clean up, and no step runs at all.
        case imagesFailed(reason: String, beforeAnything: Bool = false)
        /// A step's command has ended well; the engine's own verdict and the clean-up are still to come.
        case stepPassed(StepID)
        case stepFinished(StepID, StepStatus)
        /// All services of a group can be used.
        case servicesReady(Int)
        /// A service can't be used: no step may start that has not, but those that always run.
        case servicesFailed(Int, reason: String)
        /// Nothing of a group's services is left.
        case servicesEnded(Int)
        /// The user wants the run to end: only steps that always run go on.
        case interrupted(InterruptionCause)
        /// The user wants the run to end at once.
        case killed(InterruptionCause)
    }

    package enum Action: Sendable, Hashable {
        case beginStage(Int)
        /// Starts the services of a group.
        case startServices(Int)
        /// Create and start the step's container behind a gate: it is expected to run soon.
        case park(StepID)
        /// The parked step will not run.
        case discard(StepID)
        /// Run the step, through its gate where it is parked.
        case start(StepID)
        case skip(StepID, reason: String)
        /// No step needs a group's services any more. Its stage's end is told when they have ended.
        case stopServices(Int)
        case endStage(Int)
        /// No later image is needed any more, but those of steps that always run, which fetch their own.
        case cancelPulls
        case endRun
    }

    private enum State: Hashable {
        case pending
        case running
        /// Its command has ended well.
        case passed
        case ended(StepStatus)
    }

    private struct Stage {
        let name: String
        let steps: [Step]
        var hasImages = false
        /// Its steps that have started and not finished, those that have passed included.
        var unfinished = 0
    }

    /// Services that start and end together.
    private struct Services {
        enum State { case idle, starting, ready, stopping, ended }

        let stages: Range<Int>
        var state = State.idle
    }

    private var stages: [Stage]
    private var services: [Services]
    private var states: [StepID: State] = [:]
    private let limits: Limits
    private var parked: Set<StepID> = []
    private var current = 0
    /// The first stage whose end has not been told.
    private var open = 0
    private var stageOfStep: [StepID: Int] = [:]
    /// The steps of the current stage that have not started, in their order.
    private var pending: [Step] = []
    /// The current stage's steps that occupy a place.
    private var running: [Step] = []
    private var hasBegun = false
    private var hasEnded = false
    private var halt: Halt?

    /// Why steps that don't always run are no longer started.
    private struct Halt {
        let reason: String
        /// Not even steps that always run are started.
        var isComplete: Bool
    }

    /// A need that is not among the steps of its own stage, such as one that a selection has left out, counts as met: nothing
    /// will ever tell of it.
    ///
    /// - Parameters:
    ///   - stages: Each stage's name and steps, in their order.
    ///   - services: Beside the steps of which stages each group of services runs; no stage has more than one.
    ///   - limits: How many steps at once.
    package init(stages: [(name: String, steps: [Step])], services: [Range<Int>] = [], limits: Limits) {
        self.services = services.map { Services(stages: $0) }
        self.stages = stages.map { name, steps in
            let known = Set(steps.map(\.id))
            let steps = steps.map { step in
                var step = step
                step.schedule.needs.removeAll { !known.contains($0) }
                return step
            }
            return Stage(name: name, steps: steps)
        }
        for (index, stage) in self.stages.enumerated() {
            for step in stage.steps { stageOfStep[step.id] = index }
        }
        self.limits = limits
    }

    /// Whether nothing will be started any more: what is left is to look at containers that have ended, and to remove them.
    package var isWindingDown: Bool { current == stages.count }

    package mutating func handle(_ event: Event) -> [Action] {
        guard !hasEnded else { return [] }
        var actions: [Action] = []
        switch event {
        case .began:
            guard !hasBegun else { return [] }
            hasBegun = true
            enterStage(&actions)
        case .imagesReady(let stage):
            if stages.indices.contains(stage) { stages[stage].hasImages = true }
        case .imagesFailed(let reason, let beforeAnything):
            actions += stop(reason, completely: beforeAnything)
        case .stepPassed(let id):
            guard states[id] == .running else { return [] }
            states[id] = .passed
            running.removeAll { $0.id == id }
        case .stepFinished(let id, let status):
            guard states[id] == .running || states[id] == .passed else { return [] }
            states[id] = .ended(status)
            running.removeAll { $0.id == id }
            if let stage = stageOfStep[id] { stages[stage].unfinished -= 1 }
            if status != .succeeded { actions += stop("\(id) \(Self.phrase(status))", completely: false) }
        case .servicesReady(let group):
            guard services.indices.contains(group), services[group].state == .starting else { return [] }
            services[group].state = .ready
        case .servicesFailed(let group, let reason):
            guard services.indices.contains(group), services[group].state == .starting else { return [] }
            actions += stop(reason, completely: false)
        case .servicesEnded(let group):
            guard services.indices.contains(group), services[group].state == .stopping else { return [] }
            services[group].state = .ended
        case .interrupted(let cause):
            actions += stop("the run was interrupted (\(cause.name))", completely: false)
        case .killed(let cause):
            actions += stop("the run was interrupted twice (\(cause.name))", completely: true)
        }
        advance(&actions)
        return actions
    }

    private mutating func stop(_ reason: String, completely: Bool) -> [Action] {
        let wasHalted = halt != nil
        halt = Halt(reason: halt?.reason ?? reason, isComplete: completely || halt?.isComplete == true)
        return wasHalted ? [] : [.cancelPulls]
    }

    private mutating func enterStage(_ actions: inout [Action]) {
        guard stages.indices.contains(current) else { return }
        pending = stages[current].steps
        actions.append(.beginStage(current))
    }

    private mutating func advance(_ actions: inout [Action]) {
        guard hasBegun else { return }
        while stages.indices.contains(current) {
            skipWhatNoLongerRuns(&actions)
            startServices(&actions)
            startWhatCan(&actions)
            parkWhatComesNext(&actions)
            guard pending.isEmpty, running.isEmpty else { break }
            stopServices(&actions)
            // After a failure the next stage says how all of this one have ended.
            guard halt == nil || unfinished == 0 && isClosed(current) else { break }
            current += 1
            endStages(&actions)
            enterStage(&actions)
        }
        endStages(&actions)
        guard open == stages.count else { return }
        hasEnded = true
        actions.append(.endRun)
    }

    private var unfinished: Int { stages.reduce(0) { $0 + $1.unfinished } }

    /// Whether nothing is left of a stage: neither steps nor services that end with it.
    private func isClosed(_ stage: Int) -> Bool {
        stages[stage].unfinished == 0
            && services.allSatisfy { group in
                group.stages.upperBound != stage + 1 || group.state == .idle || group.state == .ended
            }
    }

    /// Tells the ends of stages that have been left, in their order.
    private mutating func endStages(_ actions: inout [Action]) {
        while open < current, isClosed(open) {
            actions.append(.endStage(open))
            open += 1
        }
    }

    // MARK: - Services

    private func group(of stage: Int) -> Int? { services.firstIndex { $0.stages.contains(stage) } }

    /// Once the images of the stage are there, and not for steps that run only because they always do.
    private mutating func startServices(_ actions: inout [Action]) {
        guard let group = group(of: current), services[group].state == .idle, stages[current].hasImages, halt == nil
        else { return }
        services[group].state = .starting
        actions.append(.startServices(group))
    }

    private mutating func stopServices(_ actions: inout [Action]) {
        guard let group = group(of: current), services[group].stages.upperBound == current + 1 else { return }
        switch services[group].state {
        case .idle, .stopping, .ended: return
        case .starting, .ready:
            services[group].state = .stopping
            actions.append(.stopServices(group))
        }
    }

    private func hasServices(_ stage: Int) -> Bool { group(of: stage).map { services[$0].state == .ready } ?? true }

    // MARK: - Steps

    private mutating func skipWhatNoLongerRuns(_ actions: inout [Action]) {
        guard let halt else { return }
        // Those of later stages are skipped when it is their stage's turn, but what is parked for them is not kept until then.
        for stage in stages.dropFirst(current + 1) {
            for step in stage.steps where halt.isComplete || !step.schedule.isAlways {
                if parked.remove(step.id) != nil { actions.append(.discard(step.id)) }
            }
        }
        for step in pending where halt.isComplete || !step.schedule.isAlways {
            if parked.remove(step.id) != nil { actions.append(.discard(step.id)) }
            states[step.id] = .ended(.skipped)
            actions.append(.skip(step.id, reason: reason(toSkip: step, halt)))
        }
        pending.removeAll { halt.isComplete || !$0.schedule.isAlways }
    }

    /// A step that needs one that did not succeed says so, whatever else has happened.
    private func reason(toSkip step: Step, _ halt: Halt) -> String {
        for need in step.schedule.needs {
            if case .ended(let status)? = states[need], status != .succeeded {
                return "it needs \(need), which \(Self.phrase(status))"
            }
        }
        return halt.reason
    }

    private mutating func startWhatCan(_ actions: inout [Action]) {
        guard stages[current].hasImages && hasServices(current) || halt != nil else { return }
        var waiting: [Step] = []
        var isBlocked = false
        for step in pending {
            // A step that runs alone keeps its turn: what comes after it does not pass it while it waits for the others.
            let canStart =
                !isBlocked && isReady(step) && running.count < limits.running
                && unfinished < limits.running + limits.settling
                && (running.isEmpty || !step.schedule.runsAlone && !running.contains { $0.schedule.runsAlone })
            if canStart {
                states[step.id] = .running
                running.append(step)
                stages[current].unfinished += 1
                parked.remove(step.id)
                actions.append(.start(step.id))
            } else {
                isBlocked = isBlocked || step.schedule.runsAlone && isReady(step)
                waiting.append(step)
            }
        }
        pending = waiting
    }

    /// Parks the steps that are expected to run next, along their needs, and on into the stages that follow.
    private mutating func parkWhatComesNext(_ actions: inout [Action]) {
        guard halt == nil, parked.count < limits.parked else { return }
        for index in stages[current...].indices {
            guard stages[index].hasImages, hasServices(index) else { return }
            let steps = index == current ? pending : stages[index].steps
            var remaining = steps.filter { !parked.contains($0.id) }
            // What is expected to have succeeded by then.
            var expected = Set(steps.map(\.id).filter(parked.contains))
            var hasProgress = true
            while hasProgress {
                hasProgress = false
                var later: [Step] = []
                for step in remaining {
                    guard step.schedule.needs.allSatisfy({ expected.contains($0) || isUnderWay($0) }) else {
                        later.append(step)
                        continue
                    }
                    hasProgress = true
                    expected.insert(step.id)
                    guard step.isParkable else { continue }
                    parked.insert(step.id)
                    actions.append(.park(step.id))
                    if parked.count == limits.parked { return }
                }
                remaining = later
            }
        }
    }

    private func isUnderWay(_ id: StepID) -> Bool {
        switch states[id] ?? .pending {
        case .running, .passed, .ended(.succeeded): true
        case .pending, .ended: false
        }
    }

    private func isReady(_ step: Step) -> Bool {
        step.schedule.needs.allSatisfy { need in
            switch states[need] ?? .pending {
            case .passed, .ended(.succeeded): true
            case .ended: step.schedule.isAlways
            case .pending, .running: false
            }
        }
    }

    /// How a step ended, as the end of a sentence.
    static func phrase(_ status: StepStatus) -> String {
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
