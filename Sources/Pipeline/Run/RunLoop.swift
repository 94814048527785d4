import ImagePull
import OCIDistribution
import RoostCore

/// What happens while a run goes on.
enum RunInput: Sendable {
    case resolved
    case imagesReady(stage: Int, images: [ImageReference: String])
    /// - `isDefinite`: found while the registries were asked, before anything was pulled.
    case imagesFailed(String, isDefinite: Bool)
    case stepPassed(StepID)
    case stepFinished(StepReport)
    case services(Int, ServiceGroupRun.News)
    case servicesEnded(Int, [ServiceReport])
    case interrupted(InterruptionCause)
    case killed(InterruptionCause)
}

/// What the loop keeps of a group of services.
private struct ServiceLife {
    /// Opens when no step needs them any more.
    let isOver = Latch()
    /// Opens when nothing but themselves is left in their network.
    let stop = Latch()
    /// The networks of the steps beside them; `nil` as long as there are none.
    var slots: NetworkSlots?
}

/// The loop of a run: hands the scheduler what happens, and starts the tasks that it asks for.
struct RunLoop {
    private let plan: PipelinePlan
    private let recorder: RunRecorder
    private let order: StageOrder
    private let crew: RunCrew
    private let inbox: AsyncStream<RunInput>.Continuation
    private let noMorePulls: Latch
    private let credentialWarnings: @Sendable () -> [String]
    private let steps: [StepID: StepDefinition]
    private let stageOfStep: [StepID: Int]
    private var scheduler: RunScheduler
    private var images: [Int: [ImageReference: String]] = [:]
    private var turns: [StepID: StepTurn] = [:]
    private var groups: [ServiceLife]
    private var isOver = false
    private(set) var book: RunBook

    init(
        plan: PipelinePlan,
        recorder: RunRecorder,
        order: StageOrder,
        crew: RunCrew,
        inbox: AsyncStream<RunInput>.Continuation,
        noMorePulls: Latch,
        credentialWarnings: @escaping @Sendable () -> [String],
        runStart: ContinuousClock.Instant
    ) {
        self.plan = plan
        self.recorder = recorder
        self.order = order
        self.crew = crew
        self.inbox = inbox
        self.noMorePulls = noMorePulls
        self.credentialWarnings = credentialWarnings
        book = RunBook(plan: plan, runStart: runStart)
        steps = Dictionary(plan.steps.map { ($0.id, $0) }) { first, _ in first }
        let stages = plan.stages.enumerated().flatMap { index, stage in stage.steps.map { ($0.id, index) } }
        stageOfStep = Dictionary(stages) { first, _ in first }
        groups = plan.services.map { _ in ServiceLife() }
        scheduler = RunScheduler(
            stages: plan.stages.map { stage in
                (
                    stage.name,
                    stage.steps.map {
                        RunScheduler.Step(id: $0.id, schedule: $0.schedule, isParkable: $0.parkedCommand != nil)
                    }
                )
            },
            services: plan.services.map(\.stages),
            limits: crew.limits
        )
    }

    /// Runs to the end of all steps.
    ///
    /// - Parameters:
    ///   - inputs: What happens.
    ///   - group: Takes the steps' tasks.
    mutating func run(_ inputs: AsyncStream<RunInput>, in group: inout DiscardingTaskGroup) async {
        await perform(scheduler.handle(.began), &group)
        var next = inputs.makeAsyncIterator()
        while !isOver, let input = await next.next() {
            if case .services(let index, let news) = input { serve(index, news, &group) }
            await perform(handle(input), &group)
            if scheduler.isWindingDown { crew.slots.end() }
        }
    }

    private mutating func handle(_ input: RunInput) async -> [RunScheduler.Action] {
        switch input {
        case .resolved:
            book.noteResolved()
            for warning in credentialWarnings() { await recorder.emit(.warning(warning)) }
            return []
        case .imagesReady(let stage, let ready):
            images[stage] = ready
            book.noteImagesReady(stage: stage)
            if let image = imageWithShell(stage) {
                crew.slots.offer(image: image)
            }
            return scheduler.handle(.imagesReady(stage: stage))
        case .imagesFailed(let reason, let isDefinite):
            for warning in credentialWarnings() { await recorder.emit(.warning(warning)) }
            book.note(cause: .images(reason))
            // The whole list stands in the run's own reason; it need not stand in each step's.
            let shown = "the run's images can't be had"
            return scheduler.handle(.imagesFailed(reason: shown, beforeAnything: isDefinite))
        case .stepPassed(let id):
            book.notePassed(id)
            return scheduler.handle(.stepPassed(id))
        case .stepFinished(let report):
            book.add(report)
            await order.emit(.stepFinished(report))
            return scheduler.handle(.stepFinished(report.id, report.status))
        case .services(let index, .ready):
            return scheduler.handle(.servicesReady(index))
        case .services(let index, .failed(let reason, _)):
            book.note(cause: .service(reason))
            return scheduler.handle(.servicesFailed(index, reason: reason))
        case .servicesEnded(let index, let reports):
            book.add(reports)
            return scheduler.handle(.servicesEnded(index))
        case .interrupted(let cause):
            await recorder.emit(.notice(notice(of: cause)))
            return scheduler.handle(.interrupted(cause))
        case .killed(let cause):
            await recorder.emit(
                .notice(
                    "interrupted again (\(cause.name)): killing containers and cleaning up; a third time leaves them to "
                        + "the next roost command"
                )
            )
            return scheduler.handle(.killed(cause))
        }
    }

