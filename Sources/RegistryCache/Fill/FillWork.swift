import NIOCore
import OCIDistribution
import RoostCore

/// One fill, from its first request to its commit.
struct FillWork: Sendable {
    /// The disk does not take what has come in.
    private struct StorageFault: Error {
        let cause: ContentStoreError
    }

    /// Where a fill stands that has a file.
    private struct Filling {
        let fill: Fill
        let writer: BlobWriter
        var progress: FillProgress
        var hash: RunningDigest
    }

    let table: FillTable
    let pending: FillTable.Pending

    private var store: ContentStore { table.store }
    private var digest: Digest { pending.digest }

    /// Fills the blob, and settles `pending`.
    func run() async {
        do throws(UpstreamError) {
            // What can't be looked up is done without.
            if let partial = try? await store.partial(digest), try await resume(size: partial.size) { return }
            try await start()
        } catch {
            pending.settle(.failed(error))
        }
    }

    // MARK: Beginnings

    /// Begins with the first byte.
    private func start() async throws(UpstreamError) {
        let body = try await open(range: nil)
        guard body.start == 0 else { throw .invalid("bytes from \(body.start) on were sent, and all were asked for") }
        let size: Int64
        if let total = body.totalSize ?? body.end {
            size = total
        } else {
            size = try await table.upstream.size(of: digest, in: pending.repository)
        }
        switch await begin(size: size) {
        case .stored: pending.settle(.stored)
        case nil: pending.settle(.passing(CheckedBody.of(body, digest: digest)))
        case .writing(let writer):
            let filling = Filling(
                fill: Fill(writer),
                writer: writer,
                progress: FillProgress(size: size, patience: table.patience),
                hash: RunningDigest(digest.algorithm)
            )
            _ = await carryOn(filling, with: body)
        }
    }

    /// Goes on with what an earlier fill has left.
    ///
    /// - Returns: False where that was of no use, and is gone.
    private func resume(size: Int64) async throws(UpstreamError) -> Bool {
        let writer: BlobWriter
        switch await begin(size: size) {
        case .stored:
            pending.settle(.stored)
            return true
        case nil: return false
        case .writing(let begun): writer = begun
        }
        let length = writer.resumableLength
        let algorithm = digest.algorithm
        let hashed = await store.transfers.run { () throws(Never) -> RunningDigest? in
            var hash = RunningDigest(algorithm)
            var buffer = [UInt8](repeating: 0, count: 1 << 18)
            guard let read = try? hash.update(from: writer.descriptor, 0..<length, through: &buffer) else { return nil }
            return read == length ? hash : nil
        }
        guard let hashed else {
            await store.abandon(writer, keeping: 0)
            return false
        }
        let filling = Filling(
            fill: Fill(writer),
            writer: writer,
            progress: FillProgress(size: size, written: length, patience: table.patience),
            hash: hashed
        )
        return await carryOn(filling, with: nil)
    }

    /// - Returns: `nil` where the store can't take it; it is handed through then.
    private func begin(size: Int64) async -> ContentStore.Beginning? { try? await store.begin(digest, size: size) }

    // MARK: Bytes

    /// Fills until the blob is whole, or it fails.
    ///
    /// - Returns: False where nobody has been told anything yet, and all can be begun anew.
    private func carryOn(_ begun: Filling, with first: UpstreamBody?) async -> Bool {
        var filling = begun
        var body = first
        while true {
            var error: UpstreamError?
            do {
                if !filling.progress.isWhole {
                    let current: UpstreamBody
                    if let body { current = body } else { current = try await reopen(filling.progress) }
                    body = nil
                    try filling.progress.begin(current.start, totalSize: current.totalSize)
                    // An empty blob has no last byte to be held back: it is shown once it is known to be right.
                    if filling.progress.size > 0 { show(filling) }
                    try await receive(current, &filling)
                }
            } catch let fault as StorageFault {
                let text = "the cache could not write the blob: \(fault.cause)"
                return await give(up: filling, .unavailable(text), keeping: 0)
            } catch let caught as UpstreamError {
                error = Task.isCancelled ? .cancelled : caught
            } catch let caught {
                error = Task.isCancelled ? .cancelled : .unavailable("\(caught)")
            }
            switch filling.progress.ended(error, jitter: .random(in: 0...1)) {
            case .check: return await finish(&filling)
            case .goOn(let pause):
                do {
                    try await table.pause(pause)
                } catch {
                    return await give(up: filling, .cancelled, keeping: filling.progress.written)
                }
            case .fail(let error, let length): return await give(up: filling, error, keeping: length)
            }
        }
    }

    private func reopen(_ progress: FillProgress) async throws(UpstreamError) -> UpstreamBody {
        let range = progress.written > 0 ? progress.written..<progress.size : nil
        return try await open(range: range)
    }

    /// Opens the upstream's body, which shows that the repository has the blob: those of it who join need no further proof.
    private func open(range: Range<Int64>?) async throws(UpstreamError) -> UpstreamBody {
        let body = try await table.upstream.open(digest, of: pending.repository, range: range)
        // What can't be recorded is asked for once more.
        try? await store.note(pending.repository, has: [digest])
        return body
    }

    private func show(_ filling: Filling) {
        filling.fill.grow(to: filling.progress.visible)
        pending.settle(.filling(filling.fill))
    }

    private func receive(_ body: UpstreamBody, _ filling: inout Filling) async throws {
        for try await chunk in body.chunks {
            var bytes = chunk
            let offset = filling.progress.written
            bytes.moveReaderIndex(forwardBy: try filling.progress.take(bytes.readableBytes))
            guard bytes.readableBytes > 0 else { continue }
            try await write(bytes, at: offset, to: filling.writer)
            bytes.withUnsafeReadableBytes { filling.hash.update($0) }
            filling.fill.grow(to: filling.progress.visible)
        }
        // A body that is left ends like one that is over.
        try Task.checkCancellation()
    }

    private func write(_ bytes: ByteBuffer, at offset: Int64, to writer: BlobWriter) async throws(StorageFault) {
        do throws(ContentStoreError) {
            do throws(ContentStoreError) {
                try await store.transfers.run { () throws(ContentStoreError) in try writer.write(bytes, at: offset) }
            } catch  where error.isLackOfRoom {
                // Somebody else has taken the room that was reserved: as much again is made, once.
                _ = try await store.collect(toFree: writer.size - offset, dryRun: false)
                try await store.transfers.run { () throws(ContentStoreError) in try writer.write(bytes, at: offset) }
            }
        } catch {
            throw StorageFault(cause: error)
        }
    }

    // MARK: Ends

    private func finish(_ filling: inout Filling) async -> Bool {
        guard filling.hash.matches(digest) else {
            return await give(up: filling, .digestMismatch(digest), keeping: 0)
        }
        filling.progress.checked()
        // Where it can't be kept, it is right all the same, and those who read it have it open.
        try? await store.commit(filling.writer)
        filling.fill.complete()
        pending.settle(.filling(filling.fill))
        return true
    }

    private func give(up filling: Filling, _ error: UpstreamError, keeping length: Int64) async -> Bool {
        await store.abandon(filling.writer, keeping: length)
        filling.fill.fail(error)
        if length == 0, filling.writer.resumableLength > 0, !pending.settled.isOpen { return false }
        pending.settle(.failed(error))
        return true
    }
}
