/// How long to wait before asking again an upstream that failed for a moment.
package struct Backoff: Hashable, Sendable {
    /// How often it is asked in all.
    package var attempts: Int
    /// The longest wait before the second attempt; before each further one twice that.
    package var base: Duration
    /// Waits are never longer.
    package var longest: Duration

    package init(attempts: Int = 3, base: Duration = .milliseconds(250), longest: Duration = .seconds(5)) {
        self.attempts = max(1, attempts)
        self.base = base
        self.longest = longest
    }

    /// The wait after a failed attempt.
    ///
    /// - Parameters:
    ///   - attempt: Which attempt failed, counted from 1.
    ///   - retryAfter: How long the upstream asks to be left alone.
    ///   - remaining: The time that is left in all.
    ///   - jitter: From 0 to 1, at random, so that many clients don't come back at once.
    /// - Returns: `nil` where there is no time or no attempt left, so that the failure is final.
    package func wait(after attempt: Int, retryAfter: Duration?, remaining: Duration, jitter: Double) -> Duration? {
        guard attempt < attempts else { return nil }
        let most = min(base * (1 << min(max(attempt, 1) - 1, 20)), longest)
        // At least half of it: a wait of nothing helps nobody.
        var wait = most * (0.5 + min(max(jitter, 0), 1) / 2)
        if let retryAfter {
            guard retryAfter <= longest else { return nil }
            wait = max(wait, retryAfter)
        }
        return wait < remaining ? wait : nil
    }
}
