package import NIOCore
package import OCIDistribution

/// Where content comes from that the cache does not have: ``UpstreamClient``, or a stand-in that tests control.
package protocol UpstreamSource: Sendable {
    /// Asks by HEAD, which no upstream counts against its rate limit.
    ///
    /// - Parameters:
    ///   - name: The tag or digest.
    ///   - repository: Whose.
    ///   - deadline: For all of it.
    /// - Returns: What is there now.
    /// - Throws: ``UpstreamError``.
    func head(_ name: ManifestName, of repository: CachedRepository, deadline: Duration) async throws(UpstreamError)
        -> ManifestHead

    /// Fetches a manifest; its bytes have been checked against its digest, and are at most ``Manifest/largestSize``.
    ///
    /// - Parameters:
    ///   - name: The tag or digest.
    ///   - repository: Whose.
    ///   - deadline: For all of it.
    /// - Returns: The manifest.
    /// - Throws: ``UpstreamError``.
    func manifest(_ name: ManifestName, of repository: CachedRepository, deadline: Duration) async throws(UpstreamError)
        -> ManifestDocument

    /// The size of a blob in bytes, by one HEAD; also how it is found out whether a repository may have it.
    ///
    /// - Parameters:
    ///   - blob: Which.
    ///   - repository: Whose.
    /// - Returns: Bytes.
    /// - Throws: ``UpstreamError``; `notFound` where the repository does not have it.
    func size(of blob: Digest, in repository: CachedRepository) async throws(UpstreamError) -> Int64

    /// Opens a blob's body. The bytes have not been checked.
    ///
    /// - Parameters:
    ///   - blob: Which.
    ///   - repository: Whose.
    ///   - range: The bytes wanted; `nil` for all. An upstream that knows no ranges sends more, as the body says.
    /// - Returns: The body, from the moment it begins.
    /// - Throws: ``UpstreamError``.
    func open(_ blob: Digest, of repository: CachedRepository, range: Range<Int64>?) async throws(UpstreamError)
        -> UpstreamBody
}

/// The body of a blob as it comes in.
package struct UpstreamBody: Sendable {
    /// The size of the whole blob in bytes, where the upstream says.
    package let totalSize: Int64?
    /// Which bytes come; its end is `nil` where the upstream does not say.
    package let start: Int64
    package let end: Int64?
    /// Fails with ``UpstreamError``; ends early, without an error, where the connection was closed early. To leave it ends the request.
    package let chunks: AsyncThrowingStream<ByteBuffer, any Error>

    package init(totalSize: Int64?, start: Int64, end: Int64?, chunks: AsyncThrowingStream<ByteBuffer, any Error>) {
        self.totalSize = totalSize
        self.start = start
        self.end = end
        self.chunks = chunks
    }
}
