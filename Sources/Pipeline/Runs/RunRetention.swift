package import Foundation
import RoostCore

/// How many runs are kept, and for how long: a pure function from the runs that there are to those that go.
package struct RunRetention: Hashable, Sendable {
    /// The newest that stay, those that go on included; `nil` for any number.
    package var count: Int?
    /// What is older than this goes; `nil` for any age.
    package var age: Duration?

    package init(count: Int? = nil, age: Duration? = nil) {
        self.count = count
        self.age = age
    }

    /// - Parameters:
    ///   - runs: What there is, the newest first.
    ///   - now: The time that ages are counted from.
    /// - Returns: What goes, the oldest first; never a run that goes on.
    package func excess(of runs: [RunEntry], now: Date) -> [RunID] {
        let excess = runs.enumerated().filter { index, run in
            guard !run.isGoingOn else { return false }
            if let count, index >= count { return true }
            if let age { return now.timeIntervalSince(run.id.startedAt) > age.inSeconds }
            return false
        }
        return excess.map(\.element.id).reversed()
    }
}
