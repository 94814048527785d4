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
    private let limits: RunScheduler.Limits
    private let interruption: Interruption
    private let lock: LockFile?
    private let credentialWarnings: @Sendable () -> [String]
    private let makePuller: @Sendable (@escaping @Sendable (PullEvent) async -> Void) -> ImagePuller

    /// - Parameters:
    ///   - plan: What to run.
    ///   - engine: Where.
    ///   - context: What all steps share.
    ///   - limits: How many steps there may be at once; `nil` for what the plan wants.
    ///   - interruption: How it is ended from outside.
    ///   - lock: Digests to take the images by; `nil` takes what their tags name now.
    ///   - credentialWarnings: What went wrong so far in finding logins, told once the registries have been asked.
    ///   - makePuller: Makes the puller, which reports to the closure it is given.
    package init(
        plan: PipelinePlan,
        engine: EngineClient,
        context: RunContext,
        limits: RunScheduler.Limits? = nil,
        interruption: Interruption,
        lock: LockFile?,
        credentialWarnings: @escaping @Sendable () -> [String] = { [] },
        makePuller: @escaping @Sendable (@escaping @Sendable (PullEvent) async -> Void) -> ImagePuller
    ) {
        self.plan = plan
        self.engine = engine
        self.context = context
        self.limits = limits ?? RunScheduler.Limits(useful: plan.maxParallel)
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
        let mask = context.secrets.mask
        let recorder = RunRecorder(channel: channel, imageTexts: Dictionary(texts) { first, _ in first }, mask: mask)
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
        if let mask { report = report.masked(by: mask) }
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
        let (inputs, inbox) = AsyncStream.makeStream(of: RunInput.self)
        let noMorePulls = Latch()
        let order = StageOrder(stages: plan.stages.map(\.name)) { await recorder.emit($0) }
        let crew = RunCrew(
            plan: plan,
            engine: engine,
            context: context,
            limits: limits,
            interruption: interruption
        ) {
            await order.emit($0)
        } pullAgain: {
            try await puller.pullAgain($0.image, policy: $0.policy, locked: lock?.digest(for: $0.image))
        }
        return await withTaskGroup(of: Void.self) { background in
            background.addTask { await crew.outOfMemory.follow(engine) }
            background.addTask { await pullImages(puller, noMorePulls, inbox) }
            background.addTask {
                if await interruption.stop.wait(), let cause = interruption.cause { inbox.yield(.interrupted(cause)) }
                if await interruption.kill.wait(), let cause = interruption.cause { inbox.yield(.killed(cause)) }
            }
            let book = await crew.slots.serve {
                // Returns when every step's task has: also those whose parked container is not needed.
                // A group that hands on results would keep each ended step's task, with all of its memory, until then.
                await withDiscardingTaskGroup { steps in
                    var loop = RunLoop(
                        plan: plan,
                        recorder: recorder,
                        order: order,
                        crew: crew,
                        inbox: inbox,
                        noMorePulls: noMorePulls,
                        credentialWarnings: credentialWarnings,
                        runStart: runStart
                    )
                    await loop.run(inputs, in: &steps)
                    return loop.book
                }
            }
            // What is left only waits for what nobody needs any more.
            noMorePulls.open()
            background.cancelAll()
            return book
        }
    }

    // MARK: - Images

    /// Resolves and pulls the images of all stages, the first stage's first, until done or no longer wanted.
    private func pullImages(_ puller: ImagePuller, _ noMorePulls: Latch, _ inbox: AsyncStream<RunInput>.Continuation)
        async
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
