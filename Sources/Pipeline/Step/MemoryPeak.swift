import Foundation
import RoostCore

/// The file in which this machine's kernel counts the most memory that a container has used.
struct MemoryPeakFile: Hashable, Sendable {
    let path: String
    /// Where it counts the processes of the group that it has killed for want of memory.
    let killsPath: String

    /// Finds the file of a container by what one of its processes says of its control groups.
    ///
    /// Version 1 has a hierarchy for each controller, of which that of `memory` counts; version 2 has one, with the number 0
    /// and no controllers' names; a machine may have both (cgroups(7)).
    ///
    /// - Parameters:
    ///   - groups: The content of `/proc/PID/cgroup`.
    ///   - container: The container's full ID. A group that does not carry it belongs to another process that has the pid by
    ///     now, or in this pid namespace.
    ///
    /// `nil` where the container's group is not among them, or lies outside what this process sees.
    init?(groups: String, container: String) {
        guard container.utf8.count == 64, container.utf8.allSatisfy(Self.isHexDigit) else { return nil }
        var unified: Substring?
        for line in groups.split(separator: "\n") {
            // A path may hold colons itself.
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[1].split(separator: ",").contains("memory") {
                guard let group = Self.group(fields[2], of: container) else { return nil }
                path = "/sys/fs/cgroup/memory\(group)/memory.max_usage_in_bytes"
                killsPath = "/sys/fs/cgroup/memory\(group)/memory.oom_control"
                return
            }
            if fields[0] == "0", fields[1].isEmpty { unified = fields[2] }
        }
        guard let unified, let group = Self.group(unified, of: container) else { return nil }
        path = "/sys/fs/cgroup\(group)/memory.peak"
        killsPath = "/sys/fs/cgroup\(group)/memory.events"
    }

    /// The container's own group: an engine may put its processes into one below it.
    private static func group(_ path: Substring, of container: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.first == "", !path.contains("\0") else { return nil }
        let names = parts.dropFirst()
        guard !names.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }),
            let own = names.firstIndex(where: { $0.contains(container) })
        else { return nil }
        return names[...own].reduce(into: "") { $0 += "/" + $1 }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// What the kernel writes into the file: a number of bytes, and a line break.
    static func bytes(in content: some Collection<UInt8>) -> ByteCount? {
        let text = String(decoding: content, as: UTF8.self)
        guard text.last == "\n", let bytes = Int64(text.dropLast()), bytes > 0 else { return nil }
        return ByteCount(bytes)
    }

    /// What the kernel writes into the other: names and numbers, a pair a line (cgroups(7), memory.rst).
    ///
    /// - Returns: How many processes it has killed; `nil` where it does not say.
    static func kills(in content: some Collection<UInt8>) -> Int? {
        let lines = String(decoding: content, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
        return lines.first { $0.count == 2 && $0[0] == "oom_kill" }.flatMap { Int($0[1]) }
    }
}

/// The open files of one container's peak and kills: they can be read as long as the container's group exists, which ends some
/// milliseconds after the container's last process.
struct MemoryPeakReader: ~Copyable {
    private let descriptor: Int32
    /// Below zero where it could not be opened.
    private let kills: Int32

    /// Opens the file by a process of the container.
    ///
    /// - Parameters:
    ///   - processID: The process, as the engine names it.
    ///   - container: The container's full ID.
    /// - Returns: `nil` where this machine has no such process or no such file, so where the engine is elsewhere.
    static func open(processID: Int, container: String) -> MemoryPeakReader? {
        guard processID > 0, let groups = KernelFile.text(of: "/proc/\(processID)/cgroup"),
            let file = MemoryPeakFile(groups: groups, container: container)
        else { return nil }
        let descriptor = Foundation.open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        return MemoryPeakReader(descriptor: descriptor, kills: Foundation.open(file.killsPath, O_RDONLY | O_CLOEXEC))
    }

    private init(descriptor: Int32, kills: Int32) {
        self.descriptor = descriptor
        self.kills = kills
    }

    deinit {
        close(descriptor)
        if kills >= 0 { close(kills) }
    }

    /// The most so far; `nil` once the group is gone.
    func read() -> ByteCount? { Self.content(of: descriptor).flatMap { MemoryPeakFile.bytes(in: $0) } }

    /// Whether the kernel has killed a process of the container for want of memory so far; `nil` once the group is gone.
    func hasKilled() -> Bool? { Self.content(of: kills).flatMap { MemoryPeakFile.kills(in: $0) }.map { $0 > 0 } }

    private static func content(of descriptor: Int32) -> ArraySlice<UInt8>? {
        guard descriptor >= 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? buffer[..<count] : nil
    }
}
