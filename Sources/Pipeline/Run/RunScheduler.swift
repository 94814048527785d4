/// Decides what a run does next: which stage is current, which steps start, which are skipped, and when it is over.
///
/// A value without I/O and without a clock: it takes what has happened and returns what to do. Stages run one after
/// another. A step starts the moment what it needs has succeeded, its stage's whole set of images is there, and a place
/// under `maxParallel` is free; first come, first served. One step that does not succeed lets those that run finish and
/// everything that has not started be skipped, but for the steps that always run.
package struct RunScheduler: Sendable {
    /// What the scheduler has to know of a step.
    package struct Step: Sendable, Hashable {
        package let id: StepID
        package var schedule: StepSchedule

        package init(id: StepID, schedule: StepSchedule = StepSchedule()) {
            self.id = id
            self.schedule = schedule
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
        case start(StepID)
        case skip(StepID, reason: String)
        /// No step needs a group's services any more. Its stage ends when they have.
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
        var hasEnded = false
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
    private let maxParallel: Int
    private var current = 0
    /// The steps of the current stage that have not started, in their order.
    private var pending: [Step] = []
    /// The current stage's steps that occupy a place.
    private var running: [Step] = []
    /// The current stage's steps that have started and not finished, those that have passed included.
    private var unfinished = 0
    private var hasBegun = false
    private var hasEnded = false
    private var halt: Halt?

    /// Why steps that don't always run are no longer started.
    private struct Halt {
        let reason: String
        /// Not even steps that always run are started.
        var isComplete: Bool
    }

    /// - Parameters:
    ///   - stages: Each stage's name and steps, in their order.
    ///   - services: Beside the steps of which stages each group of services runs; no stage has more than one.
    ///   - maxParallel: How many steps may run at once.
    package init(stages: [(name: String, steps: [Step])], services: [Range<Int>] = [], maxParallel: Int) {
        self.services = services.map { Services(stages: $0) }
        self.stages = stages.map { Stage(name: $0.name, steps: $0.steps) }
        self.maxParallel = max(1, maxParallel)
    }

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
            unfinished -= 1
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
            guard pending.isEmpty, unfinished == 0, endServices(&actions) else { return }
            actions.append(.endStage(current))
            current += 1
            enterStage(&actions)
        }
        hasEnded = true
        actions.append(.endRun)
    }

    private mutating func skipWhatNoLongerRuns(_ actions: inout [Action]) {
        guard let halt else { return }
        for step in pending where halt.isComplete || !step.schedule.isAlways {
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

    /// Once the images of the stage are there, and not for steps that run only because they always do.
    private mutating func startServices(_ actions: inout [Action]) {
        guard let group = currentServices, services[group].state == .idle, stages[current].hasImages, halt == nil else {
            return
        }
        services[group].state = .starting
        actions.append(.startServices(group))
    }

    /// - Returns: Whether nothing is left of the services that end with the current stage.
    private mutating func endServices(_ actions: inout [Action]) -> Bool {
        guard let group = currentServices, services[group].stages.upperBound == current + 1 else { return true }
        switch services[group].state {
        case .idle, .ended: return true
        case .starting, .ready:
            services[group].state = .stopping
            actions.append(.stopServices(group))
            return false
        case .stopping: return false
        }
    }

    private var currentServices: Int? { services.firstIndex { $0.stages.contains(current) } }

    private mutating func startWhatCan(_ actions: inout [Action]) {
        let areServicesReady = currentServices.map { services[$0].state == .ready } ?? true
        guard stages[current].hasImages && areServicesReady || halt != nil else { return }
        var waiting: [Step] = []
        var isBlocked = false
        for step in pending {
            // A step that runs alone keeps its turn: what comes after it does not pass it while it waits for the others.
            let canStart =
                !isBlocked && isReady(step) && unfinished < maxParallel
                && (running.isEmpty || !step.schedule.runsAlone && !running.contains { $0.schedule.runsAlone })
            if canStart {
                states[step.id] = .running
                running.append(step)
                unfinished += 1
                actions.append(.start(step.id))
            } else {
                isBlocked = isBlocked || step.schedule.runsAlone && isReady(step)
                waiting.append(step)
            }
        }
        pending = waiting
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
