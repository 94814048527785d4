import RoostCore
import Synchronization

/// What dead owners have left on an engine, and its removal ahead of their tickets: memory that a container of theirs still
/// uses is not free.
final class Estates: Sendable {
    /// Removes what these owners left on the engine.
    ///
    /// - Returns: Those of whom no container is left.
    typealias Removal = @Sendable (Set<OwnerIdentity>) async throws -> Set<OwnerIdentity>

    private let removal: Removal
    /// How long to leave an engine alone on which something could not be removed.
    private let pause: Duration
    private let quietUntil = Mutex<ContinuousClock.Instant?>(nil)

    init(pause: Duration, removal: @escaping Removal) {
        self.pause = pause
        self.removal = removal
    }

    /// - Returns: The owners of whom nothing is left; those of others may be cleared at a later try.
    /// - Throws: `CancellationError`.
    func clear(_ owners: Set<OwnerIdentity>) async throws -> Set<OwnerIdentity> {
        if let instant = quietUntil.withLock({ $0 }), instant > .now { return [] }
        var cleared: Set<OwnerIdentity> = []
        do {
            cleared = try await removal(owners)
        } catch let error as CancellationError {
            throw error
        } catch {
            // The engine does not answer. What it runs keeps its memory.
        }
        if !owners.isSubset(of: cleared) { quietUntil.withLock { $0 = .now + pause } }
        return cleared
    }
}
