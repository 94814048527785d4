/// Whether a process of this machine is the first one of a container, from what `/proc` says of it.
///
/// An engine's process number means something else where the engine is on another machine or in another pid namespace,
/// and after the process has gone it may be another's.
enum ProcessIdentity {
    /// - Parameters:
    ///   - container: The container's full ID.
    ///   - controlGroups: The content of `/proc/PID/cgroup`.
    ///   - status: The content of `/proc/PID/status`.
    /// - Returns: Whether the process is in a control group of the container, and the first of its pid namespace.
    static func isFirst(of container: String, controlGroups: String, status: String) -> Bool {
        isMember(of: container, controlGroups: controlGroups) && isFirst(status: status)
    }

    /// The groups of engines name the container: `/docker/ID`, `docker-ID.scope`, `libpod-ID.scope/container`. A
    /// container within a container has both in its path, and belongs to the innermost.
    static func isMember(of container: String, controlGroups: String) -> Bool {
        guard isContainerID(container[...]) else { return false }
        let named = controlGroups.split(separator: "\n").compactMap { line in
            // hierarchy:controllers:path, and a path may hold colons (cgroups(7)).
            line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last.flatMap(innermost)
        }
        return !named.isEmpty && named.allSatisfy { $0 == container }
    }

    /// In a pid namespace of its own the first process is number 1; one that shares the host's is not told apart from
    /// its children.
    static func isFirst(status: String) -> Bool {
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("NSpid:") }) else { return false }
        let numbers = line.dropFirst("NSpid:".count).split { $0 == "\t" || $0 == " " }
        return numbers.count > 1 && numbers.last == "1"
    }

    private static func innermost(_ path: Substring) -> Substring? {
        path.split { !$0.isASCII || !($0.isLetter || $0.isNumber) }.last(where: isContainerID)
    }

    private static func isContainerID(_ text: Substring) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
