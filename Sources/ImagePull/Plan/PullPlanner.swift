import OCIDistribution

/// Decides from facts what is pulled, tagged and left alone. Pure: no I/O, no clock.
///
/// It is asked twice: what registries have to be asked about, and then, with their answers, for the plan.
package struct PullPlanner: Sendable {
    package let wanted: [WantedImage]

    /// - Parameter wanted: Each reference once, in the order of need.
    package init(_ wanted: [WantedImage]) {
        self.wanted = wanted
    }

    /// The images that can't be decided on without a registry's answer.
    package func questions(_ facts: PullFacts) -> [WantedImage] {
        wanted.filter { image in
            if case .ask = standing(of: image, facts) { true } else { false }
        }
    }

    /// The plan, or all images that can't be had.
    package func plan(_ facts: PullFacts) throws(PullFailures) -> PullPlan {
        var items: [PullPlanItem] = []
        var failures: [PullFailure] = []
        var leaders: [Digest: ImageReference] = [:]
        for image in wanted {
            switch standing(of: image, facts) {
            case .present(let found, let reason):
                items.append(present(image, found, reason, digest: found.digest(for: image.target)))
            case .impossible(let failure):
                failures.append(failure)
            case .ask(let found, let reason):
                let answer = facts.answers[image.target]
                switch answer {
                case .refused(let failure):
                    failures.append(failure.of(image.reference))
                case .found(let digest?, _) where found?.has(digest) == true:
                    guard let found else { continue }
                    items.append(present(image, found, "the registry has the same digest", digest: digest))
                case .found, .unknown, nil:
                    items.append(fetch(image, answer, why(reason, found, answer), facts, &leaders))
                }
            }
        }
        guard failures.isEmpty else { throw PullFailures(failures) }
        return PullPlan(items: items)
    }

    // MARK: - Before any registry is asked

    private enum Standing {
        case present(EngineImage, reason: String)
        case impossible(PullFailure)
        /// `found` is the image that may have to be replaced.
        case ask(found: EngineImage?, reason: String)
    }

    private func standing(of image: WantedImage, _ facts: PullFacts) -> Standing {
        let found = facts.present[image.target]
        let isUsable = found.map { found in facts.platform.map(found.isFor) ?? true } ?? false
        if let found, isUsable {
            if image.target.digest != nil { return .present(found, reason: "the engine has this digest") }
            if facts.isOffline { return .present(found, reason: "the engine has it, and Roost is offline") }
            if image.policy < .always { return .present(found, reason: "the engine has it") }
            return .ask(found: found, reason: "pull is 'always'")
        }
        if facts.isOffline || image.policy == .never {
            // A digest names its content whatever the repository is called, and nothing else can be had now.
            if let digest = image.target.digest, let same = facts.sameContent[digest] {
                return .present(same, reason: "the engine has this digest under another name")
            }
            return .impossible(missing(image, facts, found))
        }
        if let found {
            return .ask(found: nil, reason: "the engine has it for \(found.platform) only")
        }
        return .ask(found: nil, reason: "the engine lacks it")
    }

    private func missing(_ image: WantedImage, _ facts: PullFacts, _ found: EngineImage?) -> PullFailure {
        let what =
            if let platform = facts.platform, found != nil {
                "not on the engine for \(platform)"
            } else {
                "not on the engine"
            }
        let remedy =
            facts.isOffline
            ? "and nothing is pulled offline: run once without --offline, or load it with 'docker load'"
            : "and pull is 'never': pull it with 'roost pull', or set pull to 'missing'"
        return PullFailure(
            image: image.reference,
            kind: .missingOffline,
            message: "\(what), \(remedy)",
            isDefinite: true
        )
    }

    // MARK: - With the answers

    private func why(_ reason: String, _ found: EngineImage?, _ answer: RegistryAnswer?) -> String {
        switch answer {
        case .found(_?, _) where found != nil: "the registry has another digest"
        case .found(nil, _) where found != nil: "\(reason), and the registry names no digest to compare"
        case .unknown(let unknown, _, _): "\(reason); the engine decides (\(unknown))"
        default: reason
        }
    }

    private func present(
        _ image: WantedImage,
        _ found: EngineImage,
        _ reason: String,
        digest: Digest?
    ) -> PullPlanItem {
        PullPlanItem(
            reference: image.reference,
            target: image.target,
            groups: image.groups,
            action: .present(found),
            reason: reason,
            digest: digest,
            source: nil
        )
    }

    private func fetch(
        _ image: WantedImage,
        _ answer: RegistryAnswer?,
        _ reason: String,
        _ facts: PullFacts,
        _ leaders: inout [Digest: ImageReference]
    ) -> PullPlanItem {
        let digest = image.target.digest ?? answer?.digest
        var action = PullPlanItem.Action.pull
        var why = reason
        if let digest {
            if image.target.digest == nil, let same = facts.sameContent[digest] {
                action = .tag(from: same)
                why = "the engine has the same digest under another name"
            } else if let leader = leaders[digest] {
                action = .follow(leader)
                why = "the same digest as \(leader.familiar)"
            } else {
                leaders[digest] = image.reference
            }
        }
        return PullPlanItem(
            reference: image.reference,
            target: image.target,
            groups: image.groups,
            action: action,
            reason: why,
            digest: digest,
            source: answer?.source
        )
    }
}
