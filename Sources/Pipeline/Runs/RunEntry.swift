import Foundation
package import RoostCore

/// A run that has a folder below `.roost/runs`.
package struct RunEntry: Sendable {
    package enum State: Sendable {
        /// It has ended, and told how.
        case ended(RunReport)
        /// It goes on, or that can't be ruled out; its process, where that is known.
        case goingOn(OwnerIdentity?)
        /// Its process ended before the run did.
        case cutOff
        /// Its report is no report, with what is wrong with it.
        case unreadable(String)
    }

    package let id: RunID
    package let state: State

    package var report: RunReport? { if case .ended(let report) = state { report } else { nil } }
    package var isGoingOn: Bool { if case .goingOn = state { true } else { false } }

    /// Names tell the second; within one, reports tell more, and what has none yet is taken for the younger.
    func isOlder(than other: RunEntry) -> Bool {
        func key(_ entry: RunEntry) -> (Date, Date, String) {
            (entry.id.startedAt, entry.report?.startedAt ?? .distantFuture, entry.id.description)
        }
        return key(self) < key(other)
    }

    /// What becomes of a run without a report.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - owner: The process that it says it belongs to; `nil` where it says none.
    ///   - isAlive: Whether a process may still live.
    ///   - now: The time.
    /// - Returns: That it goes on, or that it was cut off.
    static func unreported(_ id: RunID, owner: OwnerIdentity?, isAlive: (OwnerIdentity) -> Bool, now: Date) -> State {
        if let owner { return isAlive(owner) ? .goingOn(owner) : .cutOff }
        // The owner is written just after the folder is made; another process may look in between.
        return now.timeIntervalSince(id.startedAt) < 86_400 ? .goingOn(nil) : .cutOff
    }
}
