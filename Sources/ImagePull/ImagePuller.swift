package import OCIDistribution

/// Brings images onto an engine: observes, asks registries, plans, and carries the plan out. Creates no containers.
///
/// A run calls ``resolve(_:)`` for the whole pipeline before anything is created, then ``run(_:onGroupReady:onImage:)``
/// in a child task of its own, and creates a stage's containers once it was told that the stage's group is ready.
package struct ImagePuller: Sendable {
    let engine: any PullEngine
    let heads: (any ManifestHeads)?
    let credentials: any CredentialSource
    let options: PullOptions
    /// What delays between attempts are slept on.
    let clock: any Clock<Duration>
    /// Chance in `0..<1` for the delay before an attempt.
    let jitter: @Sendable () -> Double
    let onEvent: @Sendable (PullEvent) async -> Void

    /// How many questions to the engine, and to registries, are open at once.
    static let mostQuestions = 16

    /// - Parameters:
    ///   - engine: Where the images are to be.
    ///   - registry: What asks registries; `nil` asks none, so that the engine's pulls decide everything.
    ///   - credentials: What the engine is given for a registry; the same source as the registry client's.
    ///   - options: How images are pulled.
    ///   - clock: What delays between attempts are slept on.
    ///   - jitter: Chance in `0..<1` for those delays.
    ///   - onEvent: Told what happens. It is awaited, so a slow listener slows the engine's streams.
    package init(
        engine: any PullEngine,
        registry: (any ManifestHeads)?,
        credentials: any CredentialSource = NoCredentials(),
        options: PullOptions = PullOptions(),
        clock: any Clock<Duration> = ContinuousClock(),
        jitter: @escaping @Sendable () -> Double = { .random(in: 0..<1) },
        onEvent: @escaping @Sendable (PullEvent) async -> Void = { _ in }
    ) {
        self.engine = engine
        self.heads = registry
        self.credentials = credentials
        self.options = options
        self.clock = clock
        self.jitter = jitter
        self.onEvent = onEvent
    }

    /// Finds out what has to be pulled: which images are present, and for those that the engine lacks (or that are to
    /// be `always` fresh) what their registries say.
    ///
    /// - Parameter requests: All needs, of all groups, in their order.
    /// - Returns: The plan to ``run(_:onGroupReady:onImage:)``.
    /// - Throws: ``PullFailures`` with all images that can't be had; `EngineError`; `CancellationError`.
    package func resolve(_ requests: [PullRequest]) async throws -> PullPlan {
        let plan = try await observe(
            WantedImage.merge(requests),
            onQuestions: { await onEvent(.resolving(images: $0)) }
        )
        await onEvent(.planned(plan.summary))
        return plan
    }

    /// Carries a plan out.
    ///
    /// - Parameters:
    ///   - plan: What ``resolve(_:)`` gave.
    ///   - onGroupReady: Called once for each of the plan's groups, in whatever order they complete, when every image
    ///     that the group needs is on the engine. It is given the image ID of each reference that the group's requests
    ///     named: create containers from these, since a tag may move meanwhile.
    ///   - onImage: Called once for each image that is there, and for the one whose failure ends the pull.
    /// - Throws: ``PullFailure`` for the first image that can't be had; the other pulls have then been cancelled.
    ///   `EngineError` where the engine is gone. `CancellationError`.
    package func run(
        _ plan: PullPlan,
        onGroupReady: @escaping @Sendable (_ group: Int, _ images: [ImageReference: String]) async -> Void = { _, _ in
        },
        onImage: @escaping @Sendable (PullOutcome) async -> Void = { _ in }
    ) async throws {
        try await PullRun(puller: self, plan: plan, onGroupReady: onGroupReady, onImage: onImage).carryOut()
    }

    /// Pulls one image again that vanished between its pull and its use.
    ///
    /// - Returns: The image's ID.
    /// - Throws: As ``resolve(_:)`` and ``run(_:onGroupReady:onImage:)`` do.
    package func pullAgain(
        _ reference: ImageReference,
        policy: PullPolicy = .missing,
        locked: Digest? = nil
    ) async throws -> String {
        // Freshness was settled by the first pull; now the image only has to be there.
        let request = PullRequest(reference: reference, policy: min(policy, .missing), locked: locked)
        let plan = try await observe(WantedImage.merge([request]), onQuestions: { _ in })
        let last = LastImage()
        try await run(plan, onGroupReady: { _, images in await last.set(images[reference]) })
        guard let id = await last.id else {
            throw PullFailure(
                image: reference,
                kind: .engine,
                message: "it was pulled again, but the engine has no ID for it",
                isDefinite: false
            )
        }
        return id
    }

    private actor LastImage {
        private(set) var id: String?
        func set(_ id: String?) { self.id = id }
    }
}
