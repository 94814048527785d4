package import OCIDistribution

/// How images are pulled, whichever they are.
package struct PullOptions: Sendable {
    /// How many pulls the engine works on at once.
    package var maxConcurrent: Int
    /// For one attempt to pull one image.
    package var timeout: Duration
    /// No registry is asked for anything; what is missing is a failure.
    package var isOffline: Bool
    /// The platform that was asked for (`DOCKER_DEFAULT_PLATFORM`): an image of another one counts as missing. `nil`
    /// takes what the engine has, as `docker run` does.
    package var platform: Platform?
    package var retry: RetryPolicy
    /// For all questions to registries about one image. Short, so that a registry that Roost can't reach delays
    /// nothing much: the engine's own pull then decides.
    package var lookupDeadline: Duration

    package init(
        maxConcurrent: Int = 4,
        timeout: Duration = .seconds(30 * 60),
        isOffline: Bool = false,
        platform: Platform? = nil,
        retry: RetryPolicy = RetryPolicy(),
        lookupDeadline: Duration = .seconds(10)
    ) {
        self.maxConcurrent = max(1, maxConcurrent)
        self.timeout = timeout
        self.isOffline = isOffline
        self.platform = platform
        self.retry = retry
        self.lookupDeadline = lookupDeadline
    }
}

/// How often, and how long after a transient failure, a pull is tried again.
package struct RetryPolicy: Sendable, Hashable {
    /// The number of attempts in all, the first included.
    package var attempts: Int
    /// The delay after the first attempt; it doubles with each further one.
    package var initialDelay: Duration
    package var longestDelay: Duration
    /// The most of a registry's `Retry-After` that is waited for.
    package var longestRetryAfter: Duration

    package init(
        attempts: Int = 4,
        initialDelay: Duration = .seconds(1),
        longestDelay: Duration = .seconds(10),
        longestRetryAfter: Duration = .seconds(60)
    ) {
        self.attempts = max(1, attempts)
        self.initialDelay = initialDelay
        self.longestDelay = longestDelay
        self.longestRetryAfter = longestRetryAfter
    }

    /// How long to wait before the next attempt.
    ///
    /// - Parameters:
    ///   - attempt: The attempt that failed, from 1 on.
    ///   - retryAfter: What the registry asks for; never waited less, up to the cap.
    ///   - jitter: In `0..<1`. A quarter of the delay is up to chance, so that pulls that failed together don't come
    ///     back together.
    /// - Returns: The delay, never longer than five quarters of the longest allowed.
    package func delay(after attempt: Int, retryAfter: Duration?, jitter: Double) -> Duration {
        // Ten doublings are beyond every sensible cap, and can't overflow.
        let doubled = initialDelay * (1 << (min(max(1, attempt), 11) - 1))
        let base = min(doubled, longestDelay)
        let chance = min(max(0, jitter), 1) / 4
        guard let retryAfter else { return base * (0.75 + chance) }
        return max(min(retryAfter, longestRetryAfter), base) * (1 + chance)
    }
}
