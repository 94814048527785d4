import Foundation
import RoostCore

/// A process that holds a lock on a file.
package struct LockHolder: Hashable, Sendable {
    package let pid: Int32
    /// Its command, where it can be read.
    package let name: String?
}

/// Finds out who holds locks, without opening the file: closing it again would drop this process's own locks on it
/// (fcntl(2), "Advisory record locking").
enum LockHolders {
    /// - Parameter paths: Files; those that are not there are passed over.
    /// - Returns: The processes that hold a write lock on any of them; none where the system doesn't say.
    static func find(_ paths: [String]) -> [LockHolder] {
        guard let table = KernelFile.text(of: "/proc/locks") else { return [] }
        let inodes = Set(paths.compactMap(inode))
        return pids(in: table, inodes: inodes).map { LockHolder(pid: $0, name: name(of: $0)) }
    }

    /// Reads `/proc/locks` (proc(5)): `1: POSIX  ADVISORY  WRITE 5433 08:01:7864448 128 128`.
    static func pids(in table: String, inodes: Set<UInt64>) -> [Int32] {
        var pids: Set<Int32> = []
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            // Lines of those who wait have an arrow in front.
            guard fields.count >= 6, fields[1] != "->", fields[3] == "WRITE", let pid = Int32(fields[4]), pid > 0,
                let inode = fields[5].split(separator: ":").last.flatMap({ UInt64($0) }), inodes.contains(inode)
            else { continue }
            pids.insert(pid)
        }
        return pids.sorted()
    }

    private static func inode(_ path: String) -> UInt64? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value
    }

    private static func name(of pid: Int32) -> String? {
        KernelFile.text(of: "/proc/\(pid)/comm")?
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
