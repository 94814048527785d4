import DockerEngine
import OCIDistribution

@testable import ImagePull

/// A puller on an engine in memory, which waits for nothing and remembers what it was told.
struct PullerBench {
    let clock = InstantClock()
    let log = EventLog()
    let cut = EngineError.inStream(operation: "pull", message: "unexpected EOF")

    func puller(
        _ engine: MemoryEngine,
        _ heads: MemoryHeads? = nil,
        credentials: any CredentialSource = NoCredentials(),
        _ options: PullOptions = PullOptions()
    ) -> ImagePuller {
        let log = log
        return ImagePuller(
            engine: engine,
            registry: heads,
            credentials: credentials,
            options: options,
            clock: clock,
            jitter: { 1 },
            onEvent: { await log.append($0) }
        )
    }

    func requests(_ names: [String], policy: PullPolicy = .missing) throws -> [PullRequest] {
        try names.enumerated().map { PullRequest(reference: try ref($1), policy: policy, group: $0) }
    }

    /// What a run called back with.
    actor Calls {
        var groups: [Int: [ImageReference: String]] = [:]
        var outcomes: [PullOutcome] = []
        func ready(_ group: Int, _ images: [ImageReference: String]) { groups[group] = images }
        func finished(_ outcome: PullOutcome) { outcomes.append(outcome) }
    }

    func run(_ puller: ImagePuller, _ plan: PullPlan) async throws -> Calls {
        let calls = Calls()
        try await puller.run(plan, onGroupReady: { await calls.ready($0, $1) }, onImage: { await calls.finished($0) })
        return calls
    }
}
