package import OCIDistribution

/// What a pull will do, image by image, in the order of need.
package struct PullPlan: Sendable {
    package let items: [PullPlanItem]

    package init(items: [PullPlanItem]) {
        self.items = items
    }

    /// The groups that need images, ascending.
    package var groups: [Int] { Set(items.flatMap(\.groups)).sorted() }

    package var summary: PullSummary {
        PullSummary(
            toPull: items.filter { !$0.isPresent }.map(\.reference),
            present: items.filter(\.isPresent).map(\.reference)
        )
    }
}

/// What becomes of one image, and why.
package struct PullPlanItem: Sendable, Hashable {
    package enum Action: Sendable, Hashable {
        /// The engine has it.
        case present(EngineImage)
        /// The engine has the content under another name: this name is added.
        case tag(from: EngineImage)
        /// Another image of this plan is the same content: this name is added once that one is there.
        case follow(ImageReference)
        case pull
    }

    /// The image as it was asked for.
    package let reference: ImageReference
    /// What the engine is asked for.
    package let target: ImageReference
    package let groups: [Int]
    package let action: Action
    /// Why, in a few words: "the engine lacks it".
    package let reason: String
    /// The digest that the image must have, where it is known.
    package let digest: Digest?
    /// The host of the endpoint that was found to have it; `nil` where none was asked or none answered.
    package let source: String?

    package init(
        reference: ImageReference,
        target: ImageReference,
        groups: [Int],
        action: Action,
        reason: String,
        digest: Digest?,
        source: String?
    ) {
        self.reference = reference
        self.target = target
        self.groups = groups
        self.action = action
        self.reason = reason
        self.digest = digest
        self.source = source
    }

    package var isPresent: Bool {
        if case .present = action { true } else { false }
    }
}
