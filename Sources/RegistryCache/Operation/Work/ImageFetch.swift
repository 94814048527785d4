import NIOCore
import OCIDistribution
import RoostCore

/// Brings an image into the cache, as a client's pull would: its manifests, its configuration and its layers.
struct ImageFetch: Sendable {
    /// An image can't be brought in.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let service: any CacheContent
    let store: ContentStore
    /// The names of the upstreams that may be asked.
    let upstreams: [String]
    /// How many blobs are fetched at a time.
    let width = 3

    /// The repository and the name that a reference asks for.
    ///
    /// - Throws: ``Failure`` where no upstream is asked for such names.
    func place(of image: ImageReference) throws(Failure) -> (CachedRepository, ManifestName) {
        guard upstreams.contains(image.registry),
            let repository = CachedRepository(upstream: image.registry, path: image.repository)
        else {
            throw Failure(
                description:
                    "\(image.registry) is none of the cache's upstreams (\(upstreams.joined(separator: ", "))): "
                    + "add it by 'roost cache serve --upstream \(image.registry)=URL'"
            )
        }
        return (repository, image.digest.map(ManifestName.digest) ?? .tag(image.tag ?? "latest"))
    }

    /// The manifest that a reference leads to now.
    func root(of image: ImageReference) async throws -> ServedManifest {
        let (repository, name) = try place(of: image)
        return try await manifest(name, of: repository)
    }

    /// Fetches what is missing of an image on a platform.
    ///
    /// - Parameters:
    ///   - image: The image.
    ///   - platform: Which of an index's images.
    ///   - progress: Told of each blob; where it fails, fetching ends.
    /// - Returns: What was there and what has come, and what has gone wrong.
    /// - Throws: What `progress` throws, or `CancellationError`.
    func fetch(
        _ image: ImageReference,
        _ platform: Platform,
        progress: @escaping CacheOperations.Progress
    ) async throws -> FetchedImage {
        var fetched = FetchedImage(image: image.description)
        let contents: (repository: CachedRepository, descriptors: [Descriptor])
        do {
            let (repository, name) = try place(of: image)
            let root = try await manifest(name, of: repository)
            fetched.digest = root.digest
            let (manifest, chosen) = try await imageManifest(root, of: repository, platform)
            fetched.platform = chosen?.description
            contents = (repository, [manifest.config] + manifest.layers)
        } catch let failure as Failure {
            fetched.error = failure.description
            return fetched
        }
        var seen: Set<Digest> = []
        let blobs = contents.descriptors.filter { seen.insert($0.digest).inserted }
        fetched.blobs = blobs.count
        let subject = image.description
        try await withThrowingTaskGroup(of: (Descriptor, BlobOutcome).self) { group in
            var waiting = blobs[...]
            func addNext() {
                guard let blob = waiting.popFirst() else { return }
                group.addTask {
                    (blob, try await self.blob(blob, of: contents.repository, subject: subject, progress))
                }
            }
            for _ in 0..<width { addNext() }
            while let (blob, outcome) = try await group.next() {
                switch outcome {
                case .present: fetched.present += 1
                case .fetched:
                    fetched.fetched += 1
                    fetched.fetchedBytes += blob.size
                case .failed(let reason): fetched.error = fetched.error ?? "\(blob.digest): \(reason)"
                }
                addNext()
            }
        }
        return fetched
    }

    // MARK: Manifests

    private func manifest(_ name: ManifestName, of repository: CachedRepository) async throws -> ServedManifest {
        try Task.checkCancellation()
        switch await service.answer(.manifest(repository, name)) {
        case .manifest(let manifest, _): return manifest
        case .refusal(let refusal): throw Failure(description: "\(repository): \(name): \(refusal.reason)")
        case .blob, .blobHead: throw Failure(description: "\(repository): \(name): it is no manifest")
        }
    }

    private func imageManifest(
        _ root: ServedManifest,
        of repository: CachedRepository,
        _ platform: Platform
    ) async throws -> (ImageManifest, Platform?) {
        var current = root
        var chosen: Platform?
        for _ in 0...Manifest.deepestIndex {
            let parsed: Manifest
            do {
                parsed = try Manifest(parsing: Array(current.bytes.readableBytesView), mediaType: current.mediaType)
            } catch {
                throw Failure(description: "\(repository): \(current.digest): \(error)")
            }
            switch parsed {
            case .image(let manifest): return (manifest, chosen)
            case .index(let index):
                guard let next = index.manifest(for: platform) else {
                    throw Failure(description: "\(repository) has no image for \(platform): choose one by --platform")
                }
                chosen = next.platform
                current = try await self.manifest(.digest(next.digest), of: repository)
            }
        }
        throw Failure(description: "\(repository): \(root.digest): indexes are nested too deeply")
    }

    // MARK: Blobs

    enum BlobOutcome: Sendable {
        case present, fetched
        case failed(String)
    }

    /// Fetches one blob, or finds it.
    func blob(
        _ blob: Descriptor,
        of repository: CachedRepository,
        subject: String,
        _ progress: @escaping CacheOperations.Progress
    ) async throws -> BlobOutcome {
        func tell(_ state: CacheProgress.State, _ bytes: Int64) async throws {
            try await progress(
                CacheProgress(subject: subject, digest: blob.digest, state: state, bytes: bytes, size: blob.size)
            )
        }
        try Task.checkCancellation()
        switch await service.answer(.blob(repository, blob.digest)) {
        case .blob(.stored, _):
            try await tell(.present, blob.size)
            return .present
        case .blob(.filling(let growing), _):
            do {
                var known: Int64 = 0
                var told: Int64 = 0
                while known < growing.size {
                    known = try await growing.available(beyond: known)
                    // A line for each twentieth is enough to watch.
                    guard known - told >= max(1, growing.size / 20), known < growing.size else { continue }
                    told = known
                    try await tell(.fetching, known)
                }
            } catch let error as UpstreamError {
                try await tell(.failed, 0)
                return .failed("\(error)")
            }
            try await tell(.fetched, blob.size)
            return .fetched
        case .blob(.passing, _):
            try await tell(.failed, 0)
            return .failed("the cache has no room for its \(ByteCount(blob.size)): raise --max-size, or remove pins")
        case .refusal(let refusal):
            try await tell(.failed, 0)
            return .failed(refusal.reason)
        case .manifest, .blobHead: return .failed("it is no blob")
        }
    }
}

extension CacheRefusal {
    /// For people.
    var reason: String {
        switch self {
        case .unknownManifest: "the registry has no such image"
        case .unknownBlob: "the registry has no such blob"
        case .unknownRepository: "the registry has no such repository"
        case .forbidden: "the registry gives it to nobody with this login: log in, or configure another for the cache"
        case .rateLimited(let wait?): "the registry's rate limit is used up: try again in \(DurationText.format(wait))"
        case .rateLimited(nil): "the registry's rate limit is used up: try again later"
        case .unavailable(let reason), .timedOut(let reason): reason
        }
    }
}
