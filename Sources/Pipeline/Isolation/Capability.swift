/// A right of the kernel's that root has, in the order of the kernel's numbers from 0.
package enum Capability: String, Hashable, Sendable, CaseIterable {
    case chown = "CHOWN"
    case dacOverride = "DAC_OVERRIDE"
    case dacReadSearch = "DAC_READ_SEARCH"
    case fowner = "FOWNER"
    case fsetid = "FSETID"
    case kill = "KILL"
    case setgid = "SETGID"
    case setuid = "SETUID"
    case setpcap = "SETPCAP"
    case linuxImmutable = "LINUX_IMMUTABLE"
    case netBindService = "NET_BIND_SERVICE"
    case netBroadcast = "NET_BROADCAST"
    case netAdmin = "NET_ADMIN"
    case netRaw = "NET_RAW"
    case ipcLock = "IPC_LOCK"
    case ipcOwner = "IPC_OWNER"
    case sysModule = "SYS_MODULE"
    case sysRawio = "SYS_RAWIO"
    case sysChroot = "SYS_CHROOT"
    case sysPtrace = "SYS_PTRACE"
    case sysPacct = "SYS_PACCT"
    case sysAdmin = "SYS_ADMIN"
    case sysBoot = "SYS_BOOT"
    case sysNice = "SYS_NICE"
    case sysResource = "SYS_RESOURCE"
    case sysTime = "SYS_TIME"
    case sysTTYConfig = "SYS_TTY_CONFIG"
    case mknod = "MKNOD"
    case lease = "LEASE"
    case auditWrite = "AUDIT_WRITE"
    case auditControl = "AUDIT_CONTROL"
    case setfcap = "SETFCAP"
    case macOverride = "MAC_OVERRIDE"
    case macAdmin = "MAC_ADMIN"
    case syslog = "SYSLOG"
    case wakeAlarm = "WAKE_ALARM"
    case blockSuspend = "BLOCK_SUSPEND"
    case auditRead = "AUDIT_READ"
    case perfmon = "PERFMON"
    case bpf = "BPF"
    case checkpointRestore = "CHECKPOINT_RESTORE"

    /// - Parameter text: Its name in letters of either case, with or without `CAP_`.
    package init?(written text: String) {
        let name = text.uppercased()
        self.init(rawValue: name.hasPrefix("CAP_") ? String(name.dropFirst("CAP_".count)) : name)
    }

    /// What a step has where nothing says otherwise: enough for root in a container to install packages and to become
    /// another user.
    package static let ofSteps: Set<Capability> = [.chown, .dacOverride, .fowner, .kill, .setgid, .setuid]

    /// What engines give every container by default (moby, `oci/caps/defaults.go`): a step may ask these back.
    package static let ofEngines: Set<Capability> = ofSteps.union([
        .auditWrite, .fsetid, .mknod, .netBindService, .netRaw, .setfcap, .setpcap, .sysChroot,
    ])

    /// Whether only the operator may grant it: it reaches beyond the container, or nobody has shown that it does not.
    package var needsOperator: Bool { !Self.ofEngines.contains(self) }
}

/// Capabilities to add or to drop: some by name, or all.
package enum CapabilityList: Hashable, Sendable {
    case all
    case some(Set<Capability>)

    package static let none = CapabilityList.some([])

    package var capabilities: Set<Capability> {
        switch self {
        case .all: Set(Capability.allCases)
        case .some(let named): named
        }
    }

    /// As files and engines write it, in the kernel's order.
    package var names: [String] {
        switch self {
        case .all: ["ALL"]
        case .some(let named): Capability.allCases.filter(named.contains).map(\.rawValue)
        }
    }
}
