package import OCIDistribution

/// Something that could go.
package struct EvictionCandidate: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case blob, manifest
        /// What a fill has left behind that nobody goes on with.
        case partial
        /// A file that was not what its name says.
        case quarantined
    }

    /// What keeps it, or keeps it for last.
    package enum Hold: String, Hashable, Sendable, CaseIterable {
        case none
        /// It is, or belongs to, a manifest that was asked for lately.
        case fresh
        /// A run of Roost's needs it.
        case leased
        case pinned
    }

    package let digest: Digest
    /// In bytes.
    package let size: Int64
    package let kind: Kind
    package let hold: Hold

    package init(digest: Digest, size: Int64, kind: Kind, hold: Hold) {
        self.digest = digest
        self.size = size
        self.kind = kind
        self.hold = hold
    }
}

/// What goes and what stays, each with its reason.
package struct EvictionPlan: Hashable, Sendable {
    package enum Reason: String, Hashable, Sendable {
        case quarantined = "it is quarantined"
        case abandoned = "nobody goes on with it"
        case leastRecentlyUsed = "it is the least recently used"
        case nothingElse = "a manifest asked for lately refers to it, and nothing else is left"
        case pinned = "it is pinned"
        case leased = "a run needs it"
        case fresh = "a manifest asked for lately refers to it"
        case enough = "enough goes before it"
    }

    package struct Verdict: Hashable, Sendable {
        package let candidate: EvictionCandidate
        package let goes: Bool
        package let reason: Reason

        package init(candidate: EvictionCandidate, goes: Bool, reason: Reason) {
            self.candidate = candidate
            self.goes = goes
            self.reason = reason
        }
    }

    /// Those that go come first, in the order in which they go.
    package let verdicts: [Verdict]
    /// How many bytes were to be freed.
    package let wanted: Int64

    package init(verdicts: [Verdict], wanted: Int64) {
        self.verdicts = verdicts
        self.wanted = wanted
    }

    package var victims: [EvictionCandidate] { verdicts.filter(\.goes).map(\.candidate) }
    /// How many bytes go.
    package var frees: Int64 { victims.reduce(0) { $0 + $1.size } }
    package var suffices: Bool { frees >= wanted }
}

/// Makes an ``EvictionPlan`` of candidates that come one by one, so that only as many have to be looked up as are needed.
struct EvictionPlanner {
    private let wanted: Int64
    private var chosen: [EvictionPlan.Verdict] = []
    private var freed: Int64 = 0
    private var spared: [EvictionCandidate] = []
    private var kept: [EvictionPlan.Verdict] = []

    /// - Parameter wanted: How many bytes are to be freed.
    init(toFree wanted: Int64) { self.wanted = wanted }

    /// No other candidate can change what goes.
    var isSatisfied: Bool { freed >= wanted }

    /// Takes the next candidate: quarantined ones first, then partials, then the rest, the least recently used first.
    mutating func offer(_ candidate: EvictionCandidate) {
        switch candidate.hold {
        case .pinned: keep(candidate, .pinned)
        case .leased: keep(candidate, .leased)
        case _ where isSatisfied: keep(candidate, .enough)
        case .fresh: spared.append(candidate)
        case .none: choose(candidate, Self.reason(for: candidate.kind))
        }
    }

    /// The plan, of what has been offered.
    func plan() -> EvictionPlan {
        var last = self
        for candidate in spared {
            if last.isSatisfied { last.keep(candidate, .fresh) } else { last.choose(candidate, .nothingElse) }
        }
        return EvictionPlan(verdicts: last.chosen + last.kept, wanted: wanted)
    }

    private static func reason(for kind: EvictionCandidate.Kind) -> EvictionPlan.Reason {
        switch kind {
        case .blob, .manifest: .leastRecentlyUsed
        case .partial: .abandoned
        case .quarantined: .quarantined
        }
    }

    private mutating func choose(_ candidate: EvictionCandidate, _ reason: EvictionPlan.Reason) {
        chosen.append(.init(candidate: candidate, goes: true, reason: reason))
        freed += candidate.size
    }

    private mutating func keep(_ candidate: EvictionCandidate, _ reason: EvictionPlan.Reason) {
        kept.append(.init(candidate: candidate, goes: false, reason: reason))
    }
}
