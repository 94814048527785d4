import DockerEngine
import OCIDistribution
import RoostCore

/// One plan being carried out: does what the scheduler says and tells it what came of it.
struct PullRun: Sendable {
    private let puller: ImagePuller
    private let onGroupReady: @Sendable (Int, [ImageReference: String]) async -> Void
    private let onImage: @Sendable (PullOutcome) async -> Void
    private var scheduler: PullScheduler
    private let progress: ProgressReporter
    private var started: [ImageReference: ContinuousClock.Instant] = [:]

    /// What a child task came to.
    private enum Step: Sendable {
        case event(PullScheduler.Event)
        /// The engine is gone, so nothing more can be done.
        case lost(ImageReference, EngineError)
    }

    init(
        puller: ImagePuller,
        plan: PullPlan,
        onGroupReady: @escaping @Sendable (Int, [ImageReference: String]) async -> Void,
        onImage: @escaping @Sendable (PullOutcome) async -> Void
    ) {
        self.puller = puller
        self.onGroupReady = onGroupReady
        self.onImage = onImage
        scheduler = PullScheduler(plan, maxConcurrent: puller.options.maxConcurrent, retry: puller.options.retry)
        progress = ProgressReporter(onEvent: puller.onEvent)
    }

    /// - Throws: ``PullFailure``, `EngineError` or `CancellationError`; all child tasks have then ended.
    func carryOut() async throws {
        var run = self
        try await withThrowingTaskGroup(of: Step.self) { group in
            var actions = run.scheduler.handle(.began)
            while true {
                for action in actions {
                    guard try await run.perform(action, &group) else { return }
                }
                guard let step = try await group.next() else { return }
                switch step {
                case .event(let event):
                    actions = run.scheduler.handle(event)
                case .lost(let image, let error):
                    group.cancelAll()
                    let failure = PullFailure(
                        image: image,
                        kind: .engine,
                        message: error.description,
                        isDefinite: false
                    )
                    await run.report(image, .failed(failure), nil)
                    throw error
                }
            }
        }
    }

    /// - Returns: Whether there is more to do.
    private mutating func perform(
        _ action: PullScheduler.Action,
        _ group: inout ThrowingTaskGroup<Step, any Error>
    ) async throws -> Bool {
        switch action {
        case .pull(let reference, let attempt):
            guard let item = scheduler.plan(of: reference) else { break }
            if started[reference] == nil { started[reference] = .now }
            await puller.onEvent(.started(image: reference, source: item.source, attempt: attempt))
            let attempt = PullAttempt(puller: puller, item: item, progress: progress)
            group.addTask { try await Self.step(reference) { try await attempt.pull() } }
        case .tag(let reference, let image, _):
            guard let item = scheduler.plan(of: reference) else { break }
            if started[reference] == nil { started[reference] = .now }
            let attempt = PullAttempt(puller: puller, item: item, progress: progress)
            group.addTask { try await Self.step(reference) { try await attempt.tag(from: image) } }
        case .backOff(let reference, let attempt, let delay, let reason):
            await puller.onEvent(.retrying(image: reference, attempt: attempt, delay: delay, reason: reason))
            let clock = puller.clock
            group.addTask {
                try await clock.sleep(for: delay)
                return .event(.retryDue(reference))
            }
        case .finished(let reference, let image, let how):
            await report(reference, Self.result(how, image), image)
        case .groupReady(let group):
            await onGroupReady(group, scheduler.images(ofGroup: group))
        case .halt(let failure):
            group.cancelAll()
            await report(failure.image, .failed(failure), nil)
            throw failure
        case .end:
            return false
        }
        return true
    }

    private static func step(
        _ reference: ImageReference,
        _ work: () async throws -> PullScheduler.Event
    ) async throws -> Step {
        do {
            return .event(try await work())
        } catch let error as EngineError {
            try Task.checkCancellation()
            return .lost(reference, error)
        }
    }

    private static func result(_ how: PullScheduler.How, _ image: EngineImage) -> PullOutcome.Result {
        switch how {
        case .present: return .present
        case .pulled: return .pulled
        case .tagged(let leader?): return .tagged(from: leader)
        case .tagged(nil):
            // The other name is known by its digest: tags move.
            let names = image.repoDigests.lazy.map { "\($0.name)@\($0.digest)" }
            guard let other = names.compactMap({ try? ImageReference(parsing: $0) }).first else { return .present }
            return .tagged(from: other)
        }
    }

    private func report(_ reference: ImageReference, _ result: PullOutcome.Result, _ image: EngineImage?) async {
        let item = scheduler.plan(of: reference)
        let outcome = PullOutcome(
            image: reference,
            result: result,
            imageID: image?.id,
            digest: image.flatMap { image in item.flatMap { Self.digest(of: image, $0) } },
            bytes: ByteCount(progress.bytes(of: reference)),
            duration: started[reference].map { $0.duration(to: .now) } ?? .zero,
            source: item?.source
        )
        await puller.onEvent(.finished(outcome))
        await onImage(outcome)
    }

    /// The digest that the image was resolved to, where that is what came; else the one it is known by.
    private static func digest(of image: EngineImage, _ item: PullPlanItem) -> Digest? {
        if let digest = item.digest, image.has(digest) { return digest }
        return image.digest(for: item.target)
    }
}
