package import RoostCore

/// What is removed and what is kept, each with its reason, and which runs are recorded as cut off.
package struct ReapPlan: Sendable {
    package struct Decision: Hashable, Sendable {
        package let object: ReapObject
        package let removes: Bool
        package let reason: ReapReason
    }

    /// In the order in which they are removed: containers before the networks and volumes that they use.
    package let decisions: [Decision]
    /// Runs whose owner died before they ended.
    package let cutOffRuns: [RunRecord]
    /// Entries of dead owners whose container was never made, or is gone.
    package let forgotten: [JournaledContainer]
    /// Whether the engine may still be making what a run had asked for that was cut off, which may have been just now.
    package let mayHaveLateCreations: Bool

    package init(_ facts: ReapFacts) {
        let runs = Set(facts.unfinishedRuns.map(\.id))
        decisions = ReapObject.Kind.allCases.flatMap { kind in
            facts.objects.filter { $0.kind == kind }.map { Self.decide($0, facts, unfinished: runs) }
        }
        cutOffRuns = facts.unfinishedRuns.filter { Self.isDead($0.owner, facts) }
        mayHaveLateCreations = cutOffRuns.contains { facts.owners[$0.owner] != .dead(.anotherBoot) }
        forgotten = facts.missing.filter { Self.isDead($0.owner, facts) }
    }

    package var isEmpty: Bool { !decisions.contains(where: \.removes) && cutOffRuns.isEmpty && forgotten.isEmpty }

    private static func decide(_ object: ReapObject, _ facts: ReapFacts, unfinished: Set<String>) -> Decision {
        if let reason = reasonToKeep(object, facts, unfinished: unfinished) {
            return Decision(object: object, removes: false, reason: reason)
        }
        guard let owner = object.owner, case .dead(let death)? = facts.owners[owner] else {
            return Decision(object: object, removes: false, reason: .noOwner)
        }
        return Decision(object: object, removes: true, reason: .ownerDied(death))
    }

    private static func reasonToKeep(
        _ object: ReapObject,
        _ facts: ReapFacts,
        unfinished: Set<String>
    ) -> ReapReason? {
        let labels = object.labels
        if object.journaled == nil {
            guard labels[LabelKey.installation] == facts.installation.id else { return .otherInstallation }
            guard labels[LabelKey.kind]?.isEmpty == false else { return .noKind }
            guard labels[LabelKey.lifetime] == "run" else { return .lifetime(labels[LabelKey.lifetime] ?? "") }
        }
        guard let owner = object.owner else { return .noOwner }
        switch facts.owners[owner] {
        case .dead(.anotherBoot) where !facts.isLocal: return .ownerElsewhere
        case .dead: break
        case let state: return .ownerMayLive(state ?? .unknown)
        }
        guard object.kind == .container, object.journaled == nil else { return nil }
        guard let image = object.imageLabels else {
            // The journal knows the run as this host's own.
            return labels[LabelKey.run].map(unfinished.contains) == true ? nil : .imageGone
        }
        let own = labels.filter { $0.key.hasPrefix(LabelKey.prefix) }
        return own.allSatisfy { image[$0.key] == $0.value } ? .labelsOfImage : nil
    }

    private static func isDead(_ owner: OwnerIdentity, _ facts: ReapFacts) -> Bool {
        switch facts.owners[owner] {
        case .dead(.anotherBoot): facts.isLocal
        case .dead: true
        default: false
        }
    }
}
