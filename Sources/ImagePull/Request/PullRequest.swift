package import OCIDistribution

/// One need for an image: a step's, or an argument of `roost pull`.
package struct PullRequest: Sendable, Hashable {
    package let reference: ImageReference
    package let policy: PullPolicy
    /// The order of need: the index of the stage whose containers need the image. Lower groups are pulled first.
    package let group: Int
    /// The digest that a lock file pins the reference to. The image is then pulled and found by `name@digest`; the tag
    /// on the engine is left as it is, since it may be in use and is not what this run asked for.
    package let locked: Digest?

    package init(reference: ImageReference, policy: PullPolicy = .missing, group: Int = 0, locked: Digest? = nil) {
        self.reference = reference
        self.policy = policy
        self.group = group
        self.locked = locked
    }
}

/// When an image is pulled, the least eager first.
package enum PullPolicy: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Not at all: an image that the engine lacks is a failure.
    case never
    /// Only where the engine lacks it.
    case missing
    /// Whenever the registry has another digest than the engine.
    case always

    package static func < (left: PullPolicy, right: PullPolicy) -> Bool { left.eagerness < right.eagerness }

    private var eagerness: Int {
        switch self {
        case .never: 0
        case .missing: 1
        case .always: 2
        }
    }
}

/// The needs for one image, put together: one decision, at most one pull, and one line in the log.
package struct WantedImage: Sendable, Hashable {
    /// The image as it was asked for, normalised.
    package let reference: ImageReference
    /// What the engine is asked for: the reference, or the digest that it names or is locked to.
    package let target: ImageReference
    /// The most eager of the requests' policies.
    package let policy: PullPolicy
    /// The groups that need the image, ascending.
    package let groups: [Int]

    /// Puts together the requests for the same reference.
    ///
    /// - Parameter requests: In the order of the file or the command line.
    /// - Returns: Each reference once, by its first group, then by its first place in `requests`.
    package static func merge(_ requests: [PullRequest]) -> [WantedImage] {
        var order: [ImageReference] = []
        var byReference: [ImageReference: [PullRequest]] = [:]
        for request in requests {
            if byReference[request.reference] == nil { order.append(request.reference) }
            byReference[request.reference, default: []].append(request)
        }
        let wanted = order.map { reference in
            let needs = byReference[reference] ?? []
            let locked = needs.lazy.compactMap(\.locked).first
            return WantedImage(
                reference: reference,
                target: locked.map { reference.with(digest: $0) } ?? reference,
                policy: needs.map(\.policy).max() ?? .missing,
                groups: Set(needs.map(\.group)).sorted()
            )
        }
        return wanted.enumerated()
            .sorted { ($0.element.groups.first ?? 0, $0.offset) < ($1.element.groups.first ?? 0, $1.offset) }
            .map(\.element)
    }
}

extension ImageReference {
    /// The reference as the engine finds it: a digest wins over a tag, which need not point there.
    package var engineName: String {
        if let digest { return "\(name)@\(digest)" }
        return "\(name):\(tag ?? "latest")"
    }
}
