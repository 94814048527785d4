import Crypto
package import NIOCore
import NIOHTTP1
import Synchronization

/// A registry that serves the pull half of the OCI distribution specification from memory.
///
/// Images are added in code, by ``TestImage/add(to:repository:tag:)``; clients can't push.
package final class InMemoryRegistry: Sendable {
    struct StoredManifest: Sendable {
        let bytes: ByteBuffer
        let mediaType: String
        let digest: String
    }

    struct Repository: Sendable {
        var manifests: [String: StoredManifest] = [:]
        var tags: [String: String] = [:]
        var blobs: Set<String> = []
    }

    struct Content: Sendable {
        var repositories: [String: Repository] = [:]
        var blobs: [String: ByteBuffer] = [:]
    }

    /// What was asked of this registry, its token realm included.
    package let log = RequestLog()
    let authentication: RegistryAuthentication
    let tokens = TokenBook()
    private let content = Mutex(Content())
    private let address = Mutex<HTTPTestServer?>(nil)

    private init(authentication: RegistryAuthentication) {
        self.authentication = authentication
    }

    /// Serves while `body` runs.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - authentication: What clients have to show.
    ///   - tls: The certificate to serve with; plain HTTP where it is nil.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: What to do with the running registry.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or the failure to listen.
    package static func with<Result>(
        on address: HTTPTestServer.Address = .loopback,
        authentication: RegistryAuthentication = .none,
        tls: HTTPTestServer.TLS? = nil,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (InMemoryRegistry) async throws -> Result
    ) async throws -> Result {
        let registry = InMemoryRegistry(authentication: authentication)
        let handler = RegistryHandler(registry: registry, scheme: tls == nil ? "http" : "https")
        return try await HTTPTestServer.with(on: address, tls: tls, { try await handler.handle($0, $1) }) { server in
            registry.address.withLock { $0 = server }
            return try await body(registry)
        }
    }

    /// `127.0.0.1:port`, as it stands in an image reference.
    package var hostAndPort: String { address.withLock { $0 }?.hostAndPort ?? "" }
    package var port: Int { address.withLock { $0 }?.port ?? 0 }
    /// The base URL without a trailing slash.
    package var url: String { address.withLock { $0 }?.url ?? "" }

    /// Makes every token that was given out so far worthless, as if it had expired.
    package func revokeTokens() { tokens.revokeAll() }

    // MARK: Content

    /// Stores a blob in a repository.
    ///
    /// - Returns: Its digest.
    @discardableResult
    package func addBlob(_ bytes: ByteBuffer, to repository: String) -> String {
        let digest = TestDigest.sha256(bytes)
        content.withLock { content in
            content.blobs[digest] = bytes
            content.repositories[repository, default: Repository()].blobs.insert(digest)
        }
        return digest
    }

    /// Stores a manifest or an index, and moves a tag to it.
    ///
    /// - Returns: Its digest.
    @discardableResult
    package func addManifest(
        _ bytes: ByteBuffer,
        mediaType: String,
        to repository: String,
        tag: String? = nil
    ) -> String {
        let digest = TestDigest.sha256(bytes)
        let manifest = StoredManifest(bytes: bytes, mediaType: mediaType, digest: digest)
        content.withLock { content in
            content.repositories[repository, default: Repository()].manifests[digest] = manifest
            if let tag { content.repositories[repository]?.tags[tag] = digest }
        }
        return digest
    }

    /// Takes a tag away; the manifest stays.
    package func removeTag(_ tag: String, from repository: String) {
        content.withLock { _ = $0.repositories[repository]?.tags.removeValue(forKey: tag) }
    }

    /// Replaces a blob's bytes without changing its name, as a broken disk would.
    package func corruptBlob(_ digest: String, with bytes: ByteBuffer) {
        content.withLock { $0.blobs[digest] = bytes }
    }

    func manifest(_ reference: String, in repository: String) -> StoredManifest? {
        content.withLock { content in
            guard let repository = content.repositories[repository] else { return nil }
            return repository.manifests[repository.tags[reference] ?? reference]
        }
    }

    func blob(_ digest: String, in repository: String) -> ByteBuffer? {
        content.withLock { content in
            guard content.repositories[repository]?.blobs.contains(digest) == true else { return nil }
            return content.blobs[digest]
        }
    }

    func tags(of repository: String) -> [String]? {
        content.withLock { $0.repositories[repository]?.tags.keys.sorted() }
    }
}

/// Digests as the registry's fixtures name them, made apart from the code under test.
package enum TestDigest {
    /// `sha256:` and the hash in lowercase hexadecimal.
    package static func sha256(_ bytes: ByteBuffer) -> String {
        var hash = SHA256()
        bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        let digits = Array("0123456789abcdef")
        let hex = hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "sha256:" + String(hex)
    }
}
