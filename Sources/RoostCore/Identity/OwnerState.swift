/// What is known of a process that owns something.
package enum OwnerState: Hashable, Sendable {
    case alive
    /// Alive, but held by a signal (Ctrl-Z): it does nothing until it is continued.
    case stopped
    case dead(Death)
    /// It runs where nothing can be seen from here: in another pid namespace, such as that of another container.
    case unknown

    package enum Death: Hashable, Sendable {
        /// The machine, or the one that it ran on, has been started again since.
        case anotherBoot
        case gone
        /// Ended, and not yet collected by its parent.
        case zombie
        /// Its pid belongs to a process that started at another time.
        case pidReused
    }

    /// Whether it may still use what it owns; true also where that can't be known.
    package var mayLive: Bool { if case .dead = self { false } else { true } }
}

/// What this machine says of its processes.
package protocol ProcessFacts: Sendable {
    /// The kernel's id of this boot; empty where the system has none.
    var bootID: String { get }
    /// The inode of this process's pid namespace; 0 where the system has none.
    var pidNamespace: UInt64 { get }
    /// The process that has this pid now; `nil` where there is none.
    func process(_ pid: Int32) -> ProcessFact?
}

/// What is known of the process that has a pid now.
package struct ProcessFact: Hashable, Sendable {
    /// As in ``OwnerIdentity/startTime``; `nil` where it can't be read.
    package var startTime: UInt64?
    package var isZombie: Bool
    package var isStopped: Bool

    package init(startTime: UInt64?, isZombie: Bool = false, isStopped: Bool = false) {
        self.startTime = startTime
        self.isZombie = isZombie
        self.isStopped = isStopped
    }
}

extension OwnerIdentity {
    /// How this process is now. Where facts are missing it counts as alive: what may be in use is not touched.
    package func state(by facts: some ProcessFacts) -> OwnerState {
        guard bootID == facts.bootID else {
            return bootID.isEmpty || facts.bootID.isEmpty ? .unknown : .dead(.anotherBoot)
        }
        if pidNamespace != 0, facts.pidNamespace != 0, pidNamespace != facts.pidNamespace { return .unknown }
        guard let process = facts.process(pid) else { return .dead(.gone) }
        if let now = process.startTime, startTime != 0, now != startTime { return .dead(.pidReused) }
        if process.isZombie { return .dead(.zombie) }
        return process.isStopped ? .stopped : .alive
    }

    /// Whether this process may still use what it owns.
    package func isAlive(by facts: some ProcessFacts) -> Bool { state(by: facts).mayLive }
}
