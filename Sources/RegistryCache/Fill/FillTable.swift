package import OCIDistribution
import RoostCore
import Synchronization

/// Fills blobs that the store does not have, each once however many ask for it. Fills belong to ``run()``, not to those who
/// ask: they go on when nobody reads.
package final class FillTable: Sendable {
    /// A fill from the moment that it is asked for.
    final class Pending: Sendable {
        enum Outcome: Sendable {
            case stored
            case filling(Fill)
            /// It is not kept. Whoever comes first takes the body; others open their own.
            case passing(UpstreamBody?)
            case failed(UpstreamError)
        }

        let digest: Digest
        let repository: CachedRepository
        /// Opens once it is known what becomes of it.
        let settled = Latch()
        private let outcome = Mutex<Outcome?>(nil)

        init(_ digest: Digest, of repository: CachedRepository) {
            self.digest = digest
            self.repository = repository
        }

        /// Tells those who wait; the second time it does nothing.
        func settle(_ outcome: Outcome) {
            self.outcome.withLock { known in if known == nil { known = outcome } }
            settled.open()
        }

        /// - Returns: What has become of it, a body only the first time; `nil` where nothing has yet.
        func takeOutcome() -> Outcome? {
            outcome.withLock { outcome in
                guard case .passing = outcome else { return outcome }
                defer { outcome = .passing(nil) }
                return outcome
            }
        }
    }

    private struct State {
        var pending: [Digest: Pending] = [:]
        var isClosed = false
    }

    /// How long fills took.
    package let times = FillTimes()
    let store: ContentStore
    let upstream: any UpstreamSource
    let patience: FillPatience
    let pause: @Sendable (Duration) async throws -> Void
    private let state = Mutex(State())
    private let queue: AsyncStream<Pending>
    private let enqueue: AsyncStream<Pending>.Continuation

    /// - Parameters:
    ///   - store: Where blobs go.
    ///   - upstream: Where they come from.
    ///   - patience: How often a fill that was cut is gone on with.
    ///   - pause: Waits for a time; tests have one that does not.
    package init(
        store: ContentStore,
        upstream: any UpstreamSource,
        patience: FillPatience = FillPatience(),
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await ContinuousClock().sleep(for: $0) }
    ) {
        self.store = store
        self.upstream = upstream
        self.patience = patience
        self.pause = pause
        (queue, enqueue) = AsyncStream.makeStream()
    }

    /// Does the fills until its task is cancelled. Those that are under way end then, and what they have is kept to be gone
    /// on with. To be called once; before it is, whoever asks for a fill waits.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await pending in queue {
                group.addTask {
                    let start = ContinuousClock.now
                    await FillWork(table: self, pending: pending).run()
                    self.times.note(ContinuousClock.now - start)
                    self.remove(pending)
                }
            }
            group.cancelAll()
        }
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.pending = [:] }
            return Array(state.pending.values)
        }
        for pending in left { pending.settle(.failed(.cancelled)) }
    }

    /// A blob: stored, being filled, or handed through where there is no room for it.
    ///
    /// Whether the repository may have it has been found out before.
    ///
    /// - Parameters:
    ///   - digest: Which.
    ///   - repository: Whose.
    /// - Returns: The blob, and how it was come by.
    /// - Throws: ``UpstreamError``.
    package func blob(
        _ digest: Digest,
        of repository: CachedRepository
    ) async throws(UpstreamError) -> (blob: ServedBlob, result: CacheResult) {
        // Twice may it go wrong: a blob may be evicted as soon as it is stored, and another repository's fill may fail
        // for reasons that this one does not share.
        for _ in 0..<3 {
            if let stored = store.open(digest) { return (.stored(stored), .hit) }
            let (pending, isOwn) = try join(digest, of: repository)
            guard await pending.settled.wait() else { throw .cancelled }
            switch pending.takeOutcome() {
            case .stored, nil: continue
            case .filling(let fill): return (.filling(fill), isOwn ? .miss : .joined)
            case .passing(let body?): return (.passing(body), .uncached)
            case .passing(nil):
                let body = try await upstream.open(digest, of: repository, range: nil)
                return (.passing(CheckedBody.of(body, digest: digest)), .uncached)
            case .failed(let error):
                if isOwn || pending.repository == repository { throw error }
            }
        }
        throw .unavailable("the cache's disk is too busy to keep \(digest)")
    }

    /// Which blobs are being filled, or are about to be.
    package var digests: Set<Digest> { state.withLock { Set($0.pending.keys) } }

    private func join(
        _ digest: Digest,
        of repository: CachedRepository
    ) throws(UpstreamError) -> (pending: Pending, isOwn: Bool) {
        let joined = state.withLock { state -> (Pending, Bool)? in
            if state.isClosed { return nil }
            if let pending = state.pending[digest] { return (pending, false) }
            let pending = Pending(digest, of: repository)
            state.pending[digest] = pending
            return (pending, true)
        }
        guard let (pending, isOwn) = joined else { throw .cancelled }
        if isOwn { enqueue.yield(pending) }
        return (pending, isOwn)
    }

    private func remove(_ pending: Pending) {
        state.withLock { state in
            if state.pending[pending.digest] === pending { state.pending[pending.digest] = nil }
        }
        // Whatever way the work has come to its end, nobody waits for it any more.
        pending.settle(.failed(.cancelled))
    }
}
