package import OCIDistribution

/// A repository of one upstream: what authorisation, tags and manifests belong to.
package struct CachedRepository: Hashable, Sendable, CustomStringConvertible {
    /// The upstream's name as references give it, such as `docker.io`; a key into the configured upstreams, never a host to dial.
    package let upstream: String
    /// The path within it, such as `library/debian`; checked against the grammar of references.
    package let path: String

    /// `nil` where the two make no reference.
    ///
    /// - Parameters:
    ///   - upstream: A configured upstream's name.
    ///   - path: The path.
    package init?(upstream: String, path: String) {
        guard let reference = try? ImageReference(parsing: "\(upstream)/\(path)"), reference.registry == upstream,
            // A path with a tag or a digest is another one without.
            reference.repository == path
        else { return nil }
        self.upstream = upstream
        self.path = path
    }

    package var description: String { "\(upstream)/\(path)" }
}

/// What a manifest is asked for by.
package enum ManifestName: Hashable, Sendable, CustomStringConvertible {
    case tag(String)
    case digest(Digest)

    package var description: String {
        switch self {
        case .tag(let tag): tag
        case .digest(let digest): digest.description
        }
    }
}
