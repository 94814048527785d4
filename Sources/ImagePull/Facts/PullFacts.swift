package import OCIDistribution

/// What a plan is computed from.
package struct PullFacts: Sendable {
    /// What the engine has under a wanted image's ``WantedImage/target``.
    package var present: [ImageReference: EngineImage]
    /// What the engine has of this content under whatever name, of the platform that a pull would bring.
    package var sameContent: [Digest: EngineImage]
    /// What registries said of a target.
    package var answers: [ImageReference: RegistryAnswer]
    /// The platform that was asked for.
    package var platform: Platform?
    package var isOffline: Bool

    package init(
        present: [ImageReference: EngineImage] = [:],
        sameContent: [Digest: EngineImage] = [:],
        answers: [ImageReference: RegistryAnswer] = [:],
        platform: Platform? = nil,
        isOffline: Bool = false
    ) {
        self.present = present
        self.sameContent = sameContent
        self.answers = answers
        self.platform = platform
        self.isOffline = isOffline
    }
}

/// An image on the engine.
package struct EngineImage: Sendable, Hashable {
    package let id: String
    /// The registry digests that the engine knows the image by, each with the name that it was pulled under.
    package let repoDigests: [RepoDigest]
    package let platform: Platform

    package struct RepoDigest: Sendable, Hashable {
        package let name: String
        package let digest: Digest

        package init(name: String, digest: Digest) {
            self.name = name
            self.digest = digest
        }

        /// Reads `name@sha256:…`.
        package init?(parsing text: String) {
            guard let at = text.lastIndex(of: "@"),
                let digest = try? Digest(parsing: String(text[text.index(after: at)...]))
            else { return nil }
            self.init(name: String(text[..<at]), digest: digest)
        }
    }

    package init(id: String, repoDigests: [RepoDigest], platform: Platform) {
        self.id = id
        self.repoDigests = repoDigests
        self.platform = platform
    }

    /// Whether the image is this content. Names don't matter: a digest is the same content wherever it comes from.
    package func has(_ digest: Digest) -> Bool { repoDigests.contains { $0.digest == digest } }

    /// The digest under which a registry knows the image by the reference's name.
    package func digest(for reference: ImageReference) -> Digest? {
        reference.digest ?? repoDigests.first { $0.name == reference.name }?.digest
    }

    /// Whether the image runs where `wanted` was asked for. A variant counts where both sides name one.
    package func isFor(_ wanted: Platform) -> Bool {
        guard platform.os == wanted.os, platform.architecture == wanted.architecture else { return false }
        guard let mine = platform.variant, let other = wanted.variant else { return true }
        return mine == other
    }
}

/// What the registries that the engine would pull an image from say of it.
package enum RegistryAnswer: Sendable, Hashable {
    /// It is there. The digest is `nil` where the registry names none.
    case found(Digest?, source: String)
    /// It can't be had, and asking again won't change that.
    case refused(PullFailure)
    /// Nothing definite: Roost can't reach the registry, or the registry can't answer now. The engine may fare better.
    case unknown(reason: String, kind: PullFailure.Kind, retryAfter: Duration?)

    package var digest: Digest? {
        if case .found(let digest, _) = self { digest } else { nil }
    }

    /// The host of the endpoint that has the image.
    package var source: String? {
        if case .found(_, let source) = self { source } else { nil }
    }
}
