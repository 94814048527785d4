/// The name of an image in full, read and normalised as Docker does (`distribution/reference`).
///
/// `alpine` is `docker.io/library/alpine:latest`. The first part of a name is a registry when it holds a dot or a
/// colon or is `localhost`. A tag and a digest may stand together; both are kept.
package struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// The registry's host, with its port where one was given: `docker.io`, `127.0.0.1:5000`, `[::1]:5000`.
    package let registry: String
    /// The repository within the registry: `library/alpine`.
    package let repository: String
    /// The tag; `latest` where the text gave neither tag nor digest, `nil` where it gave a digest alone.
    package let tag: String?
    package let digest: Digest?

    /// Reads a reference as people write it: `alpine`, `alpine:3.20`, `ghcr.io/org/tool@sha256:…`.
    ///
    /// - Throws: ``ImageReferenceError``, which quotes the text safely and says what a reference looks like.
    package init(parsing text: String) throws(ImageReferenceError) {
        do {
            self = try Self.parse(text)
        } catch {
            throw ImageReferenceError(text: QuotedText(text), problem: error)
        }
    }

    init(registry: String, repository: String, tag: String?, digest: Digest?) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// The reference in full: `docker.io/library/alpine:3.20`.
    package var description: String { "\(registry)/\(repository)\(suffix)" }

    /// The reference as people write it: `alpine:3.20`.
    package var familiar: String { name + suffix }

    /// Registry and repository as the engine takes and lists them: `alpine`, `127.0.0.1:5000/x`.
    package var name: String {
        guard registry == Self.dockerHub else { return "\(registry)/\(repository)" }
        let parts = repository.split(separator: "/")
        if parts.count == 2, parts[0] == "library" { return String(parts[1]) }
        // A Hub repository whose first part looks like a host would be read back as that host's.
        if let first = parts.first, Self.looksLikeHost(first) { return "\(registry)/\(repository)" }
        return repository
    }

    /// The same image with another tag; a digest is kept.
    package func with(tag: String) throws(ImageReferenceError) -> ImageReference {
        guard ReferenceGrammar.isTag(tag[...].utf8) else {
            throw ImageReferenceError(text: QuotedText(tag), problem: .tag)
        }
        return ImageReference(registry: registry, repository: repository, tag: tag, digest: digest)
    }

    /// The same image pinned to `digest`; a tag is kept.
    package func with(digest: Digest) -> ImageReference {
        ImageReference(registry: registry, repository: repository, tag: tag, digest: digest)
    }

    /// Docker Hub's name in references; its API lives at `registry-1.docker.io`.
    package static let dockerHub = "docker.io"

    private var suffix: String {
        (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}

// MARK: - Parsing

extension ImageReference {
    private typealias Problem = ImageReferenceError.Problem

    /// Longer than every valid reference: host, 255 of repository, 128 of tag, and a digest.
    private static let longestText = 1024

    private static func parse(_ text: String) throws(ImageReferenceError.Problem) -> ImageReference {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= longestText else { throw .tooLong }
        guard text.utf8.first != UInt8(ascii: "-") else { throw .leadingDash }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw .character }
        // From here on the text is printable ASCII, where characters and bytes are the same thing.
        var rest = text[...]

        var digest: Digest?
        if let at = rest.firstIndex(of: "@") {
            do {
                digest = try Digest(parsing: String(rest[rest.index(after: at)...]))
            } catch {
                throw .digest(error)
            }
            rest = rest[..<at]
        }

        var tag: String?
        let lastPart = rest.lastIndex(of: "/").map { rest.index(after: $0) } ?? rest.startIndex
        if let colon = rest[lastPart...].lastIndex(of: ":") {
            let text = rest[rest.index(after: colon)...]
            guard ReferenceGrammar.isTag(text.utf8) else { throw .tag }
            tag = String(text)
            rest = rest[..<colon]
        }

        // An id, also with the algorithm that the engine prints before it, which would read as a tag.
        if isHash(rest) || (rest == "sha256" && tag.map { isHash($0[...]) } == true) { throw .imageID }
        let (registry, repository) = splitRegistry(rest)
        guard ReferenceGrammar.isRegistry(registry[...].utf8) else { throw .registry }
        try checkRepository(repository)
        if tag == nil, digest == nil { tag = "latest" }
        return ImageReference(registry: registry, repository: repository, tag: tag, digest: digest)
    }

    private static func splitRegistry(_ name: Substring) -> (registry: String, repository: String) {
        var registry = dockerHub
        var repository = String(name)
        if let slash = name.firstIndex(of: "/"), looksLikeHost(name[..<slash]) {
            registry = String(name[..<slash])
            repository = String(name[name.index(after: slash)...])
        }
        if registry == "index.docker.io" { registry = dockerHub }
        if registry == dockerHub, !repository.contains("/") { repository = "library/" + repository }
        return (registry, repository)
    }

    private static func isHash(_ text: Substring) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy(\.isLowercaseHex)
    }

    private static func looksLikeHost(_ part: Substring) -> Bool {
        part == "localhost" || part.contains(".") || part.contains(":")
    }

    private static func checkRepository(_ repository: String) throws(ImageReferenceError.Problem) {
        guard repository.utf8.count <= ReferenceGrammar.longestRepository else { throw .repositoryTooLong }
        if repository.utf8.contains(where: \.isUppercaseLetter) { throw .uppercase }
        guard ReferenceGrammar.isRepository(repository[...].utf8) else { throw .repository }
    }
}
