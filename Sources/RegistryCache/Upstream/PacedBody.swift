import NIOCore
import OCIDistribution
import Synchronization

/// Takes a blob's bytes as they come, and gives up on an upstream that hardly sends any.
final class PacedBody: Sendable {
    private enum Event: Sendable {
        case chunk(ByteBuffer?)
        case failed(RegistryError.Failure)
        case timer
        case cancelled
    }

    private let body: RegistryBody
    private let rate: Mutex<LeastRate>
    private let time: RegistryTime
    private let ledger: UpstreamLedger
    private let reference: ImageReference

    init(
        _ body: RegistryBody,
        leastRate: LeastRate,
        time: RegistryTime,
        ledger: UpstreamLedger,
        reference: ImageReference
    ) {
        self.body = body
        self.rate = Mutex(leastRate)
        self.time = time
        self.ledger = ledger
        self.reference = reference
    }

    /// The next bytes.
    ///
    /// - Returns: `nil` at the end.
    /// - Throws: ``UpstreamError``; there is no more after it.
    func next() async throws(UpstreamError) -> ByteBuffer? {
        let result = await take()
        switch result {
        case .success(let chunk):
            if let chunk { ledger.note(bytes: chunk.readableBytes) }
            return chunk
        case .failure(let error):
            ledger.report(error, of: .pass, kind: .blob)
            throw error
        }
    }

    private func take() async -> Result<ByteBuffer?, UpstreamError> {
        await withTaskGroup(of: Event.self) { group in
            group.addTask { [body] in
                do throws(RegistryError.Failure) {
                    return .chunk(try await body.next())
                } catch {
                    return .failed(error)
                }
            }
            defer { group.cancelAll() }
            var since = time.now()
            addTimer(to: &group)
            for await event in group {
                let now = time.now()
                switch event {
                case .chunk(nil): return .success(nil)
                case .chunk(let chunk?):
                    let isTooSlow = rate.withLock { $0.note(waited: now - since, bytes: chunk.readableBytes) }
                    return isTooSlow ? .failure(.tooSlow) : .success(chunk)
                case .failed(let failure):
                    return .failure(failureOfBody(failure))
                case .timer:
                    if rate.withLock({ $0.note(waited: now - since, bytes: 0) }) { return .failure(.tooSlow) }
                    since = now
                    addTimer(to: &group)
                // The one that waits for bytes says so too.
                case .cancelled: break
                }
            }
            return .failure(.cancelled)
        }
    }

    private func addTimer(to group: inout TaskGroup<Event>) {
        let patience = rate.withLock { $0.patience }
        group.addTask { [time] in
            do {
                try await time.sleep(patience)
                return .timer
            } catch {
                return .cancelled
            }
        }
    }

    private func failureOfBody(_ failure: RegistryError.Failure) -> UpstreamError {
        UpstreamError(RegistryError(failure, endpoint: ledger.configuration.endpoint, reference: reference))
    }
}
