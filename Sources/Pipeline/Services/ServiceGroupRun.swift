import DockerEngine
import OCIDistribution
import RoostCore

/// Runs the services of one group from the begin of its first stage to the end of its last: memory, a network, the
/// containers, and all of it gone in the end.
struct ServiceGroupRun: Sendable {
    let runner: ServiceRunner
    let memory: StepMemoryAdmission

    enum News: Sendable {
        /// All of them can be used by containers that join the network.
        case ready(network: String)
        /// One of them can't be used, or none: steps must not start.
        ///
        /// - `network`: `nil` where there is none.
        case failed(String, network: String?)
    }

    private var engine: EngineClient { runner.engine }

    /// - Parameters:
    ///   - group: The services.
    ///   - images: The images of the group's first stage on the engine.
    ///   - stop: Opens when nobody needs them any more.
    ///   - tell: Told at most once, and not where they were stopped before.
    /// - Returns: How each of them ended, in the order of the file; none where nothing was begun. Never before `stop` opens.
    func run(
        _ group: ServiceGroup,
        images: [ImageReference: String],
        stop: Latch,
        tell: @escaping @Sendable (News) -> Void
    ) async -> [ServiceReport] {
        let admission = await memory.admit(group, until: stop)
        if case .interrupted = admission { return [] }
        let reports: [ServiceReport]
        do {
            let network = try await createNetwork(of: group)
            reports = await run(group, images, network, stop, tell)
            // Even where none of them is left: steps join the network until then.
            await stop.wait()
            await Removal(interruption: runner.interruption, emit: runner.emit).remove(network: network, from: engine)
        } catch {
            let place = group.stage.map { " of stage \($0)" } ?? ""
            tell(.failed("the network of the services\(place) could not be made: \(error)", network: nil))
            reports = []
            await stop.wait()
        }
        await memory.release(admission, of: group)
        return reports
    }

    private func createNetwork(of group: ServiceGroup) async throws -> String {
        let context = runner.context
        let parts = (group.stage.map { [$0] } ?? []) + ["services"]
        let labels = context.labels(kind: "network", stage: group.stage)
        do {
            return try await engine.createNetwork(name: context.objectName(parts), labels: labels)
        } catch let error as EngineError where error.statusCode == 409 {
            // Stages whose names are alike in what a name can hold.
            let suffix = String(UInt32.random(in: 0...UInt32.max), radix: 16)
            return try await engine.createNetwork(name: context.objectName(parts + [suffix]), labels: labels)
        }
    }

    private enum Event: Sendable {
        case ready
        case ended(Int, ServiceReport)
    }

    private func run(
        _ group: ServiceGroup,
        _ images: [ImageReference: String],
        _ network: String,
        _ stop: Latch,
        _ tell: @Sendable (News) -> Void
    ) async -> [ServiceReport] {
        let (events, inbox) = AsyncStream.makeStream(of: Event.self)
        return await withTaskGroup(of: Void.self) { tasks in
            for (index, service) in group.services.enumerated() {
                tasks.addTask {
                    let report = await runner.run(
                        service,
                        imageID: images[service.image],
                        network: network,
                        stop: stop,
                        onReady: { inbox.yield(.ready) }
                    )
                    inbox.yield(.ended(index, report))
                }
            }
            var book = ServiceGroupBook(count: group.services.count)
            for await event in events {
                switch event {
                case .ready:
                    if book.noteReady() { tell(.ready(network: network)) }
                case .ended(let index, let report):
                    if let problem = book.note(report, at: index) { tell(.failed(problem, network: network)) }
                    if book.isComplete { inbox.finish() }
                }
            }
            return book.reports
        }
    }
}

/// What has become of the services of a group so far, and what follows for the steps beside them.
struct ServiceGroupBook {
    private var readyCount = 0
    private var ended: [Int: ServiceReport] = [:]
    private var isTold = false
    private let count: Int

    init(count: Int) {
        self.count = count
    }

    var isComplete: Bool { ended.count == count }

    var reports: [ServiceReport] { ended.sorted { $0.key < $1.key }.map(\.value) }

    /// One more can be used.
    ///
    /// - Returns: Whether from now on all can be.
    mutating func noteReady() -> Bool {
        readyCount += 1
        guard readyCount == count, !isTold else { return false }
        isTold = true
        return true
    }

    /// One has ended.
    ///
    /// - Returns: Why steps must not start, where that is news: not once all were ready, nor for what Roost stopped.
    mutating func note(_ report: ServiceReport, at index: Int) -> String? {
        ended[index] = report
        guard !isTold, report.status != .succeeded, report.status != .cancelled else { return nil }
        isTold = true
        return report.problem ?? "\(report.id.phrase) ended before all services were ready"
    }
}
