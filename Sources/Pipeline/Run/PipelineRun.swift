package import AsyncAlgorithms
package import DockerEngine
import Foundation
package import ImagePull
import OCIDistribution
import RoostCore

/// Carries out a plan: pulls its images, runs its stages, and reports.
///
/// The decisions are ``RunScheduler``'s; this is the loop around it that starts the tasks and hands it what they report.
package struct PipelineRun: Sendable {
    private let plan: PipelinePlan
    private let engine: EngineClient
    private let context: RunContext
    private let interruption: Interruption
    private let lock: LockFile?
    private let credentialWarnings: @Sendable () -> [String]
    private let makePuller: @Sendable (@escaping @Sendable (PullEvent) async -> Void) -> ImagePuller

    /// Four at once: more make each start slower and none of them faster (measured on two cores).
    private static let concurrentStarts = 4

    private enum Input: Sendable {
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

    /// - Parameters:
    ///   - plan: What to run.
    ///   - engine: Where.
    ///   - context: What all steps share.
    ///   - interruption: How it is ended from outside.
    ///   - lock: Digests to take the images by; `nil` takes what their tags name now.
    ///   - credentialWarnings: What went wrong so far in finding logins, told once the registries have been asked.
    ///   - makePuller: Makes the puller, which reports to the closure it is given.
    package init(
        plan: PipelinePlan,
        engine: EngineClient,
        context: RunContext,
        interruption: Interruption,
        lock: LockFile?,
        credentialWarnings: @escaping @Sendable () -> [String] = { [] },
        makePuller: @escaping @Sendable (@escaping @Sendable (PullEvent) async -> Void) -> ImagePuller
    ) {
        self.plan = plan
        self.engine = engine
        self.context = context
        self.interruption = interruption
        self.lock = lock
        self.credentialWarnings = credentialWarnings
        self.makePuller = makePuller
    }

    /// Runs the pipeline to its end.
    ///
    /// To end it early, raise the interruption; the calling task must not be cancelled, since a cancelled task could not
    /// clean up.
    ///
    /// - Parameter channel: Takes the events, the last of them `runFinished`; finished when this returns.
    /// - Returns: The report that the last event carries too.
    package func execute(into channel: AsyncChannel<RunEvent>) async -> RunReport {
        let startedAt = Date()
        let runStart = ContinuousClock.now
        let texts = plan.images.map { ($0.reference.description, $0.text) }
        let recorder = RunRecorder(channel: channel, imageTexts: Dictionary(texts) { first, _ in first })
        await recorder.emit(
            .runStarted(
                RunHeader(
                    runID: context.runID.description,
                    pipeline: plan.name,
                    file: plan.definition.file.shownName,
                    steps: plan.steps.map(\.id),
                    engine: "\(Self.name(of: engine.about)) \(engine.about.version) at \(engine.endpoint)"
                )
            )
        )
        if !engine.endpoint.isLocal {
            await recorder.emit(
                .warning(
                    "the engine at \(engine.endpoint) is on another machine: what steps see at their workdir is that "
                        + "machine's \(context.projectFolder), which must be there"
                )
            )
        }
        let puller = makePuller { await recorder.emit(.pull($0)) }
        let workspace = RunWorkspace(
            plan: plan,
            context: context,
            engine: engine,
            interruption: interruption,
            emit: { await recorder.emit($0) },
            pull: { try await puller.pullAgain($0.image, policy: $0.pull, locked: lock?.digest(for: $0.image)) }
        )
        var book = RunBook(plan: plan, runStart: runStart)
        if let problem = await workspace.prepare() {
            book.note(cause: .workspace(problem))
        } else {
            book = await loop(recorder, puller, runStart: runStart)
        }
        await recorder.emitCutPulls()
        let isSuccess = interruption.cause == nil && book.firstCause == nil
        await workspace.finish(succeeded: isSuccess, stages: book.stages)
        let verdict = RunVerdict(interruption: interruption.cause, firstCause: book.firstCause)
        var report = RunReport(
            runID: context.runID.description,
            pipeline: plan.name,
            status: verdict.status,
            exitCode: verdict.exitCode,
            startedAt: startedAt,
            duration: .now - runStart,
            images: recorder.images,
            stages: book.stages,
            warnings: recorder.warnings
        )
        report.file = plan.definition.file.url.lastPathComponent
        report.reason = verdict.reason
        report.services = book.services
        if case .step(let first) = book.firstCause { report.firstFault = first.id }
        if case .workspace = book.firstCause { report.stages = RunReport.skippedStages(of: plan) }
        await recorder.emit(.runFinished(report))
        channel.finish()
        return report
    }

    /// What an engine is called. Docker's own builds name themselves, those of Linux distributions leave the name empty, and
    /// Podman puts the host's platform in its place.
    static func name(of about: EngineVersion) -> String {
        if about.components?.contains(where: { $0.name == "Podman Engine" }) == true { return "Podman Engine" }
        let name = about.platform?.name ?? ""
        return name.isEmpty ? "Docker Engine" : name
    }

    // MARK: - The loop

    private func loop(
        _ recorder: RunRecorder,
        _ puller: ImagePuller,
        runStart: ContinuousClock.Instant
    ) async -> RunBook {
        let (inputs, inbox) = AsyncStream.makeStream(of: Input.self)
        let noMorePulls = Latch()
        let outOfMemory = OutOfMemoryWatch(runID: context.runID.description)
        let startLimit = ConcurrencyLimit(Self.concurrentStarts)
        let runner = StepRunner(
            engine: engine,
            context: context,
            interruption: interruption,
            startLimit: startLimit,
            outOfMemory: outOfMemory,
            emit: { await recorder.emit($0) },
            pullAgain: {
                try await puller.pullAgain($0.image, policy: $0.pull, locked: lock?.digest(for: $0.image))
            }
        )
        let memory = StepMemoryAdmission(
            run: context.runID,
            ledger: context.records?.admissions,
            budget: context.memoryBudget,
            interruption: interruption,
            emit: { await recorder.emit($0) }
        )
        let services = ServiceGroupRun(
            runner: ServiceRunner(
                engine: engine,
                context: context,
                interruption: interruption,
                startLimit: startLimit,
                outOfMemory: outOfMemory,
                emit: { await recorder.emit($0) },
                pullAgain: {
                    try await puller.pullAgain($0.image, policy: $0.pull, locked: lock?.digest(for: $0.image))
                }
            ),
            memory: memory
        )
        let attempts = StepAttempts(
            runner: runner,
            memory: memory,
            interruption: interruption,
            emit: { await recorder.emit($0) }
        )
        let steps = Dictionary(plan.steps.map { ($0.id, $0) }) { first, _ in first }
        return await withTaskGroup(of: Void.self) { group in
            var book = RunBook(plan: plan, runStart: runStart)
            var images: [Int: [ImageReference: String]] = [:]
            /// The networks that steps join, by their stage; the engine's default where there is none.
            var networks: [Int: String] = [:]
            let stopServices = plan.services.map { _ in Latch() }
            var scheduler = RunScheduler(
                stages: plan.stages.map { stage in
                    (stage.name, stage.steps.map { RunScheduler.Step(id: $0.id, schedule: $0.schedule) })
                },
                services: plan.services.map(\.stages),
                maxParallel: plan.maxParallel
            )
            var currentStage = 0
            var isOver = false

            func perform(_ actions: [RunScheduler.Action]) async {
                for action in actions {
                    switch action {
                    case .beginStage(let stage):
                        currentStage = stage
                        await recorder.emit(.stageStarted(book.begin(stage: stage)))
                    case .startServices(let index):
                        let ready = images[currentStage] ?? [:]
                        group.addTask {
                            let reports = await services.run(
                                plan.services[index],
                                images: ready,
                                stop: stopServices[index],
                                tell: { inbox.yield(.services(index, $0)) }
                            )
                            inbox.yield(.servicesEnded(index, reports))
                        }
                    case .stopServices(let index):
                        stopServices[index].open()
                    case .start(let id):
                        guard let step = steps[id] else { continue }
                        // A step that always runs may start though its stage's images never came.
                        let image = images[currentStage]?[step.image]
                        let network = networks[currentStage]
                        let timeline = book.timeline(of: step, stage: currentStage)
                        group.addTask {
                            let report = await attempts.run(
                                step,
                                imageID: image,
                                network: network,
                                timeline: timeline
                            ) {
                                inbox.yield(.stepPassed(id))
                            }
                            inbox.yield(.stepFinished(report))
                        }
                    case .skip(let id, let reason):
                        var report = StepReport(id: id, image: steps[id]?.imageText ?? "", status: .skipped)
                        report.reason = reason
                        book.add(report)
                        await recorder.emit(.stepFinished(report))
                    case .endStage(let stage):
                        await recorder.emit(.stageFinished(book.end(stage: stage)))
                    case .cancelPulls:
                        noMorePulls.open()
                    case .endRun:
                        isOver = true
                    }
                }
            }

            group.addTask { await outOfMemory.follow(engine) }
            group.addTask { await pullImages(puller, noMorePulls, inbox) }
            group.addTask {
                if await interruption.stop.wait(), let cause = interruption.cause { inbox.yield(.interrupted(cause)) }
                if await interruption.kill.wait(), let cause = interruption.cause { inbox.yield(.killed(cause)) }
            }
            await perform(scheduler.handle(.began))
            var next = inputs.makeAsyncIterator()
            while !isOver, let input = await next.next() {
                switch input {
                case .resolved:
                    book.noteResolved()
                    for warning in credentialWarnings() { await recorder.emit(.warning(warning)) }
                case .imagesReady(let stage, let ready):
                    images[stage] = ready
                    book.noteImagesReady(stage: stage)
                    await perform(scheduler.handle(.imagesReady(stage: stage)))
                case .imagesFailed(let reason, let isDefinite):
                    for warning in credentialWarnings() { await recorder.emit(.warning(warning)) }
                    book.note(cause: .images(reason))
                    // The whole list stands in the run's own reason; it need not stand in each step's.
                    let shown = "the run's images can't be had"
                    await perform(scheduler.handle(.imagesFailed(reason: shown, beforeAnything: isDefinite)))
                case .stepPassed(let id):
                    book.notePassed(id)
                    await perform(scheduler.handle(.stepPassed(id)))
                case .stepFinished(let report):
                    book.add(report)
                    await recorder.emit(.stepFinished(report))
                    await perform(scheduler.handle(.stepFinished(report.id, report.status)))
                case .services(let index, .ready(let network)):
                    for stage in plan.services[index].stages { networks[stage] = network }
                    await perform(scheduler.handle(.servicesReady(index)))
                case .services(let index, .failed(let reason, let network)):
                    for stage in plan.services[index].stages { networks[stage] = network }
                    book.note(cause: .service(reason))
                    await perform(scheduler.handle(.servicesFailed(index, reason: reason)))
                case .servicesEnded(let index, let reports):
                    book.add(reports)
                    await perform(scheduler.handle(.servicesEnded(index)))
                case .interrupted(let cause):
                    await recorder.emit(.notice(notice(of: cause)))
                    await perform(scheduler.handle(.interrupted(cause)))
                case .killed(let cause):
                    await recorder.emit(
                        .notice(
                            "interrupted again (\(cause.name)): killing containers and cleaning up; a third time "
                                + "leaves them to the next roost command"
                        )
                    )
                    await perform(scheduler.handle(.killed(cause)))
                }
            }
            // All steps have ended: what is left only waits for what nobody needs any more.
            noMorePulls.open()
            group.cancelAll()
            return book
        }
    }

    private func notice(of cause: InterruptionCause) -> String {
        let services = plan.services.flatMap(\.services)
        let grace = (plan.steps.map(\.stopGrace) + services.map(\.stopGrace)).max() ?? .zero
        var text = "interrupted (\(cause.name)): stopping containers, up to \(DurationText.format(grace))"
        if plan.steps.contains(where: \.schedule.isAlways) { text += ", then running the steps that always run" }
        return text + "; interrupt again to kill them"
    }

    // MARK: - Images

    /// Resolves and pulls the images of all stages, the first stage's first, until done or no longer wanted.
    private func pullImages(_ puller: ImagePuller, _ noMorePulls: Latch, _ inbox: AsyncStream<Input>.Continuation) async
    {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var isResolved = false
                do {
                    let pullPlan = try await puller.resolve(plan.pullRequests(lock: lock))
                    isResolved = true
                    inbox.yield(.resolved)
                    try await puller.run(
                        pullPlan,
                        onGroupReady: { stage, images in inbox.yield(.imagesReady(stage: stage, images: images)) }
                    )
                } catch is CancellationError {
                    // Nobody needs the images any more.
                } catch {
                    inbox.yield(.imagesFailed("\(error)", isDefinite: !isResolved))
                }
            }
            group.addTask { await noMorePulls.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
