package import Foundation
import OCIDistribution

/// Decides whether a tag is served as it is cached, and what its upstream's answer means. Without I/O and without a clock.
package struct TagFreshness: Sendable {
    /// How long a tag is served without asking.
    package let lifetime: Duration
    /// How long an upstream may take once something is cached.
    package let patience: Duration

    package init(lifetime: Duration = .seconds(300), patience: Duration = .seconds(1)) {
        self.lifetime = lifetime
        self.patience = patience
    }

    package enum Step: Hashable, Sendable {
        /// Serve what is cached; its upstream was asked a short while ago.
        case serve
        /// Ask what the tag leads to now, for at most so long.
        case revalidate(within: Duration)
        /// Nothing is cached.
        case fetch
    }

    /// What to do about a tag.
    ///
    /// - Parameters:
    ///   - checkedAt: When its upstream was last asked; `nil` where nothing is cached.
    ///   - now: The time. One before `checkedAt`, as after a clock was set back, makes a tag old: it says nothing about its age.
    /// - Returns: What to do.
    package func step(checkedAt: Date?, now: Date) -> Step {
        guard let checkedAt else { return .fetch }
        let age = now.timeIntervalSince(checkedAt)
        let seconds = Double(lifetime.components.seconds) + Double(lifetime.components.attoseconds) * 1e-18
        return age >= 0 && age < seconds ? .serve : .revalidate(within: patience)
    }

    enum Verdict: Sendable {
        /// It still leads to what is cached.
        case confirmed
        /// It leads to something else now, which has to be fetched.
        case moved(Digest)
        /// The upstream has answered that there is nothing for us.
        case refused(UpstreamError)
        /// The upstream could not be asked: what is cached is served, and said to be stale.
        case stale(UpstreamError)
    }

    /// What an upstream's answer means for a tag that is cached.
    static func verdict(cached: Digest, _ answer: Result<Digest, UpstreamError>) -> Verdict {
        switch answer {
        case .success(cached): .confirmed
        case .success(let digest): .moved(digest)
        case .failure(let error): error.isAnswer ? .refused(error) : .stale(error)
        }
    }

    /// How long the same question need not be asked again after a refusal: less than a minute, so that what was pushed meanwhile is
    /// found.
    static func lifetime(of refusal: UpstreamError) -> Duration {
        switch refusal {
        case .notFound: .seconds(15)
        case .unauthorized, .forbidden: .seconds(30)
        // No answer, or one that names its own time.
        default: .zero
        }
    }
}
