import DockerEngine

/// What the facts mean: the checks with their verdicts and remedies. A pure function of the facts.
package struct Diagnosis: Sendable {
    /// Where the engine is and what it is, as far as that is known.
    package let place: EnginePlace?
    package let identity: EngineIdentity?
    package let checks: [Check]

    package init(_ facts: HostFacts) {
        place = facts.engine.place
        identity = facts.engine.identity
        let advisor = Advisor(facts: facts)
        var checks = EngineChecks(facts: facts, advisor: advisor).checks()
        if case .answering(let place, let identity, let engine) = facts.engine {
            checks += PlaceChecks(place: place, engine: engine, advisor: advisor).checks()
            checks += StorageChecks(identity: identity, engine: engine, advisor: advisor).checks()
            checks += LimitChecks(engine: engine, advisor: advisor).checks()
            checks += PullChecks(identity: identity, engine: engine, machine: facts.machine, advisor: advisor).checks()
        }
        checks += FileChecks(facts: facts).checks()
        self.checks = checks
    }

    /// The worst of all verdicts.
    package var verdict: Verdict { checks.map(\.verdict).max() ?? .ok }

    /// 0 unless something fails: a warning stops nobody.
    package var exitCode: Int32 { verdict == .fail ? 125 : 0 }

    package func count(_ verdict: Verdict) -> Int { checks.count { $0.verdict == verdict } }
}
