package import DockerEngine
import NIOHTTP1
import OCIDistribution
import RoostCore
import Synchronization

/// An engine that speaks Docker's API and runs scripts instead of containers.
///
/// It shows a client what a real engine would, and what a real engine can't be made to show on demand: calls that fail,
/// answers that are cut, engines that hang. One suite of tests holds it and the real engine to the same behaviour.
///
/// Nothing in it takes time: what would be a wait is the wait for an event. So a stop kills a program that ignores its
/// signal at once, instead of after the grace.
package final class FakeEngine: Sendable {
    /// What the engine says of itself.
    package struct Identity: Sendable {
        package var version = "20.10.24"
        package var apiVersion = APIVersion(major: 1, minor: 41)
        package var minimumAPIVersion = APIVersion(major: 1, minor: 12)
        package var id = "FAKE:\(UniqueName.make("engine").uppercased())"
        package var mirrors: [String] = []
        package var memory: Int64 = 8 << 30
        package var processors = 2

        package init() {}
    }

    package let identity: Identity
    package let endpoint: EngineEndpoint
    let log = CallLog()
    let faults = FaultBook()
    let images = Observed(ImageBook())
    let containers = Observed<[String: FakeContainer]>([:])
    let events = Observed<[FakeEvent]>([])
    let volumes = Observed<[String: FakeVolume]>([:])
    let networks = Observed(FakeNetwork.predefined)
    let ignoredSettings = Observed<Set<String>>([])
    private let programs = Mutex<[@Sendable (ContainerRequest) -> Program?]>([])
    private let server = Mutex<HTTPTestServer?>(nil)
    private let runs: AsyncStream<@Sendable () async -> Void>.Continuation

    private init(
        identity: Identity,
        endpoint: EngineEndpoint,
        runs: AsyncStream<@Sendable () async -> Void>.Continuation
    ) {
        self.identity = identity
        self.endpoint = endpoint
        self.runs = runs
    }

    /// Runs an engine on a socket of its own while `body` runs.
    ///
    /// - Parameters:
    ///   - identity: What it says of itself.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: What to do with the engine.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or the failure to listen.
    package static func with<Result>(
        _ identity: Identity = Identity(),
        isolation: isolated (any Actor)? = #isolation,
        body: (FakeEngine) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { folder in
            let path = folder.path("docker.sock")
            let (stream, continuation) = AsyncStream<@Sendable () async -> Void>.makeStream()
            let engine = FakeEngine(
                identity: identity,
                endpoint: EngineEndpoint(address: .unix(path: path)),
                runs: continuation
            )
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await withDiscardingTaskGroup { running in
                        for await run in stream { running.addTask { await run() } }
                        running.cancelAll()
                    }
                }
                defer { group.cancelAll() }
                let router = EngineRouter(engine: engine)
                return try await HTTPTestServer.with(
                    on: .unixSocket(path),
                    { try await router.handle($0, $1) },
                    body: { server in
                        engine.server.withLock { $0 = server }
                        return try await body(engine)
                    }
                )
            }
        }
    }

    // MARK: What it does

    /// Lets containers of these arguments (entry point and command together) run a program.
    package func run(_ program: Program, for arguments: [String]) {
        run { $0.arguments == arguments ? program : nil }
    }

    /// Lets containers run the program that `choice` has for them. The latest choice is asked first; a container that
    /// none has a program for exits at once with 0.
    package func run(_ choice: @escaping @Sendable (ContainerRequest) -> Program?) {
        programs.withLock { $0.append(choice) }
    }

    /// Makes containers from now on without these keys of `HostConfig`, and says nothing of it.
    package func ignore(_ settings: String...) {
        ignoredSettings.change { $0.formUnion(settings) }
    }

    /// Puts an image on the engine.
    package func add(_ image: Image, as names: String...) throws {
        for name in names {
            let reference = try ImageReference(parsing: name)
            images.change { book in
                book.add(image, as: reference)
                book.addDigest("\(reference.name)@\(image.manifestDigest)", to: image.id)
            }
        }
        if names.isEmpty { images.change { $0.add(image, as: nil) } }
    }

    /// Lets the engine's pulls find an image under a name; one without a tag stands for `latest`.
    package func offer(_ offer: Offer, as name: String) throws {
        var reference = try ImageReference(parsing: name)
        if reference.tag == nil, reference.digest == nil { reference = try reference.with(tag: "latest") }
        let key = reference
        images.change { $0.offers[key] = offer }
    }

    /// Lets the engine's pulls find an image under a name.
    package func offer(_ image: Image, as name: String) throws {
        try offer(Offer(image), as: name)
    }

    // MARK: How it fails

    /// Lets calls fail.
    ///
    /// - Parameters:
    ///   - pattern: Which calls.
    ///   - fault: How.
    ///   - nth: The first of these calls that fails, counted from 1 and from now on.
    ///   - times: How many of them fail.
    package func fail(_ pattern: CallPattern, _ fault: Fault, nth: Int = 1, times: Int = 1) {
        faults.add(fault, pattern, nth: nth, times: times)
    }

    /// Takes all faults back.
    package func stopFailing() { faults.removeAll() }

    /// Resets all connections, and each new one, as an engine that has died behind its socket; `false` brings it back.
    /// Containers go on meanwhile.
    package func setOffline(_ isOffline: Bool) { server.withLock { $0 }?.setOffline(isOffline) }

    // MARK: What happened

    /// All calls so far.
    package var calls: [Call] { log.calls.value }

    /// The calls so far that match.
    package func calls(_ pattern: CallPattern) -> [Call] { calls.filter { pattern.matches($0) } }

    /// Waits until so many calls that match have arrived.
    ///
    /// - Returns: The last of them.
    /// - Throws: `CancellationError`.
    @discardableResult
    package func waitForCall(_ pattern: CallPattern, count: Int = 1) async throws -> Call {
        try await log.calls.wait { calls in
            calls.filter { pattern.matches($0) }.dropFirst(count - 1).first
        }
    }

    /// Waits until a call that matches has ended.
    ///
    /// - Throws: `CancellationError`.
    @discardableResult
    package func waitForEnd(of pattern: CallPattern) async throws -> Call {
        try await log.calls.wait { calls in calls.first { pattern.matches($0) && $0.ending != nil } }
    }

    /// Waits until `condition` has an answer for the calls so far.
    ///
    /// - Parameter condition: Asked at once, and at each call's arrival, status and end. It must not use the engine.
    /// - Returns: The condition's first answer.
    /// - Throws: `CancellationError`.
    @discardableResult
    package func waitForCalls<Answer: Sendable>(
        _ condition: @escaping @Sendable ([Call]) -> Answer?
    ) async throws -> Answer {
        try await log.calls.wait(for: condition)
    }

    /// The containers that exist.
    package var containerNames: [String] { containers.value.values.map(\.request.name).sorted() }

    /// What a container was created from and how it is now, by name, ID or the begin of an ID.
    package func container(_ name: String) -> (id: String, request: ContainerRequest, state: ContainerState)? {
        findContainer(name).map { ($0.id, $0.request, $0.state.value) }
    }

    /// Names of volumes, and of networks that are not the engine's own.
    package var volumeNames: [String] { volumes.value.keys.sorted() }
    package var networkNames: [String] { networks.value.values.filter { !$0.isPredefined }.map(\.name).sorted() }

    /// Names of the images that are there.
    package var imageNames: [String] { images.value.entries.values.flatMap(\.tags).sorted() }

    /// `container start`, `image pull`: type and action of all events so far.
    package var eventNames: [String] { events.value.map { "\($0.type) \($0.action)" } }

    // MARK: For the routes

    func program(for request: ContainerRequest) -> Program {
        programs.withLock { programs in
            for choice in programs.reversed() {
                if let program = choice(request) { return program }
            }
            return Program()
        }
    }

    func findContainer(_ name: String) -> FakeContainer? {
        let all = containers.value
        if let exact = all[name] ?? all.values.first(where: { $0.request.name == name }) { return exact }
        let matches = all.filter { $0.key.hasPrefix(name) }
        return matches.count == 1 && name.count >= 4 ? matches.values.first : nil
    }

    func happened(_ event: FakeEvent) { events.change { $0.append(event) } }

    /// Runs a container's program in the engine's own scope, where the call that started it may end.
    func spawn(_ work: @escaping @Sendable () async -> Void) { runs.yield(work) }
}

extension FakeEngine.CallPattern {
    package func matches(_ call: FakeEngine.Call) -> Bool {
        // A name with a slash is one component of the path as it was sent, and so of a pattern.
        matches(call.method, call.components)
    }
}
