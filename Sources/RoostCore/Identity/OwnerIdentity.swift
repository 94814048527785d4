import Foundation

/// A process, told apart from every other that ever had its pid: boot id, pid and start time.
package struct OwnerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The kernel's id of this boot; empty where the system has none.
    package let bootID: String
    package let pid: Int32
    /// Clock ticks between the boot and the process's start (`/proc/PID/stat`, field 22); 0 where that can't be read.
    package let startTime: UInt64
    /// The inode of its pid namespace, in which alone the pid means anything; 0 where the system has none.
    package let pidNamespace: UInt64

    package init(bootID: String, pid: Int32, startTime: UInt64, pidNamespace: UInt64 = 0) {
        self.bootID = bootID
        self.pid = pid
        self.startTime = startTime
        self.pidNamespace = pidNamespace
    }

    /// This process.
    package static let current = OwnerIdentity(
        bootID: SystemProcesses.bootID,
        pid: ProcessInfo.processInfo.processIdentifier,
        startTime: SystemProcesses.stat(of: ProcessInfo.processInfo.processIdentifier)?.startTime ?? 0,
        pidNamespace: SystemProcesses.pidNamespace
    )

    /// Reads a label's value, with or without the namespace.
    package init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 4, let pid = Int32(parts[1]), pid > 0,
            let startTime = UInt64(parts[2])
        else { return nil }
        guard let namespace = parts.count == 4 ? UInt64(parts[3]) : 0 else { return nil }
        self.init(bootID: String(parts[0]), pid: pid, startTime: startTime, pidNamespace: namespace)
    }

    /// The label's value: `boot/pid/start/namespace`, or `boot/pid/start` where there is no namespace.
    package var description: String {
        "\(bootID)/\(pid)/\(startTime)" + (pidNamespace == 0 ? "" : "/\(pidNamespace)")
    }
}
