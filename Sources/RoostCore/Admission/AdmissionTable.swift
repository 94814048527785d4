/// The tickets of one engine, and what follows from them: who is admitted, who waits, and whose do not count any more.
package struct AdmissionTable: Sendable {
    package struct Ticket: Hashable, Sendable {
        package let number: Int64
        package let owner: OwnerIdentity
        package let bytes: Int64
        package let isAdmitted: Bool

        package init(number: Int64, owner: OwnerIdentity, bytes: Int64, isAdmitted: Bool) {
            self.number = number
            self.owner = owner
            self.bytes = bytes
            self.isAdmitted = isAdmitted
        }
    }

    package enum Answer: Hashable, Sendable {
        case admit
        /// An earlier ticket waits: the first of them.
        case waitForTurn(behind: Int64)
        /// The first in line, but so many bytes are missing.
        case waitForMemory(missing: Int64)
        /// There is no such ticket: it was withdrawn, or has been admitted already.
        case notWaiting
    }

    private let tickets: [Ticket]
    private let states: [OwnerIdentity: OwnerState]

    /// - Parameters:
    ///   - tickets: In any order.
    ///   - states: How their owners are; one that is missing counts as alive.
    package init(_ tickets: [Ticket], states: [OwnerIdentity: OwnerState]) {
        self.tickets = tickets
        self.states = states
    }

    /// The tickets with which dead owners waited: they hold nobody up, and may be removed.
    package var abandoned: [Int64] {
        tickets.filter { !$0.isAdmitted && !state($0).mayLive }.map(\.number).sorted()
    }

    /// What was admitted for dead owners, by owner. It counts until it is removed: their containers may still run.
    package var leftBehind: [OwnerIdentity: [Int64]] {
        Dictionary(grouping: tickets.filter { $0.isAdmitted && !state($0).mayLive }, by: \.owner)
            .mapValues { $0.map(\.number).sorted() }
    }

    /// What becomes of a ticket that waits.
    ///
    /// - Parameters:
    ///   - number: The ticket.
    ///   - budget: Its owner's budget in bytes.
    /// - Returns: Whether it is admitted now, and what it waits for where it is not.
    package func answer(for number: Int64, budget: Int64) -> Answer {
        guard let ticket = tickets.first(where: { $0.number == number && !$0.isAdmitted }) else { return .notWaiting }
        // A process that was stopped with Ctrl-Z can't take its turn: it must not hold up the machine until somebody
        // continues it. What it was admitted for still counts.
        let ahead = tickets.filter {
            !$0.isAdmitted && $0.number < number && state($0).mayLive && state($0) != .stopped
        }
        if let first = ahead.map(\.number).min() { return .waitForTurn(behind: first) }
        var used: Int64 = 0
        for other in tickets where other.isAdmitted { used = sum(used, other.bytes) }
        let wanted = sum(used, ticket.bytes)
        return wanted <= budget ? .admit : .waitForMemory(missing: wanted - budget)
    }

    private func state(_ ticket: Ticket) -> OwnerState { states[ticket.owner] ?? .alive }

    /// Sums of what other processes wrote down don't overflow.
    private func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
