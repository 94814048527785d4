import DockerEngine
import OCIDistribution
import RoostCore

/// Runs one step: create, start, follow, wait, inspect, remove.
///
/// Never throws and is never cancelled by an interruption: whatever happens ends in a report, and the container is gone
/// or named in a warning.
struct StepRunner: Sendable {
    let engine: EngineClient
    let context: RunContext
    let interruption: Interruption
    /// How many containers may be starting at once: an engine starts four at once faster than twenty.
    let startLimit: ConcurrencyLimit
    let outOfMemory: OutOfMemoryWatch
    let emit: @Sendable (RunEvent.Kind) async -> Void
    /// Pulls an image that has vanished from the engine since the run pulled it; returns its ID.
    let pullAgain: @Sendable (StepDefinition) async throws -> String

    /// After the container has ended, how long its output may stall before it is given up.
    private static let outputStall = Duration.seconds(10)
    /// What the engine may need beyond the step's timeout and grace until it says that the container has ended.
    private static let waitMargin = Duration.seconds(60)

    /// How late the engine's word of an out-of-memory kill may come, for a process that was killed.
    private static let lateKillEvent = Duration.seconds(1)

    /// Runs one attempt of a step.
    ///
    /// - Parameters:
    ///   - step: The step.
    ///   - imageID: Its image on the engine; `nil` for one that has to be looked for first.
    ///   - network: The network that it joins; `nil` for the engine's default.
    ///   - attempt: Counted from 1.
    ///   - timeline: What the step has waited for so far; its phases go on in it.
    ///   - onPassed: Told as soon as the command has ended well.
    /// - Returns: How it ended.
    func run(
        _ step: StepDefinition,
        imageID: String?,
        network: String?,
        attempt: Int,
        timeline: inout StepTimeline,
        onPassed: @escaping @Sendable () -> Void
    ) async -> StepReport {
        var report = StepReport(id: step.id, image: step.imageText, status: .infrastructureError)
        report.attempts = attempt
        report.memoryLimit = step.memory
        report.offset = timeline.offset
        do {
            let container = try await create(step, imageID: imageID, network: network, attempt: attempt)
            timeline.end(.create)
            await run(
                container,
                step: step,
                attempt: attempt,
                report: &report,
                timeline: &timeline,
                onPassed: onPassed
            )
            await remove(container)
            timeline.end(.cleanup)
        } catch {
            timeline.end(.create)
            report.reason = "its container could not be created: \(error)"
            if interruption.cause != nil, error is CancellationError { report.status = .cancelled }
        }
        report.phases = timeline.phases
        return report
    }

    /// Whether the step may no longer start: one that always runs is only kept from it by a second interruption.
    private func isStopped(_ step: StepDefinition) -> Bool {
        step.schedule.isAlways ? interruption.kill.isOpen : interruption.stop.isOpen
    }

