package import OCIDistribution

/// Carries a plan out, one event at a time: which pulls run, which wait, which groups are complete, and when to halt.
///
/// A value without I/O, clock or chance: it takes what has happened and returns what to do.
package struct PullScheduler: Sendable {
    package enum Event: Sendable {
        case began
        /// The engine has pulled the image; this is what it has now under the target's name.
        case pulled(ImageReference, EngineImage)
        /// The name now stands for this image.
        case tagged(ImageReference, EngineImage)
        /// The name could not be added; the image is pulled instead.
        case tagFailed(ImageReference)
        /// - Parameter jitter: In `0..<1`, for the delay before the next attempt.
        case failed(ImageReference, PullFailure, retryAfter: Duration?, jitter: Double)
        /// The delay before the next attempt has passed.
        case retryDue(ImageReference)
    }

    package enum Action: Sendable, Hashable {
        case pull(ImageReference, attempt: Int)
        case tag(ImageReference, from: EngineImage, leader: ImageReference?)
        /// The attempt failed: wait for `delay`, then report ``Event/retryDue(_:)``.
        case backOff(ImageReference, attempt: Int, delay: Duration, reason: String)
        /// The image is there.
        case finished(ImageReference, EngineImage, How)
        /// Every image that the group needs is there.
        case groupReady(Int)
        /// Cancel everything: this image can't be had.
        case halt(PullFailure)
        /// Every image is there.
        case end
    }

    package enum How: Sendable, Hashable {
        case present
        case pulled
        case tagged(leader: ImageReference?)
    }

    private enum State {
        case idle
        /// Waits for a place under the limit.
        case queued
        case pulling
        case backingOff
        case tagging
        case done(EngineImage)
    }

    private struct Item {
        let plan: PullPlanItem
        var state = State.idle
        var attempt = 0
    }

    private let retry: RetryPolicy
    private let maxConcurrent: Int
    private var items: [Item]
    private let places: [ImageReference: Int]
    private var openGroups: [Int]
    private var pulling = 0
    private var hasEnded = false

    /// - Parameters:
    ///   - plan: Its order is the order in which images are pulled.
    ///   - maxConcurrent: How many pulls run at once; one that waits for its next attempt does not count.
    ///   - retry: What is done about transient failures.
    package init(_ plan: PullPlan, maxConcurrent: Int, retry: RetryPolicy) {
        items = plan.items.map { Item(plan: $0) }
        places = Dictionary(plan.items.enumerated().map { ($1.reference, $0) }, uniquingKeysWith: { first, _ in first })
        openGroups = plan.groups
        self.maxConcurrent = max(1, maxConcurrent)
        self.retry = retry
    }

    /// What an image's plan was.
    package func plan(of reference: ImageReference) -> PullPlanItem? { places[reference].map { items[$0].plan } }

    /// The image IDs of a group; complete once the group is ready.
    package func images(ofGroup group: Int) -> [ImageReference: String] {
        var images: [ImageReference: String] = [:]
        for item in items where item.plan.groups.contains(group) {
            if case .done(let image) = item.state { images[item.plan.reference] = image.id }
        }
        return images
    }

    package mutating func handle(_ event: Event) -> [Action] {
        guard !hasEnded else { return [] }
        var actions: [Action] = []
        switch event {
        case .began:
            for place in items.indices { begin(place, &actions) }
        case .pulled(let reference, let image):
            guard let place = places[reference], case .pulling = items[place].state else { return [] }
            pulling -= 1
            finish(place, image, .pulled, &actions)
            releaseFollowers(of: reference, image, &actions)
        case .tagged(let reference, let image):
            guard let place = places[reference], case .tagging = items[place].state else { return [] }
            finish(place, image, .tagged(leader: leader(of: place)), &actions)
        case .tagFailed(let reference):
            guard let place = places[reference], case .tagging = items[place].state else { return [] }
            items[place].state = .queued
        case .failed(let reference, let failure, let retryAfter, let jitter):
            guard let place = places[reference], case .pulling = items[place].state else { return [] }
            pulling -= 1
            fail(place, failure, retryAfter: retryAfter, jitter: jitter, &actions)
        case .retryDue(let reference):
            guard let place = places[reference], case .backingOff = items[place].state else { return [] }
            items[place].state = .queued
        }
        if !hasEnded { advance(&actions) }
        return actions
    }

    // MARK: - Steps

    private mutating func begin(_ place: Int, _ actions: inout [Action]) {
        guard case .idle = items[place].state else { return }
        switch items[place].plan.action {
        case .present(let image):
            finish(place, image, .present, &actions)
        case .tag(let image):
            items[place].state = .tagging
            actions.append(.tag(items[place].plan.reference, from: image, leader: nil))
        case .pull:
            items[place].state = .queued
        case .follow(let leader):
            // A leader that isn't there to be followed leaves the image to be pulled.
            if places[leader] == nil { items[place].state = .queued }
        }
    }

    private mutating func finish(_ place: Int, _ image: EngineImage, _ how: How, _ actions: inout [Action]) {
        items[place].state = .done(image)
        actions.append(.finished(items[place].plan.reference, image, how))
    }

    private mutating func releaseFollowers(
        of leader: ImageReference,
        _ image: EngineImage,
        _ actions: inout [Action]
    ) {
        for place in items.indices {
            guard case .idle = items[place].state, case .follow(leader) = items[place].plan.action else { continue }
            if let digest = items[place].plan.digest, image.has(digest) {
                items[place].state = .tagging
                actions.append(.tag(items[place].plan.reference, from: image, leader: leader))
            } else {
                // The leader's tag has moved since it was resolved, so its image is not what this name stands for.
                items[place].state = .queued
            }
        }
    }

    private mutating func fail(
        _ place: Int,
        _ failure: PullFailure,
        retryAfter: Duration?,
        jitter: Double,
        _ actions: inout [Action]
    ) {
        let attempt = items[place].attempt
        if failure.isDefinite {
            halt(failure, &actions)
        } else if attempt >= retry.attempts {
            let message = attempt == 1 ? failure.message : "gave up after \(attempt) attempts: \(failure.message)"
            halt(
                PullFailure(image: failure.image, kind: failure.kind, message: message, isDefinite: false),
                &actions
            )
        } else {
            items[place].state = .backingOff
            let delay = retry.delay(after: attempt, retryAfter: retryAfter, jitter: jitter)
            actions.append(
                .backOff(items[place].plan.reference, attempt: attempt, delay: delay, reason: failure.message)
            )
        }
    }

    private mutating func halt(_ failure: PullFailure, _ actions: inout [Action]) {
        hasEnded = true
        actions.append(.halt(failure))
    }

    private mutating func advance(_ actions: inout [Action]) {
        for place in items.indices where pulling < maxConcurrent {
            guard case .queued = items[place].state else { continue }
            items[place].state = .pulling
            items[place].attempt += 1
            pulling += 1
            actions.append(.pull(items[place].plan.reference, attempt: items[place].attempt))
        }
        for group in openGroups where isReady(group) {
            openGroups.removeAll { $0 == group }
            actions.append(.groupReady(group))
        }
        if items.allSatisfy({ if case .done = $0.state { true } else { false } }) {
            hasEnded = true
            actions.append(.end)
        }
    }

    private func isReady(_ group: Int) -> Bool {
        items.allSatisfy { item in
            guard item.plan.groups.contains(group) else { return true }
            if case .done = item.state { return true } else { return false }
        }
    }

    private func leader(of place: Int) -> ImageReference? {
        if case .follow(let leader) = items[place].plan.action { leader } else { nil }
    }
}