    private mutating func perform(_ actions: [RunScheduler.Action], _ group: inout DiscardingTaskGroup) async {
        for action in actions {
            switch action {
            case .beginStage(let stage):
                await order.begin(stage, book.begin(stage: stage))
            case .startServices(let index):
                startServices(index, &group)
            case .stopServices(let index):
                groups[index].isOver.open()
                if groups[index].slots == nil { groups[index].stop.open() }
            case .park(let id):
                let turn = StepTurn()
                turns[id] = turn
                start(id, turn, &group)
            case .discard(let id):
                turns.removeValue(forKey: id)?.decide(.discarded)
            case .start(let id):
                guard let step = steps[id], let stage = stageOfStep[id] else { continue }
                let timeline = book.timeline(of: step, stage: stage)
                if let turn = turns.removeValue(forKey: id) {
                    turn.decide(.begun(timeline))
                } else {
                    start(id, StepTurn(begun: timeline), &group)
                }
            case .skip(let id, let reason):
                var report = StepReport(id: id, image: steps[id]?.imageText ?? "", status: .skipped)
                report.reason = reason
                book.add(report)
                await order.emit(.stepFinished(report))
            case .endStage(let stage):
                await order.end(book.end(stage: stage))
            case .cancelPulls:
                noMorePulls.open()
            case .endRun:
                isOver = true
            }
        }
    }

    private func start(_ id: StepID, _ turn: StepTurn, _ group: inout DiscardingTaskGroup) {
        guard let step = steps[id], let stage = stageOfStep[id] else { return }
        // A step that always runs may start though its stage's images never came.
        let image = images[stage]?[step.image]
        let slots = plan.services.firstIndex { $0.stages.contains(stage) }.flatMap { groups[$0].slots } ?? crew.slots
        let (attempts, inbox) = (crew.attempts, inbox)
        group.addTask {
            let report = await attempts.run(step, imageID: image, slots: slots, turn: turn) {
                inbox.yield(.stepPassed(id))
            }
            if let report { inbox.yield(.stepFinished(report)) }
        }
    }

    /// An image of the stage that is on the engine and has a shell.
    private func imageWithShell(_ stage: Int) -> String? {
        plan.stages[stage].steps.first(where: \.runsShell).flatMap { images[stage]?[$0.image] }
    }

    // MARK: - Services

    private func startServices(_ index: Int, _ group: inout DiscardingTaskGroup) {
        let services = plan.services[index]
        let ready = images[services.stages.lowerBound] ?? [:]
        let (run, stop, inbox) = (crew.services, groups[index].stop, inbox)
        group.addTask {
            let reports = await run.run(services, images: ready, stop: stop) { inbox.yield(.services(index, $0)) }
            inbox.yield(.servicesEnded(index, reports))
        }
    }

    /// Lets the steps beside services join their network, for as long as any needs it.
    private mutating func serve(_ index: Int, _ news: ServiceGroupRun.News, _ group: inout DiscardingTaskGroup) {
        let network: String?
        switch news {
        case .ready(let made): network = made
        case .failed(_, let made): network = made
        }
        guard let network, !groups[index].isOver.isOpen else { return }
        let stages = plan.services[index].stages
        let slots = crew.slots(for: stages, on: network)
        groups[index].slots = slots
        let image = stages.compactMap { imageWithShell($0) }.first
        let (isOver, stop) = (groups[index].isOver, groups[index].stop)
        group.addTask {
            await slots.serve {
                if let image { slots.offer(image: image) }
                await isOver.wait()
            }
            stop.open()
        }
    }

    private func notice(of cause: InterruptionCause) -> String {
        let services = plan.services.flatMap(\.services)
        let grace = (plan.steps.map(\.stopGrace) + services.map(\.stopGrace)).max() ?? .zero
        var text = "interrupted (\(cause.name)): stopping containers, up to \(DurationText.format(grace))"
        if plan.steps.contains(where: \.schedule.isAlways) { text += ", then running the steps that always run" }
        return text + "; interrupt again to kill them"
    }
}
