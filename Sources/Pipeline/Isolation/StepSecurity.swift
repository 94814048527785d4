package import DockerEngine
package import RoostCore

/// What a step's container may do.
package struct StepSecurity: Hashable, Sendable {
    package enum Seccomp: String, Hashable, Sendable, CaseIterable {
        /// The engine's own profile.
        case standard = "default"
        case unconfined
    }

    /// A device of the host's.
    package struct Device: Hashable, Sendable {
        package var hostPath: String
        package var containerPath: String
        /// Of `r`, `w` and `m`: read, write, and make device files.
        package var permissions: String

        package init(hostPath: String, containerPath: String, permissions: String = "rwm") {
            self.hostPath = hostPath
            self.containerPath = containerPath
            self.permissions = permissions
        }
    }

    package var addedCapabilities = CapabilityList.none
    package var droppedCapabilities = CapabilityList.none
    /// Whether no program may gain rights by being executed, as `sudo` does.
    package var forbidsNewPrivileges = true
    /// How many processes and threads there may be at once.
    package var pidsLimit = StepSecurity.standardPidsLimit
    package var isPrivileged = false
    /// Whether the container's own files can't be changed.
    package var isReadOnly = false
    package var devices: [Device] = []
    package var seccomp = Seccomp.standard
    /// The size of `/dev/shm`; `nil` leaves it to the engine.
    package var sharedMemory: ByteCount?

    /// An eighth of what a kernel has by default (`pid_max` 32768): more than any build with its threads needs, and far
    /// from what would leave the machine without a process for others. systemd's default for a service is near it.
    package static let standardPidsLimit = 4096
    /// The kernel's own default for the whole machine: a higher limit would be none.
    package static let highestPidsLimit = 32_768

    package init() {}

    /// The most that root in the container has.
    package var capabilities: Set<Capability> {
        if isPrivileged { return Set(Capability.allCases) }
        let kept = Capability.ofSteps.subtracting(droppedCapabilities.capabilities)
        let added = addedCapabilities.capabilities
        guard case .all = addedCapabilities else { return kept.union(added) }
        return added.subtracting(droppedCapabilities.capabilities)
    }

    /// Writes it into what a container is made of.
    package func apply(to host: inout ContainerSpecification.HostConfiguration) {
        host.pidsLimit = Int64(pidsLimit)
        host.isReadOnly = isReadOnly ? true : nil
        host.sharedMemory = sharedMemory?.bytes
        host.securityOptions =
            (forbidsNewPrivileges ? ["no-new-privileges"] : [])
            + (seccomp == .unconfined ? ["seccomp=unconfined"] : [])
        if !devices.isEmpty {
            host.devices = devices.map {
                .init(hostPath: $0.hostPath, containerPath: $0.containerPath, permissions: $0.permissions)
            }
        }
        if isPrivileged {
            host.isPrivileged = true
        } else if case .all = addedCapabilities {
            host.addedCapabilities = ["ALL"]
            host.droppedCapabilities = droppedCapabilities.names
        } else {
            host.droppedCapabilities = ["ALL"]
            host.addedCapabilities = CapabilityList.some(capabilities).names
        }
    }
}
