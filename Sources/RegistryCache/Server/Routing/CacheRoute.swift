package import OCIDistribution

/// Where a request's target leads.
package enum CacheRoute: Hashable, Sendable {
    /// `/v2/`: is this a registry?
    case ping
    case manifest(CachedRepository, ManifestName)
    case blob(CachedRepository, Digest)
    case refused(RouteRefusal)

    /// Reads a target.
    ///
    /// An upstream is named by `?ns=` (containerd, BuildKit), by the first part of the repository (Podman, skopeo) or not at all,
    /// which means Docker Hub (dockerd's `registry-mirrors`). Whichever it is, it is only ever a key into `upstreams`.
    ///
    /// - Parameters:
    ///   - target: As it stands in the request line.
    ///   - upstreams: The names of those that are configured.
    package init(target: String, upstreams: Set<String>) {
        do {
            self = try Self.parse(RequestPath(parsing: target), upstreams)
        } catch let problem as RequestPath.Problem {
            self = .refused(.target(problem))
        } catch let refusal as RouteRefusal {
            self = .refused(refusal)
        } catch {
            self = .refused(.noSuchPlace)
        }
    }

    private static func parse(_ path: RequestPath, _ upstreams: Set<String>) throws -> CacheRoute {
        let parts = path.parts
        guard parts.first == "v2" else { throw RouteRefusal.noSuchPlace }
        if parts.count == 1 || (parts.count == 2 && parts[1].isEmpty) { return .ping }
        // A repository may have parts that are called `manifests` and `blobs`, too: the last but one decides.
        guard parts.count >= 4 else { throw RouteRefusal.noSuchPlace }
        let kind = parts[parts.count - 2]
        guard kind == "manifests" || kind == "blobs" else { throw RouteRefusal.noSuchPlace }
        let repository = try repository(parts[1..<(parts.count - 2)], namespace: path.namespace, upstreams)
        let name = String(parts[parts.count - 1])
        if kind == "manifests", !name.utf8.contains(UInt8(ascii: ":")) {
            // A tag is what a reference takes as one; `x` stands for any repository.
            guard (try? ImageReference(parsing: "localhost/x:\(name)"))?.tag == name else {
                throw RouteRefusal.invalidTag
            }
            return .manifest(repository, .tag(name))
        }
        guard let digest = try? Digest(parsing: name) else { throw RouteRefusal.invalidDigest }
        return kind == "blobs" ? .blob(repository, digest) : .manifest(repository, .digest(digest))
    }

    private static func repository(
        _ parts: ArraySlice<Substring>,
        namespace: String?,
        _ upstreams: Set<String>
    ) throws -> CachedRepository {
        var parts = parts
        let name: String
        if let namespace {
            name = canonical(namespace)
        } else if let first = parts.first, parts.count > 1, looksLikeHost(first) {
            name = canonical(String(first))
            parts.removeFirst()
        } else {
            name = ImageReference.dockerHub
        }
        guard upstreams.contains(name) else { throw RouteRefusal.unknownUpstream }
        // Docker Hub's own images, where a client asks for them by the short name.
        let isShort = name == ImageReference.dockerHub && parts.count == 1
        let path = (isShort ? "library/" : "") + parts.joined(separator: "/")
        guard let repository = CachedRepository(upstream: name, path: path) else { throw RouteRefusal.invalidName }
        return repository
    }

    /// Docker Hub has three names.
    private static func canonical(_ name: String) -> String {
        name == "index.docker.io" || name == "registry-1.docker.io" ? ImageReference.dockerHub : name
    }

    /// As in references: no namespace of Docker Hub's looks like this.
    private static func looksLikeHost(_ part: Substring) -> Bool {
        part == "localhost" || part.utf8.contains(UInt8(ascii: ".")) || part.utf8.contains(UInt8(ascii: ":"))
    }
}

/// Why a target leads nowhere.
package enum RouteRefusal: Error, Hashable, Sendable {
    case target(RequestPath.Problem)
    /// Nothing that the cache serves.
    case noSuchPlace
    case unknownUpstream
    case invalidName
    case invalidTag
    case invalidDigest
}
