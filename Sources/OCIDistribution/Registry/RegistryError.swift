/// A registry did not give what was asked for.
package struct RegistryError: Error, Sendable {
    package enum Failure: Error, Sendable {
        /// 404: no such repository, tag or digest.
        case notFound
        /// 400 with a code that says that the name is no name.
        case invalidName
        /// 401, also with what credentials there were.
        case unauthorized(CredentialUse)
        /// 403.
        case forbidden
        /// 429. A registry or a proxy may say so for a moment only; it is never a final answer.
        case rateLimited(retryAfter: Duration?)
        /// A status from 500 on.
        case server(status: Int, retryAfter: Duration?)
        /// A status that the protocol gives no meaning.
        case unexpected(status: Int)
        /// No connection, no TLS, or a connection that broke.
        case unreachable(cause: any Error)
        case timedOut(after: Duration)
        /// The calling task was cancelled.
        case cancelled
        /// The content is larger than the given number of bytes.
        case tooLarge(limit: Int)
        /// The content isn't what its digest says.
        case digestMismatch(expected: Digest, actual: Digest)
        case invalidManifest(ManifestError)
        /// An index without an image for the platform.
        case noSuchPlatform(Platform)
        /// An answer that breaks the protocol; the text says how and holds nothing from outside that isn't quoted.
        case invalidResponse(String)
        /// The credentials could not be read.
        case credentials(cause: CredentialError)
    }

    /// What became of the user's credentials before a registry refused.
    package enum CredentialUse: Hashable, Sendable {
        /// There are none for this registry.
        case absent
        /// They were sent and refused.
        case refused
        /// They were not sent to this token service, which is on another site than the registry.
        case withheld(from: String)
        /// They were not sent, since the connection isn't encrypted.
        case withheldOverPlainHTTP
    }

    package let failure: Failure
    package let endpoint: RegistryEndpoint
    package let reference: ImageReference

    package init(_ failure: Failure, endpoint: RegistryEndpoint, reference: ImageReference) {
        self.failure = failure
        self.endpoint = endpoint
        self.reference = reference
    }

    /// Whether asking again, or letting the engine ask, can't change the answer.
    ///
    /// A mirror's answer never is, since the engine goes on to the next mirror and to the registry itself; nor is a
    /// refusal where credentials were withheld that the engine would send. Credentials that can't be read are: the registry
    /// asks for them, and the engine has none but those it is given.
    package var isDefinite: Bool {
        guard !endpoint.isMirror else { return false }
        switch failure {
        case .notFound, .invalidName, .forbidden, .unauthorized(.absent), .unauthorized(.refused), .noSuchPlatform,
            .credentials:
            return true
        case .unauthorized, .rateLimited, .server, .unexpected, .unreachable, .timedOut, .cancelled, .tooLarge,
            .digestMismatch, .invalidManifest, .invalidResponse:
            return false
        }
    }

    /// How long the registry asks to be left alone, where it says.
    package var retryAfter: Duration? {
        switch failure {
        case .rateLimited(let time), .server(_, let time): time
        default: nil
        }
    }
}
