import AsyncHTTPClient
package import NIOCore
import NIOHTTP1

/// The body of an answer, taken piece by piece. To let go of it ends the request.
package actor RegistryBody {
    private var chunks: HTTPClientResponse.Body.AsyncIterator?

    init(_ body: HTTPClientResponse.Body) {
        chunks = body.makeAsyncIterator()
    }

    /// The next piece. The caller has to wait for one call before it makes another.
    ///
    /// - Returns: `nil` at the end, also where the connection was closed early.
    /// - Throws: `unreachable` where the connection broke otherwise, or `cancelled`; after that there is no more.
    package func next() async throws(RegistryError.Failure) -> ByteBuffer? {
        do {
            return try await take()
        } catch let error as HTTPClientError where error == .remoteConnectionClosed {
            return nil
        } catch HTTPParserError.invalidEOFState {
            return nil
        } catch {
            throw RegistryTransport.failure(from: error)
        }
    }

    private func take() async throws -> ByteBuffer? {
        guard var iterator = chunks.take() else { return nil }
        let chunk = try await iterator.next(isolation: self)
        // A cancelled body ends like a finished one; nobody is to take it for the whole.
        try Task.checkCancellation()
        guard let chunk else { return nil }
        chunks = iterator
        return chunk
    }

    /// Reads all of it; a connection that is closed early is an error.
    ///
    /// - Parameters:
    ///   - limit: The most bytes.
    ///   - cuts: Whether what goes beyond is left unread, rather than an error.
    /// - Returns: The bytes.
    /// - Throws: `tooLarge`, `unreachable` or `cancelled`.
    func collect(upTo limit: Int, cuts: Bool) async throws(RegistryError.Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk: ByteBuffer?
            do {
                chunk = try await take()
            } catch {
                throw RegistryTransport.failure(from: error)
            }
            guard let chunk else { return bytes }
            guard bytes.count + chunk.readableBytes <= limit else {
                if cuts { return bytes }
                throw .tooLarge(limit: limit)
            }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
    }
}
