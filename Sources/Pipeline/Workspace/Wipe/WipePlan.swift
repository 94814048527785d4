package import RoostCore

/// What a wipe removes and what it leaves, decided from a listing alone.
package struct WipePlan: Hashable, Sendable {
    /// In the order of their paths.
    package let removals: [WipeCandidate]
    /// What stays, and why; also what stays within removals.
    package let kept: [WipeRemark]

    init(_ listing: WipeListing) {
        var removals: [WipeCandidate] = []
        var kept = listing.remarks
        for candidate in listing.candidates {
            if listing.protected.covers(candidate.path) || listing.protected.covers(candidate.identity) {
                kept.append(WipeRemark(candidate.path, .protected))
            } else {
                removals.append(candidate)
                // What can't be looked into may go all the same, through a container.
                kept += candidate.remarks.filter { $0.reason == .mount }
            }
        }
        self.removals = removals
        self.kept = kept.sorted { $0.path < $1.path }
    }

    package var size: ByteCount { removals.reduce(ByteCount(0)) { $0 + $1.size } }
}

/// What a wipe did.
package struct WipeOutcome: Hashable, Sendable {
    /// What is gone, in the order of their paths.
    package var removed: [WipeCandidate] = []
    /// What is still there, and why.
    package var kept: [WipeRemark] = []

    /// On the disk, of what is gone in whole.
    package var size: ByteCount { removed.reduce(ByteCount(0)) { $0 + $1.size } }
    /// What should have gone and did not.
    package var failures: [WipeRemark] { kept.filter { !$0.reason.isOrderly } }

    /// `wiped 3 entries, 1.2 GiB`.
    package var summary: String { Self.summary("wiped", removed, size) }

    static func summary(_ verb: String, _ entries: [WipeCandidate], _ size: ByteCount) -> String {
        "\(verb) \(entries.count) \(entries.count == 1 ? "entry" : "entries"), \(size)"
    }
}

extension WipePlan {
    /// `would wipe 3 entries, 1.2 GiB`.
    package var summary: String { WipeOutcome.summary("would wipe", removals, size) }
}
