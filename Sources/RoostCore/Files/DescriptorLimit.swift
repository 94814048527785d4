import Foundation

/// How many descriptors (files, sockets, pipes) this process may have open at once: RLIMIT_NOFILE of getrlimit(2).
package struct DescriptorLimit: Hashable, Sendable {
    /// What holds.
    package let soft: Int
    /// How far the process may raise ``soft`` by itself.
    package let hard: Int

    /// The most that is asked for: far more than a run needs, and little enough for programs that still go through all
    /// possible descriptors when they start.
    package static let most = 65_536

    package init(soft: Int, hard: Int) {
        self.soft = soft
        self.hard = hard
    }

    /// This process's limit; `nil` where the system does not tell.
    package static var current: DescriptorLimit? { read().map(DescriptorLimit.init) }

    /// The limit with ``soft`` as far up as it may go, and never below what it is.
    package var raised: DescriptorLimit { DescriptorLimit(soft: max(soft, min(hard, Self.most)), hard: hard) }

    /// Raises this process's own limit, once, at its start.
    ///
    /// The usual soft limit of 1024 is kept low for programs that wait with select(2), which Roost does not. What Roost
    /// starts, such as credential helpers, inherits the raised one. Where the system refuses, what holds goes on to hold.
    package static func raise() {
        guard var limit = read() else { return }
        let wanted = DescriptorLimit(limit).raised.soft
        guard wanted > DescriptorLimit(limit).soft else { return }
        limit.rlim_cur = rlim_t(wanted)
        _ = setrlimit(resource, &limit)
    }

    /// How many descriptors this process has open now; `nil` where the system does not tell.
    package static func countOpen() -> Int? {
        // The folder that is read is open itself while it is.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map { max($0.count - 1, 0) }
    }

    private init(_ limit: rlimit) {
        self.init(soft: Int(clamping: limit.rlim_cur), hard: Int(clamping: limit.rlim_max))
    }

    private static func read() -> rlimit? {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? limit : nil
    }

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
