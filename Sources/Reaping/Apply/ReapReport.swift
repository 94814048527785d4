package import RoostCore

/// What became of a plan.
package struct ReapReport: Sendable {
    package enum Outcome: Hashable, Sendable {
        case removed
        /// Somebody else was faster.
        case gone
        /// What was found at a second look is not what the plan was made for.
        case kept
        case failed(String)
    }

    /// Names one object of the plan.
    package struct Key: Hashable, Sendable {
        let kind: ReapObject.Kind
        let id: String

        package init(_ object: ReapObject) {
            kind = object.kind
            id = object.id
        }
    }

    package var outcomes: [Key: Outcome] = [:]
    /// Runs that this reap was the first to record as cut off.
    package var cutOffRuns: [String] = []
    /// Exits that the journal lacked, read from what the runs left.
    package var recoveredExits: [(run: String, exit: StepExit)] = []
    package var warnings: [String] = []

    package init() {}

    /// Those of some owners of whom no container is left that the plan was to remove.
    package func cleared(_ owners: Set<OwnerIdentity>, of plan: ReapPlan) -> Set<OwnerIdentity> {
        owners.subtracting(
            plan.decisions.filter { decision in
                guard decision.removes, decision.object.kind == .container else { return false }
                switch outcomes[Key(decision.object)] {
                case .removed, .gone, .kept: return false
                case .failed, nil: return true
                }
            }.compactMap(\.object.owner)
        )
    }

    /// What could not be removed, and why.
    package var failures: [String] {
        outcomes.values.compactMap { if case .failed(let why) = $0 { why } else { nil } }.sorted()
    }
}
