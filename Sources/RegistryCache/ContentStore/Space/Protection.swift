import OCIDistribution

/// What is held by whom, as digests: the roots with all that their manifests refer to.
struct Protection: Hashable, Sendable {
    var pinned: Set<Digest> = []
    var leased: Set<Digest> = []
    var fresh: Set<Digest> = []

    /// The strongest hold on a digest.
    func hold(on digest: Digest) -> EvictionCandidate.Hold {
        if pinned.contains(digest) { return .pinned }
        if leased.contains(digest) { return .leased }
        return fresh.contains(digest) ? .fresh : .none
    }
}
