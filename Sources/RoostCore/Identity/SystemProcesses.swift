import Foundation

/// The processes of this machine, as `/proc` shows them.
package struct SystemProcesses: ProcessFacts {
    package init() {}

    package var bootID: String { Self.bootID }
    package var pidNamespace: UInt64 { Self.pidNamespace }

    package func process(_ pid: Int32) -> ProcessFact? {
        if let stat = Self.stat(of: pid) { return stat }
        // A `/proc` that hides other users' processes (hidepid), or none at all, says nothing about a pid; the kernel
        // does: a signal that may not be sent has found its process.
        return kill(pid, 0) == 0 || errno == EPERM ? ProcessFact(startTime: nil) : nil
    }

    static let bootID: String = {
        let text = KernelFile.text(of: "/proc/sys/kernel/random/boot_id")
        return (text ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }()

    /// `/proc/self/ns/pid` is a link to `pid:[INODE]` (namespaces(7)).
    static let pidNamespace: UInt64 = {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
        return (link?.split(whereSeparator: { !$0.isNumber }).first).flatMap { UInt64($0) } ?? 0
    }()

    /// Reads `/proc/PID/stat`; `nil` where there is none.
    static func stat(of pid: Int32) -> ProcessFact? {
        guard let bytes = KernelFile.bytes(of: "/proc/\(pid)/stat") else { return nil }
        return parse(String(decoding: bytes, as: UTF8.self))
    }

    static func parse(_ text: String) -> ProcessFact? {
        // The second field is the command in parentheses and may hold anything, spaces and parentheses included
        // (proc(5)): the fields are counted from its last closing one.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let startTime = UInt64(fields[19]) else { return nil }
        // Z and X: ended; T: stopped by a signal, t: by a debugger.
        return ProcessFact(
            startTime: startTime,
            isZombie: ["Z", "X", "x"].contains(fields[0]),
            isStopped: ["T", "t"].contains(fields[0])
        )
    }
}
