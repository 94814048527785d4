import Foundation

/// A process, told apart from every other that ever had its pid: boot id, pid and start time.
package struct OwnerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The kernel's id of this boot; empty where the system has none.
    package let bootID: String
    package let pid: Int32
    /// Clock ticks between the boot and the process's start (`/proc/PID/stat`, field 22); 0 where that can't be read.
    package let startTime: UInt64

    package init(bootID: String, pid: Int32, startTime: UInt64) {
        self.bootID = bootID
        self.pid = pid
        self.startTime = startTime
    }

    /// This process.
    package static let current = OwnerIdentity(
        bootID: Self.readBootID(),
        pid: ProcessInfo.processInfo.processIdentifier,
        startTime: Self.readStartTime(of: ProcessInfo.processInfo.processIdentifier) ?? 0
    )

    /// Reads a label's value.
    package init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let pid = Int32(parts[1]), let startTime = UInt64(parts[2]) else { return nil }
        self.init(bootID: String(parts[0]), pid: pid, startTime: startTime)
    }

    /// The label's value: `boot/pid/start`.
    package var description: String { "\(bootID)/\(pid)/\(startTime)" }

    private static func readBootID() -> String {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return (text ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A process's start time, or `nil` where there is no such process.
    package static func readStartTime(of pid: Int32) -> UInt64? {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        // The second field is the command in parentheses and may hold anything, spaces and parentheses included
        // (proc(5)): the fields are counted from its last closing one.
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
