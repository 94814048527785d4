import Foundation
import OCIDistribution
import Testing

@testable import RegistryCache

@Suite("How long tags are trusted")
struct TagFreshnessTests {
    private let freshness = TagFreshness(lifetime: .seconds(300), patience: .seconds(1))
    private let now = Date(timeIntervalSince1970: 1_000_000)
    private let cached = Digest.sha256(of: Array("cached".utf8))
    private let newer = Digest.sha256(of: Array("newer".utf8))

    /// Every kind of failure, and whether it is an answer.
    private var failures: [(UpstreamError, isAnswer: Bool)] {
        [
            (.unknownUpstream("x"), true), (.notFound, true), (.unauthorized, true), (.forbidden, true),
            (.rateLimited(retryAfter: nil), false), (.rateLimited(retryAfter: .seconds(5)), false),
            (.unavailable("down"), false), (.timedOut(after: .seconds(1)), false), (.tooSlow, false),
            (.resting(.seconds(9)), false), (.invalid("nonsense"), false), (.digestMismatch(newer), false),
            (.tooLarge(limit: 4), false), (.cancelled, false),
        ]
    }

    @Test("what is not cached is fetched")
    func nothing() { #expect(freshness.step(checkedAt: nil, now: now) == .fetch) }

    @Test(
        "a tag is served within its lifetime, and asked for from its end on, or where the clock was set back",
        arguments: [
            (-1e9, false), (-1, false), (-0.001, false), (0, true), (1, true), (299.999, true), (300, false),
            (301, false), (1e9, false),
        ] as [(Double, Bool)]
    )
    func ages(age: Double, isFresh: Bool) {
        let step = freshness.step(checkedAt: now.addingTimeInterval(-age), now: now)
        #expect(step == (isFresh ? .serve : .revalidate(within: .seconds(1))))
    }

    @Test("with no lifetime a tag is asked for each time")
    func noLifetime() {
        let step = TagFreshness(lifetime: .zero).step(checkedAt: now, now: now)
        #expect(step == .revalidate(within: .seconds(1)))
    }

    @Test("an upstream that knows the tag confirms it or tells that it has moved")
    func known() {
        guard case .confirmed = TagFreshness.verdict(cached: cached, .success(cached)) else {
            Issue.record("not confirmed")
            return
        }
        guard case .moved(newer) = TagFreshness.verdict(cached: cached, .success(newer)) else {
            Issue.record("not moved")
            return
        }
    }

    @Test("an answer that there is nothing is passed on; whatever is no answer leaves what is cached, as stale")
    func failed() {
        for (error, isAnswer) in failures {
            switch TagFreshness.verdict(cached: cached, .failure(error)) {
            case .refused: #expect(isAnswer, "\(error)")
            case .stale: #expect(!isAnswer, "\(error)")
            case .confirmed, .moved: Issue.record("\(error)")
            }
        }
    }

    @Test("refusals are remembered for less than a minute, and what is no answer is not")
    func negative() {
        for (error, _) in failures {
            let lifetime = TagFreshness.lifetime(of: error)
            switch error {
            case .notFound, .unauthorized, .forbidden:
                #expect(lifetime > .zero && lifetime <= .seconds(60), "\(error)")
            default: #expect(lifetime == .zero, "\(error)")
            }
        }
    }
}
