import RoostCore

/// A service's status and its reason, from how its container ended. Reasons follow the service's name in a sentence.
struct ServiceVerdict: Sendable, Hashable {
    let status: StepStatus
    let exitCode: Int?
    let reason: String?
    let warning: String?

    /// - Parameters:
    ///   - lifecycle: What happened.
    ///   - end: How the container ended, by all who know of it; `nil` where its end was never reported.
    ///   - wasOOMKilled: Whether the kernel killed a process of the container for want of memory.
    ///   - service: The service, for its limits.
    init(_ lifecycle: ServiceLifecycle, end: ContainerEnd?, wasOOMKilled: Bool, service: ServiceDefinition) {
        let code: Int? = if case .exited(let code)? = end { code } else { nil }
        let moment = lifecycle.wasReady ? "after it was ready" : "before it was ready"
        let killed =
            wasOOMKilled
            ? "a process of it was killed for want of memory (limit \(service.memory)): raise `memory`" : nil
        switch (lifecycle.endedBy, end) {
        case (.stepsEnded, .exited) where lifecycle.wasReady:
            self.init(.succeeded, code, nil, warning: killed)
        case (.stepsEnded, .exited):
            self.init(.cancelled, code, "was stopped before it was ready", warning: killed)
        case (.neverReady(let reason), _):
            self.init(.timedOut, code, reason + (killed.map { "; \($0)" } ?? ""))
        case (_, nil):
            self.init(.infrastructureError, nil, "was lost: its end was never reported")
        case (_, .engineLost(let cause)):
            self.init(.infrastructureError, nil, "was lost: \(cause)")
        case (_, .removed):
            self.init(
                .infrastructureError,
                nil,
                "was removed by somebody else while it ran; keep other clean-up jobs away from containers with the label "
                    + "dev.roost.installation"
            )
        case (nil, .exited(let code)) where wasOOMKilled:
            let more = (service.memory + service.memory).written
            self.init(
                .oomKilled,
                code,
                "ran out of memory at its limit of \(service.memory) \(moment); raise `memory`, to \"\(more)\" at first"
            )
        case (nil, .exited(let code)):
            self.init(.failed, code, "exited with code \(code) \(moment)")
        }
    }

    private init(_ status: StepStatus, _ exitCode: Int?, _ reason: String?, warning: String? = nil) {
        self.status = status
        self.exitCode = exitCode
        self.reason = reason
        self.warning = warning
    }
}
