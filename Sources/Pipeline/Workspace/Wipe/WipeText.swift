import RoostCore

/// A wipe for people: a line for each thing that goes or stays, and a last one that sums up.
package enum WipeText {
    package static func render(_ plan: WipePlan) -> String {
        lines(plan.removals, plan.kept, removed: "would remove", kept: "would keep", plan.summary)
    }

    package static func render(_ outcome: WipeOutcome) -> String {
        lines(outcome.removed, outcome.kept, removed: "removed", kept: "kept", outcome.summary)
    }

    private static func lines(
        _ removals: [WipeCandidate],
        _ remarks: [WipeRemark],
        removed: String,
        kept: String,
        _ summary: String
    ) -> String {
        let gone = removals.map { candidate in
            let below = candidate.kind == .folder ? ", \(candidate.entries) in all" : ""
            return "\(removed) \(candidate.path) (\(candidate.kind.rawValue)\(below), \(candidate.size))"
        }
        let stays = remarks.map { "\(kept) \($0.path): \($0.reason.description)" }
        return (gone + stays + [summary]).map { $0 + "\n" }.joined()
    }
}
