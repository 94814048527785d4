import ImagePull
import Testing

@Suite("Delays before another attempt")
struct RetryPolicyTests {
    private let policy = RetryPolicy()

    @Test("the delay doubles from one second up to its cap")
    func doubles() {
        let delays = (1...12).map { policy.delay(after: $0, retryAfter: nil, jitter: 1) }
        #expect(delays.prefix(5) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(10)])
        #expect(delays.dropFirst(4).allSatisfy { $0 == .seconds(10) })
        #expect(policy.delay(after: .max, retryAfter: nil, jitter: 1) == .seconds(10))
        #expect(policy.delay(after: .min, retryAfter: nil, jitter: 1) == .seconds(1))
    }

    @Test("a quarter of the delay is up to chance")
    func jitter() {
        #expect(policy.delay(after: 1, retryAfter: nil, jitter: 0) == .milliseconds(750))
        #expect(policy.delay(after: 1, retryAfter: nil, jitter: 7) == .seconds(1))
    }

    @Test("Retry-After is waited in full, up to a minute, and never shortens the delay")
    func retryAfter() {
        #expect(policy.delay(after: 1, retryAfter: .seconds(20), jitter: 0) == .seconds(20))
        #expect(policy.delay(after: 1, retryAfter: .seconds(86_400), jitter: 0) == .seconds(60))
        #expect(policy.delay(after: 5, retryAfter: .zero, jitter: 0) == .seconds(10))
        #expect(policy.delay(after: 1, retryAfter: .seconds(-5), jitter: 0) == .seconds(1))
        #expect(policy.delay(after: 1, retryAfter: .seconds(20), jitter: 0.5) > .seconds(20))
    }
}
