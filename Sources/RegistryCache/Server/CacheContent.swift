package import NIOCore
package import OCIDistribution

/// What a client of the cache's port asks for, parsed.
package enum CacheRequest: Hashable, Sendable {
    case manifest(CachedRepository, ManifestName)
    case blob(CachedRepository, Digest)
    /// Only whether it is there, and how large.
    case blobHead(CachedRepository, Digest)
}

/// What the cache answers.
package enum CacheAnswer: Sendable {
    case manifest(ServedManifest, CacheResult)
    case blob(ServedBlob, CacheResult)
    /// To ``CacheRequest/blobHead(_:_:)``: the size in bytes.
    case blobHead(Int64, CacheResult)
    case refusal(CacheRefusal)
}

/// How an answer was come by; what the access log and the metrics tell.
package enum CacheResult: String, Hashable, Sendable, CaseIterable {
    case hit, miss
    /// Somebody else's fill is read as it grows.
    case joined
    /// The upstream could not be asked; what is cached may be old.
    case stale
    /// It was asked, and has nothing newer.
    case revalidated
    /// Handed through, not kept.
    case uncached
}

package struct ServedManifest: Sendable {
    /// The exact bytes.
    package let bytes: ByteBuffer
    package let mediaType: MediaType
    package let digest: Digest
    /// Why it is stale, where it is; for a header and the log.
    package let staleness: String?

    package init(bytes: ByteBuffer, mediaType: MediaType, digest: Digest, staleness: String? = nil) {
        self.bytes = bytes
        self.mediaType = mediaType
        self.digest = digest
        self.staleness = staleness
    }
}

/// A blob to be sent.
package enum ServedBlob: Sendable {
    /// A whole blob on disk.
    case stored(OpenBlob)
    /// A blob that is being filled.
    case filling(any GrowingBlob)
    /// A body that is not kept; it ends with an error, before its last bytes, where its digest is wrong.
    case passing(UpstreamBody)
}

/// An open file with a blob's bytes, closed with this value. What is evicted meanwhile stays readable.
package final class OpenBlob: Sendable {
    package let size: Int64
    /// For reading from any thread by offset, never by position.
    package let descriptor: CInt
    private let close: @Sendable (CInt) -> Void

    /// - Parameters:
    ///   - descriptor: Owned by this value from now on.
    ///   - size: In bytes.
    ///   - close: Closes the descriptor, and tells whoever wants to know that nobody reads it any more.
    package init(descriptor: CInt, size: Int64, close: @escaping @Sendable (CInt) -> Void) {
        self.descriptor = descriptor
        self.size = size
        self.close = close
    }

    deinit { close(descriptor) }
}

/// A blob whose file grows while it is read.
package protocol GrowingBlob: Sendable {
    /// The whole blob's size in bytes.
    var size: Int64 { get }
    /// The file, to be read by offset below what ``available(beyond:)`` has returned.
    var descriptor: CInt { get }

    /// Waits until there are more bytes than `offset`. The last bytes only come once the digest has been found right.
    ///
    /// - Returns: Up to where it can be read; more than `offset`.
    /// - Throws: ``UpstreamError`` where the fill has failed, or `CancellationError`.
    func available(beyond offset: Int64) async throws -> Int64
}

/// A refusal, as a status and an error document of the distribution specification.
package enum CacheRefusal: Hashable, Sendable {
    case unknownManifest
    case unknownBlob
    case unknownRepository
    case forbidden
    /// 429 with `Retry-After`.
    case rateLimited(retryAfter: Duration?)
    /// 502, 503 or 504; the text is for the client's log.
    case unavailable(String)
    case timedOut(String)
}

/// What stands behind the server.
package protocol CacheContent: Sendable {
    /// The answer, where it can be given at once on an event loop: with nothing to wait for but opening a file.
    func answerAtOnce(_ request: CacheRequest) -> CacheAnswer?

    /// The answer.
    func answer(_ request: CacheRequest) async -> CacheAnswer
}
