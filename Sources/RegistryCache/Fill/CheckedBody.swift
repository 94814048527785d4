import NIOCore
import OCIDistribution

/// A body that is handed through without being kept, and checked on its way: of a body whose digest or length is wrong,
/// the last bytes never come.
actor CheckedBody {
    private var chunks: AsyncThrowingStream<ByteBuffer, any Error>.Iterator
    private let digest: Digest
    private var hash: RunningDigest
    private let size: Int64?
    private var count: Int64 = 0
    private var heldBack: ByteBuffer?
    private var hasEnded = false

    private init(_ body: UpstreamBody, digest: Digest) {
        chunks = body.chunks.makeAsyncIterator()
        size = body.totalSize
        self.digest = digest
        hash = RunningDigest(digest.algorithm)
    }

    /// - Parameters:
    ///   - body: From the first byte on.
    ///   - digest: What it should have.
    /// - Returns: The same body, which fails with ``UpstreamError`` before its last bytes where it is another.
    static func of(_ body: UpstreamBody, digest: Digest) -> UpstreamBody {
        let checked = CheckedBody(body, digest: digest)
        return UpstreamBody(
            totalSize: body.totalSize,
            start: body.start,
            end: body.end,
            chunks: AsyncThrowingStream(unfolding: { try await checked.next() })
        )
    }

    private func next() async throws -> ByteBuffer? {
        while !hasEnded {
            var iterator = chunks
            let chunk = try await iterator.next(isolation: self)
            chunks = iterator
            guard let chunk else {
                hasEnded = true
                if let size, count < size {
                    throw UpstreamError.unavailable("the blob was cut at \(count) of \(size) bytes")
                }
                guard hash.matches(digest) else { throw UpstreamError.digestMismatch(digest) }
                return heldBack.take()
            }
            guard chunk.readableBytes > 0 else { continue }
            count += Int64(chunk.readableBytes)
            if let size, count > size {
                hasEnded = true
                throw UpstreamError.invalid("more than the \(size) bytes were sent that were said")
            }
            chunk.withUnsafeReadableBytes { hash.update($0) }
            let ready = heldBack
            heldBack = chunk
            if let ready { return ready }
        }
        return nil
    }
}
