import NIOCore
import NIOHTTP1
import OCIDistribution

extension Answer {
    /// What a call is answered with, once the content has been asked.
    init(to call: CacheCall, _ answer: CacheAnswer) {
        switch (call.request, answer) {
        case (_, .refusal(let refusal)): self.init(refusal)
        case (.manifest, .manifest(let manifest, let result)): self.init(to: call, manifest, result)
        case (.blob(_, let digest), .blob(let blob, let result)) where !call.isHead:
            self.init(to: call, digest, blob, result)
        case (.blob(_, let digest), .blobHead(let size, let result)):
            self.init(blob: digest, size: size, result)
            if call.alreadyHas(digest) { turnIntoNotModified() }
        default:
            // Content that answers something else than it has been asked.
            self.init(.internalServerError, .unknown, "the cache has no answer to this")
        }
        if call.isHead { body = .none }
    }

    private init(to call: CacheCall, _ manifest: ServedManifest, _ result: CacheResult) {
        self.init(.ok, type: manifest.mediaType.description, manifest.bytes)
        add(.digest, manifest.digest.description)
        add(.entityTag, manifest.digest.entityTag)
        add(.result, result.rawValue)
        if let staleness = manifest.staleness { add(.warning, Self.warning(staleness)) }
        self.result = result
        if call.alreadyHas(manifest.digest) { turnIntoNotModified() }
    }

    private init(to call: CacheCall, _ digest: Digest, _ blob: ServedBlob, _ result: CacheResult) {
        switch blob {
        case .stored(let file):
            self.init(blob: digest, size: file.size, result)
            if let range = select(call, digest, size: file.size) { body = .stored(file, range) }
        case .filling(let growing):
            self.init(blob: digest, size: growing.size, result)
            if let range = select(call, digest, size: growing.size) { body = .growing(growing, range) }
        case .passing(let upstream):
            self.init(blob: digest, size: upstream.totalSize, result)
            guard let size = upstream.totalSize else {
                body = .passing(upstream, nil)
                break
            }
            if let range = select(call, digest, size: size) { body = .passing(upstream, range) }
        }
    }

    /// The head of a blob, without a body yet.
    private init(blob: Digest, size: Int64?, _ result: CacheResult) {
        self.init(.ok, type: "application/octet-stream")
        length = size
        add(.digest, blob.description)
        add(.entityTag, blob.entityTag)
        if size != nil { add(.acceptRanges, "bytes") }
        add(.result, result.rawValue)
        self.result = result
    }

    /// Applies what the client says about ranges.
    ///
    /// - Returns: The bytes to send; `nil` where none are.
    private mutating func select(_ call: CacheCall, _ digest: Digest, size: Int64) -> Range<Int64>? {
        let selection = ByteSelection(
            range: call.range,
            ifRange: call.ifRange,
            entityTag: digest.entityTag,
            size: size
        )
        switch selection {
        case .whole: return 0..<size
        case .part(let range):
            status = .partialContent
            length = range.upperBound - range.lowerBound
            add(.contentRange, "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)")
            return range
        case .unsatisfiable:
            status = .rangeNotSatisfiable
            length = 0
            add(.contentRange, "bytes */\(size)")
            return nil
        }
    }

    private mutating func add(_ name: Field.Name, _ value: String) { fields.append(Field(name: name, value: value)) }

    private mutating func turnIntoNotModified() {
        status = .notModified
        length = nil
        body = .none
        fields.removeAll { $0.name == .contentType || $0.name == .acceptRanges }
    }

    /// As the distribution specification has it ("Warnings").
    private static func warning(_ text: String) -> String {
        "299 - \"" + text.filter { $0 != "\"" && $0 != "\\" } + "\""
    }
}

extension Answer {
    /// What the content refuses.
    init(_ refusal: CacheRefusal) {
        switch refusal {
        case .unknownManifest: self.init(.notFound, .manifestUnknown, "the upstream has no such manifest")
        case .unknownBlob: self.init(.notFound, .blobUnknown, "the upstream has no such blob in this repository")
        case .unknownRepository: self.init(.notFound, .nameUnknown, "the upstream has no such repository")
        // Never 401: a client would take it for a question to itself.
        case .forbidden:
            self.init(
                .forbidden,
                .denied,
                "the upstream refuses the cache this repository: see the cache's credentials"
            )
        case .rateLimited(let wait):
            let fields = wait.map { [Field(name: .retryAfter, value: String($0.wholeSeconds))] } ?? []
            self.init(.tooManyRequests, .tooManyRequests, "the upstream's rate limit is used up", fields: fields)
        case .unavailable(let message): self.init(.serviceUnavailable, .unavailable, message)
        case .timedOut(let message): self.init(.gatewayTimeout, .unavailable, message)
        }
    }

    /// What leads nowhere.
    init(_ refusal: RouteRefusal, upstreams: Set<String>) {
        switch refusal {
        case .target(.tooLong): self.init(.uriTooLong, .nameInvalid, "no name is that long", closes: true)
        case .target(.notOriginForm):
            self.init(.badRequest, .unsupported, "this is a registry, not a proxy", closes: true)
        case .target(.encoding): self.init(.badRequest, .nameInvalid, "the path holds what no name holds")
        case .target(.severalNamespaces): self.init(.badRequest, .nameInvalid, "ns is given twice")
        case .noSuchPlace: self.init(.notFound, .unsupported, "this cache serves manifests and blobs, and nothing else")
        case .unknownUpstream:
            let known = upstreams.sorted().joined(separator: ", ")
            self.init(.notFound, .nameUnknown, "not one of this cache's upstreams, which are \(known)")
        case .invalidName: self.init(.badRequest, .nameInvalid, "this is no repository's name")
        // Nothing can be tagged like that, so the question has an answer.
        case .invalidTag: self.init(.notFound, .manifestUnknown, "there is no such tag")
        case .invalidDigest: self.init(.badRequest, .digestInvalid, "this is no digest")
        }
    }
}

extension Duration {
    /// Rounded up, and never negative.
    fileprivate var wholeSeconds: Int64 {
        let (seconds, rest) = components
        return max(0, seconds + (rest > 0 ? 1 : 0))
    }
}
