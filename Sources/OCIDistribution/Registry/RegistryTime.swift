/// The time that deadlines are counted in, and how to wait for it; tests bring their own.
package struct RegistryTime: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package let now: @Sendable () -> Instant
    /// Waits; throws `CancellationError` with its task.
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Instant,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// The machine's clock, which goes on while it is suspended.
    package static let system = RegistryTime(
        now: { .now },
        sleep: { try await ContinuousClock().sleep(for: $0) }
    )
}