    /// Brings the step's image onto the engine, unless the step is stopped meanwhile.
    private func obtainImage(of step: StepDefinition) async throws -> String {
        let end = step.schedule.isAlways ? interruption.kill : interruption.stop
        return try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await pullAgain(step) }
            group.addTask {
                await end.wait()
                return nil
            }
            defer { group.cancelAll() }
            guard let image = try await group.next() ?? nil else { throw CancellationError() }
            return image
        }
    }

    // MARK: - Create

    private func create(
        _ step: StepDefinition,
        imageID: String?,
        network: String?,
        attempt: Int
    ) async throws -> String {
        let container = StepContainer(context: context, step: step, attempt: attempt, network: network)
        var image: String
        if let imageID { image = imageID } else { image = try await obtainImage(of: step) }
        var name = container.name()
        var hasPulledAgain = false
        for _ in 0..<4 {
            do {
                let created = try await engine.createContainer(
                    name: name,
                    container.specification(imageID: image)
                )
                for warning in created.warnings ?? [] { await emit(.warning("the engine warns: \(warning)")) }
                return created.id
            } catch let error as EngineError where error.statusCode == 404 && !hasPulledAgain {
                // Deleted between the pull and now, by another prune or by hand.
                hasPulledAgain = true
                await emit(
                    .warning("\(step.id): its image \(step.imageText) has vanished from the engine; pulling again")
                )
                image = try await obtainImage(of: step)
            } catch let error as EngineError where error.statusCode == 409 {
                name = container.name(suffix: String(UInt32.random(in: 0...UInt32.max), radix: 16))
            }
        }
        throw EngineError.status(operation: "create container '\(name)'", code: 409, message: "every name is taken")
    }

    // MARK: - Run

    private func run(
        _ container: String,
        step: StepDefinition,
        attempt: Int,
        report: inout StepReport,
        timeline: inout StepTimeline,
        onPassed: @escaping @Sendable () -> Void
    ) async {
        if isStopped(step) {
            report.status = .cancelled
            report.reason = "the run was interrupted before it started"
            return
        }
        let file = await openLog(of: step, attempt)
        report.logPath = file?.path
        let output = StepOutput(id: step.id, attempt: attempt, attempts: step.retries.attempts, file: file, emit: emit)
        let supervision = StepSupervision(
            engine: engine,
            container: container,
            step: step,
            interruption: interruption,
            waitLimit: step.timeout + step.stopGrace + Self.waitMargin,
            outputStall: Self.outputStall,
            onPassed: onPassed
        )
        var marks = timeline
        do {
            let outcome = try await supervision.run(output) {
                try await startLimit.run {
                    // Time in the queue for a start is waiting, not starting.
                    marks.end(.wait)
                    // Who waited in the queue may have been interrupted there.
                    if isStopped(step) { throw CancellationError() }
                    try await engine.startContainer(container)
                }
                marks.end(.start)
                await emit(
                    .stepStarted(
                        StepStart(
                            id: step.id,
                            image: step.imageText,
                            attempt: attempt,
                            attempts: step.retries.attempts,
                            containerID: container
                        )
                    )
                )
                output.mayEmit.open()
            }
            timeline = marks
            timeline.end(.run, at: outcome.endedAt)
            await settle(container, step, outcome, &report)
        } catch is CancellationError where isStopped(step) {
            timeline = marks
            timeline.end(.wait)
            report.status = .cancelled
            report.reason = "the run was interrupted before it started"
        } catch {
            timeline = marks
            timeline.end(.start)
            await describeFailedStart(container, error, &report)
        }
    }

    private func openLog(of step: StepDefinition, _ attempt: Int) async -> StepLogFile? {
        do {
            return try context.logs?.file(for: step.id, attempt: attempt)
        } catch {
            await emit(.warning("\(step.id): its raw log can't be kept: \(error)"))
            return nil
        }
    }

    /// Reads the engine's verdict and fills in the report.
    private func settle(
        _ container: String,
        _ step: StepDefinition,
        _ outcome: StepSupervision.Outcome,
        _ report: inout StepReport
    ) async {
        var wasOOMKilled = false
        var end = outcome.end
        var problems = [outcome.output.problem]
        if case .exited(let code) = end {
            await record(code, of: step, attempt: report.attempts)
            do {
                let state = try await engine.inspectContainer(container)?.state
                if code != 0, state.map({ ["removing", "dead"].contains($0.status) }) ?? true {
                    // Who removes a running container kills it first: the code is not the command's own.
                    end = .removed
                }
                wasOOMKilled = state?.wasOOMKilled ?? false
                // Only a kill that nobody is known to have sent is worth waiting for an explanation.
                let isUnexplained = code == 137 && outcome.endedBy == nil && end != .removed
                if !wasOOMKilled {
                    wasOOMKilled = await outOfMemory.sawKill(
                        in: container,
                        within: isUnexplained ? Self.lateKillEvent : .zero
                    )
                }
            } catch {
                problems.append("whether it ran out of memory is not known: \(error)")
            }
        }
        let verdict = StepVerdict(
            end: end,
            endedBy: outcome.endedBy,
            wasOOMKilled: wasOOMKilled,
            step: step
        )
        report.status = verdict.status
        report.exitCode = verdict.exitCode
        report.reason = verdict.reason
        problems.append(verdict.warning)
        report.warning = problems.compactMap { $0 }.isEmpty ? nil : problems.compactMap { $0 }.joined(separator: "; ")
        // The kernel kills at the limit: whatever was seen before, this much was used.
        report.peakMemory = wasOOMKilled ? step.memory : outcome.peakMemory
        if verdict.status != .succeeded { report.lastLines = outcome.output.tail.lines }
    }

    /// Written down before the container is removed, so that whoever comes after a crash knows it all the same.
    private func record(_ code: Int, of step: StepDefinition, attempt: Int) async {
        guard let journal = context.records?.journal else { return }
        let exit = StepExit(stage: step.id.stage, step: step.id.step, attempt: attempt, exitCode: code)
        do {
            try await journal.record(exit, of: context.runID.description)
        } catch {
            await emit(.warning("the exits of this run's steps can't be written down: \(error)"))
        }
    }

    /// A start that failed: the command's fault where the engine gives it the code of one, else the engine's.
    private func describeFailedStart(_ container: String, _ error: any Error, _ report: inout StepReport) async {
        // The engine sets 127 for a command that isn't there and 126 for one that can't be executed, as shells do
        // (moby, daemon/start.go, translateContainerdStartErr).
        let code = try? await engine.inspectContainer(container)?.state.exitCode
        if let code, code == 126 || code == 127, (error as? EngineError)?.isEngineUnavailable == false {
            report.status = .failed
            report.exitCode = code
            report.reason = "its command could not be started (exit code \(code)): \(error)"
        } else {
            report.reason = "its container could not be started: \(error)"
        }
    }

    // MARK: - Remove

    private func remove(_ container: String) async {
        let patience = ContinuousClock.now + .seconds(10)
        var pause = Duration.milliseconds(100)
        while true {
            do {
                try await engine.removeContainer(container)
                return
            } catch {
                guard ContinuousClock.now + pause < patience, (try? await ContinuousClock().sleep(for: pause)) != nil
                else {
                    await emit(
                        .warning(
                            "container \(container.prefix(12)) is left behind (\(error)); "
                                + "remove it with: docker rm -f -v \(container.prefix(12))"
                        )
                    )
                    return
                }
                pause = min(pause * 2, .seconds(2))
            }
        }
    }
}
