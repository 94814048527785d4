/// How many steps the descriptors of this process suffice for.
///
/// A step without a descriptor for its raw log would run all the same and leave no log; one without a connection would
/// fail for no fault of its own. So that many are not begun.
package struct StepCapacity: Hashable, Sendable {
    /// What one step holds open at once: its attached output, the wait for its end, its raw log, its first process, its two
    /// memory figures, and the holder of its network; and one more for the calls that come and go, such as create, inspect,
    /// stop and remove.
    package static let descriptorsOfStep = 8
    /// What a step that is parked holds open: its attached output, its first process, and one for calls.
    static let descriptorsOfParked = 3
    /// What one pull holds open: a connection to the engine, and one to the registry.
    static let descriptorsOfPull = 2
    /// What each of the event loops holds open, of which there is one a processor: epoll, an event and a timer.
    static let descriptorsOfEventLoop = 3
    /// What the run itself holds open: signals and timers, the engine's events, folders, a credential helper's pipes.
    static let descriptorsOfRun = 16

    /// How many descriptors the process may have.
    package let limit: Int
    /// How many steps may run at once; at least 1.
    package let steps: Int
    /// What is left for all of them.
    private let rest: Int

    /// - Parameters:
    ///   - limit: How many descriptors the process may have.
    ///   - open: How many it has now, before it has connected to anything.
    ///   - processors: How many processors the machine has.
    ///   - concurrentPulls: How many images are pulled at once, while steps run.
    ///   - services: How many services run beside steps at once at most; each holds what a step does.
    package init(limit: Int, open: Int, processors: Int, concurrentPulls: Int, services: Int = 0) {
        self.limit = limit
        let taken =
            open + Self.descriptorsOfRun + Self.descriptorsOfEventLoop * processors
            + Self.descriptorsOfPull * concurrentPulls + Self.descriptorsOfStep * services
        rest = max(limit - taken, 0)
        steps = max(rest / Self.descriptorsOfStep, 1)
    }

    /// How many steps of a plan there may be at once: what is not needed by those that run is for those that have ended and are
    /// still looked at, and for those that come next.
    package func limits(for plan: PipelinePlan) -> RunScheduler.Limits {
        let useful = RunScheduler.Limits(useful: min(plan.maxParallel, steps))
        let running = useful.running
        let spare = max(rest - running * Self.descriptorsOfStep, 0)
        let settling = min(useful.settling, spare / 2 / Self.descriptorsOfStep)
        let parked = (spare - settling * Self.descriptorsOfStep) / Self.descriptorsOfParked
        return RunScheduler.Limits(running: running, settling: settling, parked: min(useful.parked, parked))
    }

    /// What to tell of a plan that would run more steps at once; `nil` where all of them fit.
    package func warning(for plan: PipelinePlan) -> String? {
        let wanted = min(plan.maxParallel, plan.steps.count)
        guard wanted > steps else { return nil }
        return
            "at most \(steps == 1 ? "1 step runs" : "\(steps) steps run") at once instead of \(wanted): this process may "
            + "have only \(limit) files and connections open, and a step takes \(Self.descriptorsOfStep); raise the hard "
            + "limit (ulimit -Hn; LimitNOFILE= of a systemd unit; --ulimit nofile= of docker run)"
    }
}
