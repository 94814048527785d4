import DockerEngine
import OCIDistribution
import ParkedContainers
import RoostCore

/// Runs one service: create, start, follow, wait until it is ready, stop, inspect, remove.
///
/// Never throws and is never cancelled by an interruption: whatever happens ends in a report, and the container is gone or
/// named in a warning.
struct ServiceRunner: Sendable {
    let engine: EngineClient
    let context: RunContext
    let interruption: Interruption
    let starts: StartQueue
    /// `nil` for an engine on another machine.
    let exits: ExitWatch?
    let outOfMemory: OutOfMemoryWatch
    let emit: @Sendable (RunEvent.Kind) async -> Void
    /// Pulls an image that has vanished from the engine since the run pulled it; returns its ID.
    let pullAgain: @Sendable (ServiceDefinition) async throws -> String

    /// - Parameters:
    ///   - service: The service.
    ///   - imageID: Its image on the engine; `nil` for one that has to be looked for first.
    ///   - network: The network in which steps reach it.
    ///   - stop: Opens when nobody needs it any more.
    ///   - onReady: Told as soon as it can be used.
    /// - Returns: How it ended.
    func run(
        _ service: ServiceDefinition,
        imageID: String?,
        network: String,
        stop: Latch,
        onReady: @escaping @Sendable () -> Void
    ) async -> ServiceReport {
        var report = ServiceReport(id: service.id, image: service.imageText, status: .infrastructureError)
        report.memoryLimit = service.memory
        do {
            let container = try await create(service, imageID: imageID, network: network, stop: stop)
            await run(container, service, stop: stop, report: &report, onReady: onReady)
            await Removal(interruption: interruption, emit: emit).remove(container: container, from: engine)
        } catch is CancellationError where stop.isOpen {
            report.status = .cancelled
            report.reason = "was not started: nothing needs it any more"
        } catch {
            report.reason = "could not be created: \(error)"
        }
        await emit(.serviceFinished(report))
        return report
    }

    /// Brings the service's image onto the engine, unless nothing needs it any more meanwhile.
    private func obtainImage(of service: ServiceDefinition, until stop: Latch) async throws -> String {
        guard let image = try await stop.cancelling({ try await pullAgain(service) }) else { throw CancellationError() }
        return image
    }

    private func create(
        _ service: ServiceDefinition,
        imageID: String?,
        network: String,
        stop: Latch
    ) async throws -> String {
        let container = ServiceContainer(context: context, service: service, network: network)
        let creation = ContainerCreation(engine: engine, context: context, emit: emit)
        let created = try await creation.withImage(imageID, of: (service.id.description, service.imageText)) {
            try await obtainImage(of: service, until: stop)
        } create: { image in
            try await creation.create(container.specification(imageID: image), name: container.name)
        }
        await creation.tellWarnings(of: created)
        return created.id
    }

    private func run(
        _ container: String,
        _ service: ServiceDefinition,
        stop: Latch,
        report: inout ServiceReport,
        onReady: @escaping @Sendable () -> Void
    ) async {
        let log = await RawLog.open(for: service.id, emit: emit) { try context.logs?.file(for: service.id) }
        report.logPath = log.path
        defer { log.close(addingTo: &report.warning) }
        // Its lines go into the file alone: between those of steps they would hide what people look for.
        let output = StepOutput(
            id: StepID(stage: service.id.stage ?? "", step: service.id.service),
            attempt: 1,
            attempts: 1,
            mask: context.secrets.mask,
            emit: { _ in }
        )
        log.keep(output)
        output.mayEmit.open()
        let supervision = ServiceSupervision(
            engine: engine,
            container: container,
            service: service,
            interruption: interruption,
            exits: exits,
            stop: stop,
            onReady: { time in
                await emit(.serviceReady(ServiceReady(id: service.id, after: time)))
                onReady()
            }
        )
        do {
            let outcome = try await supervision.run(output) {
                let permit = await starts.permit(.due)
                defer { permit?.giveBack() }
                if permit == nil || stop.isOpen { throw CancellationError() }
                try await engine.startContainer(container)
                permit?.giveBack()
                let start = ServiceStart(id: service.id, image: service.imageText, containerID: container)
                await emit(.serviceStarted(start))
            }
            await settle(container, service, outcome, &report)
        } catch is CancellationError where stop.isOpen {
            report.status = .cancelled
            report.reason = "was not started: nothing needs it any more"
        } catch {
            report.reason = "could not be started: \(error)"
        }
    }

    /// Reads the engine's verdict and fills in the report.
    private func settle(
        _ container: String,
        _ service: ServiceDefinition,
        _ outcome: ServiceSupervision.Outcome,
        _ report: inout ServiceReport
    ) async {
        let lifecycle = outcome.lifecycle
        var findings: ContainerSettlement.Findings?
        if let end = lifecycle.end {
            findings = await ContainerSettlement(engine: engine, outOfMemory: outOfMemory).settle(
                container,
                end,
                outcome.memory,
                isEndedByRoost: lifecycle.endedBy != nil
            )
        }
        let wasOOMKilled = findings?.wasOOMKilled ?? false
        let verdict = ServiceVerdict(lifecycle, end: findings?.end, wasOOMKilled: wasOOMKilled, service: service)
        report.status = verdict.status
        report.exitCode = verdict.exitCode
        report.reason = verdict.reason
        report.warning = String(problems: [outcome.output.problem, findings?.problem, verdict.warning])
        report.readyAfter = outcome.readyAfter
        report.duration = outcome.duration
        report.peakMemory = wasOOMKilled ? service.memory : outcome.memory.peak
        if verdict.status != .succeeded { report.lastLines = outcome.output.tail.lines }
        // While steps use it nobody looks at a report.
        if lifecycle.wasReady, let problem = report.problem { await emit(.warning(problem)) }
    }
}
