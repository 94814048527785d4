import RoostCore

/// A step's status and its reason, from how its container ended.
struct StepVerdict: Sendable, Hashable {
    let status: StepStatus
    let exitCode: Int?
    let reason: String?
    let warning: String?

    /// - Parameters:
    ///   - end: How the container ended.
    ///   - kernelCode: Its exit code by the kernel's word; `nil` where that isn't known.
    ///   - endedBy: Why Roost ended it, where it did; this wins over the exit code.
    ///   - wasOOMKilled: Whether the kernel killed a process of the container for want of memory.
    ///   - step: The step, for its limits.
    init(
        end: ContainerEnd,
        kernelCode: Int? = nil,
        endedBy: StepLifecycle.EndedBy?,
        wasOOMKilled: Bool,
        step: StepDefinition
    ) {
        let code: Int? = if case .exited(let code) = end { code } else { nil }
        switch (endedBy, end) {
        case (.interruption, _):
            self.init(.cancelled, code, "stopped because the run was interrupted")
        case (.timeout, _):
            let limit = DurationText.format(step.timeout)
            self.init(.timedOut, code, "ran longer than its timeout of \(limit); raise `timeout` if it needs more")
        case (nil, .engineLost(let cause)):
            self.init(.infrastructureError, nil, "engine lost: \(cause)")
        case (nil, .removed):
            self.init(
                .infrastructureError,
                nil,
                "its container was removed by somebody else while it ran; keep other clean-up jobs away from "
                    + "containers with the label dev.roost.installation"
            )
        case (nil, .exited(let code)) where kernelCode.map { $0 != code } ?? false:
            self.init(
                .infrastructureError,
                code,
                "the engine says that it exited with \(code), and the kernel that it exited with \(kernelCode ?? code): "
                    + "one of them is wrong, and steps that need it may have run"
            )
        case (nil, .exited(0)):
            // The kernel may have killed a child whose parent went on: only the command can know whether it matters.
            self.init(
                .succeeded,
                0,
                nil,
                warning: wasOOMKilled
                    ? "a process of it was killed for want of memory (limit \(step.memory)), though it succeeded" : nil
            )
        case (nil, .exited(let code)) where wasOOMKilled:
            self.init(
                .oomKilled,
                code,
                "ran out of memory at its limit of \(step.memory); raise `memory`, to \"\((step.memory + step.memory).written)\" at first"
            )
        case (nil, .exited(let code)):
            self.init(.failed, code, "exited with \(code)" + Self.signalName(code))
        }
    }

    private init(_ status: StepStatus, _ exitCode: Int?, _ reason: String?, warning: String? = nil) {
        self.status = status
        self.exitCode = exitCode
        self.reason = reason
        self.warning = warning
    }

    /// What shells mean by codes above 128, for those that people meet.
    private static func signalName(_ code: Int) -> String {
        switch code {
        case 126: " (the command can't be executed)"
        case 127: " (the command was not found)"
        case 134: " (SIGABRT)"
        case 137: " (SIGKILL)"
        case 139: " (SIGSEGV)"
        case 143: " (SIGTERM)"
        default: ""
        }
    }
}
