package import DockerEngine

/// What an engine has made of a container, against what it was asked for.
package struct AppliedSettings: Hashable, Sendable {
    /// What it did not do, each with what it did instead.
    package let ignored: [String]
    /// What it can't do, by its own word.
    package let unsupported: [String]

    /// Compares. Spelling does not count: engines add `CAP_`, sort lists, and write `no-new-privileges:true`.
    ///
    /// - Parameters:
    ///   - asked: What the container was created from.
    ///   - found: What the engine says of it.
    ///   - limitsSwap: Whether the engine says that it can limit swap.
    package init(asked: ContainerSpecification.HostConfiguration, found: ContainerInspection, limitsSwap: Bool) {
        let host = found.host ?? ContainerInspection.HostConfiguration()
        var ignored = Self.limits(asked, host)
        ignored += Self.rights(asked, host, bounding: found.boundingCapabilities)
        if let problem = Self.network(asked.networkMode, host.networkMode) { ignored.append(problem) }
        ignored += asked.mounts.compactMap { Self.mount($0, among: found.mounts ?? []) }
        self.ignored = ignored
        let mayUseSwap = asked.memory != nil && host.memoryAndSwap != asked.memory
        unsupported = mayUseSwap && !limitsSwap ? ["swap is not limited: the engine can't"] : []
    }

    // MARK: - Limits

    private static func limits(
        _ asked: ContainerSpecification.HostConfiguration,
        _ found: ContainerInspection.HostConfiguration
    ) -> [String] {
        [
            number("memory limit", asked.memory, found.memory),
            number("limit of memory and swap", asked.memoryAndSwap, found.memoryAndSwap),
            number("pids limit", asked.pidsLimit, found.pidsLimit),
            number("size of /dev/shm", asked.sharedMemory, found.sharedMemory),
        ].compactMap(\.self)
    }

    private static func number(_ name: String, _ asked: Int64?, _ found: Int64?) -> String? {
        guard let asked, found != asked else { return nil }
        // Engines write no limit as nothing, 0 or -1.
        let shown = found.flatMap { $0 > 0 ? String($0) : nil } ?? "none"
        return "\(name) (asked for \(asked), got \(shown))"
    }

    // MARK: - Rights

    private static func rights(
        _ asked: ContainerSpecification.HostConfiguration,
        _ found: ContainerInspection.HostConfiguration,
        bounding: [String]?
    ) -> [String] {
        var ignored: [String] = []
        let wantsPrivileges = asked.isPrivileged ?? false
        if wantsPrivileges != (found.isPrivileged ?? false) {
            ignored.append(wantsPrivileges ? "privileged" : "privileged (not asked for)")
        }
        if !wantsPrivileges {
            let wanted = capabilities(added: asked.addedCapabilities, dropped: asked.droppedCapabilities)
            let given =
                bounding.flatMap { $0.isEmpty ? nil : Set($0.compactMap { Capability(written: $0) }) }
                ?? capabilities(added: found.addedCapabilities, dropped: found.droppedCapabilities)
            let missing = CapabilityList.some(wanted.subtracting(given)).names
            let extra = CapabilityList.some(given.subtracting(wanted)).names
            if !missing.isEmpty { ignored.append("capabilities (lacks \(missing.joined(separator: ", ")))") }
            if !extra.isEmpty { ignored.append("capabilities (has \(extra.joined(separator: ", ")) too)") }
        }
        let wantedOptions = Set((asked.securityOptions ?? []).map(option))
        let foundOptions = Set((found.securityOptions ?? []).map(option))
        for missing in wantedOptions.subtracting(foundOptions).sorted() { ignored.append(missing) }
        let unconfined = "seccomp=unconfined"
        if !wantsPrivileges, foundOptions.contains(unconfined), !wantedOptions.contains(unconfined) {
            ignored.append("seccomp (is off)")
        }
        if (asked.isReadOnly ?? false) != (found.isReadOnly ?? false) { ignored.append("read-only root") }
        let devices = Set((found.devices ?? []).map(\.containerPath))
        // A privileged container has all devices, and some engines then list none.
        for device in asked.devices ?? [] where !wantsPrivileges && !devices.contains(device.containerPath) {
            ignored.append("device \(device.containerPath)")
        }
        return ignored
    }

    /// What follows from a container's lists (moby, `oci/caps/utils.go`, `TweakCapabilities`).
    private static func capabilities(added: [String]?, dropped: [String]?) -> Set<Capability> {
        func list(_ names: [String]?) -> CapabilityList {
            let names = names ?? []
            if names.contains(where: { ["ALL", "CAP_ALL"].contains($0.uppercased()) }) { return .all }
            return .some(Set(names.compactMap { Capability(written: $0) }))
        }
        switch (list(added), list(dropped)) {
        case (.all, let dropped):
            return Set(Capability.allCases).subtracting(dropped == .all ? [] : dropped.capabilities)
        case (.some(let added), .all): return added
        case (.some(let added), .some(let dropped)): return Capability.ofEngines.subtracting(dropped).union(added)
        }
    }

    /// `no-new-privileges:true` and `seccomp:unconfined` in their other spelling.
    private static func option(_ text: String) -> String {
        let option = text.lowercased().replacing(":", with: "=")
        return option == "no-new-privileges=true" ? "no-new-privileges" : option
    }

    // MARK: - Places

    private static func network(_ asked: String?, _ found: String?) -> String? {
        let found = found ?? ""
        let isApart = found != "host" && found != "none" && !found.hasPrefix("container:") && !found.hasPrefix("ns:")
        let fits =
            switch asked {
            case nil, "default", "bridge": isApart
            case let asked?: found == asked
            }
        return fits ? nil : "network (asked for \(asked ?? "the default"), got \(found.isEmpty ? "none" : found))"
    }

    private static func mount(
        _ asked: ContainerSpecification.Mount,
        among found: [ContainerInspection.MountPoint]
    ) -> String? {
        guard let there = found.last(where: { $0.destination == asked.target }) else {
            return "mount at \(asked.target)"
        }
        let isTheSame =
            switch asked.kind {
            // Docker Desktop shows the place in its own machine.
            case .bind: [asked.source, asked.source.map { "/host_mnt" + $0 }].contains(there.source)
            case .volume: there.name == asked.source
            case .tmpfs: there.type == "tmpfs"
            }
        guard isTheSame, there.type == asked.kind.rawValue else { return "mount at \(asked.target) (is another)" }
        return (there.isWritable ?? true) && asked.readOnly ? "mount at \(asked.target) (is not read-only)" : nil
    }
}
