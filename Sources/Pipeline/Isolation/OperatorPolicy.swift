package import RoostCore

/// What a pipeline can't allow itself: it would let a step take over the host.
package enum OperatorPermission: String, Hashable, Sendable, CaseIterable {
    /// Privileged containers, devices, capabilities beyond those of engines, no seccomp.
    case privileged = "allow_privileged"
    case hostNetwork = "allow_host_network"

    /// The setting's name in `config.toml`.
    package var setting: String { rawValue }

    fileprivate var danger: String {
        switch self {
        case .privileged: "can give a step the host's root"
        case .hostNetwork: "gives a step the host's own network, what listens on loopback only included"
        }
    }
}

/// Something in a pipeline's file that needs a permission.
package struct OperatorDemand: Hashable, Sendable {
    package let permission: OperatorPermission
    /// As the file asks for it, such as `cap_add = SYS_ADMIN`.
    package let what: String
    package let position: SourcePosition?
    package let path: String

    package init(_ permission: OperatorPermission, _ what: String, position: SourcePosition?, path: String) {
        self.permission = permission
        self.what = what
        self.position = position
        self.path = path
    }
}

/// What the operator, who owns the machine and its settings, allows all pipelines.
package struct OperatorPolicy: Hashable, Sendable {
    package var allowed: Set<OperatorPermission>

    package init(_ allowed: Set<OperatorPermission> = []) {
        self.allowed = allowed
    }

    /// What of these steps is not allowed; each place of the file once.
    package func refusals(of steps: [StepDefinition], file: String) -> [Diagnostic] {
        var seen: Set<OperatorDemand> = []
        return steps.flatMap(\.demands).filter { !allowed.contains($0.permission) && seen.insert($0).inserted }
            .map { demand in
                let setting = demand.permission.setting
                return Diagnostic(
                    .error,
                    file: file,
                    position: demand.position,
                    keyPath: demand.path,
                    message: "\(demand.what) \(demand.permission.danger), which the operator has to allow: "
                        + "\(setting) = true in config.toml, ROOST_\(setting.uppercased())=true, or "
                        + "--\(setting.replacing("_", with: "-"))"
                )
            }
            .sortedByPosition()
    }
}
