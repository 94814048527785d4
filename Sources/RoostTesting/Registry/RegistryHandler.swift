import NIOCore
import NIOHTTP1

/// Answers an ``InMemoryRegistry``'s requests.
struct RegistryHandler: Sendable {
    let registry: InMemoryRegistry
    let scheme: String

    /// The endpoints of the pull API. A repository's name may hold slashes, so paths are read from their end.
    private enum Route {
        case ping
        case token
        case manifest(repository: String, reference: String)
        case blob(repository: String, digest: String)
        case tags(repository: String)
        case unknown

        init(_ components: [String]) {
            let count = components.count
            switch (components.first, count > 3 ? components[count - 2] : nil) {
            case ("token", _) where count == 1: self = .token
            case ("v2", _) where count == 1: self = .ping
            case ("v2", "manifests"):
                self = .manifest(repository: Self.name(components), reference: components[count - 1])
            case ("v2", "blobs"): self = .blob(repository: Self.name(components), digest: components[count - 1])
            case ("v2", "tags") where components[count - 1] == "list": self = .tags(repository: Self.name(components))
            default: self = .unknown
            }
        }

        private static func name(_ components: [String]) -> String {
            components.dropFirst().dropLast(2).joined(separator: "/")
        }

        var repository: String? {
            switch self {
            case .manifest(let repository, _), .blob(let repository, _), .tags(let repository): repository
            case .ping, .token, .unknown: nil
            }
        }
    }

    func handle(_ request: HTTPTestRequest, _ responder: HTTPTestResponder) async throws {
        let number = registry.log.begin(request)
        defer { registry.log.finish(number) }
        let answer = answer(request)
        registry.log.setStatus(answer.status, of: number)
        try await responder.start(answer.status, headers: answer.headers)
        guard request.method != .HEAD else { return try await responder.finish() }
        var body = answer.body
        while let chunk = body.readSlice(length: min(body.readableBytes, 256 * 1024)), chunk.readableBytes > 0 {
            try await responder.write(chunk)
            registry.log.addBytes(chunk.readableBytes, to: number)
        }
        try await responder.finish()
    }

    private struct Answer {
        var status: HTTPResponseStatus
        var headers: HTTPHeaders
        var body = ByteBuffer()

        init(_ status: HTTPResponseStatus, _ headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
            self.status = status
            self.headers = headers
            self.body = body
            if status != .notModified {
                self.headers.replaceOrAdd(name: "Content-Length", value: String(body.readableBytes))
            }
            self.headers.add(name: "Docker-Distribution-Api-Version", value: "registry/2.0")
        }

        static func json(_ status: HTTPResponseStatus, _ text: String, _ headers: HTTPHeaders = [:]) -> Answer {
            var headers = headers
            headers.add(name: "Content-Type", value: "application/json")
            return Answer(status, headers, body: ByteBuffer(string: text + "\n"))
        }

        /// An error as the distribution specification words it.
        static func failure(
            _ status: HTTPResponseStatus,
            _ code: String,
            _ message: String,
            _ headers: HTTPHeaders = [:]
        ) -> Answer {
            json(status, #"{"errors":[{"code":"\#(code)","message":"\#(message)","detail":null}]}"#, headers)
        }
    }

    private func answer(_ request: HTTPTestRequest) -> Answer {
        let route = Route(request.components)
        if case .token = route { return token(request) }
        if let challenge = challenge(request, repository: route.repository) {
            return .failure(.unauthorized, "UNAUTHORIZED", "authentication required", ["WWW-Authenticate": challenge])
        }
        guard request.method == .GET || request.method == .HEAD else {
            return .failure(.methodNotAllowed, "UNSUPPORTED", "this registry is read-only")
        }
        switch route {
        case .ping: return .json(.ok, "{}")
        case .manifest(let repository, let reference): return manifest(request, repository, reference)
        case .blob(let repository, let digest): return blob(request, repository, digest)
        case .tags(let repository):
            guard let tags = registry.tags(of: repository) else {
                return .failure(.notFound, "NAME_UNKNOWN", "repository name not known to registry")
            }
            let list = tags.map { "\"\($0)\"" }.joined(separator: ",")
            return .json(.ok, #"{"name":"\#(repository)","tags":[\#(list)]}"#)
        case .token, .unknown: return .failure(.notFound, "UNSUPPORTED", "no such endpoint")
        }
    }

    // MARK: Content

    private func manifest(_ request: HTTPTestRequest, _ repository: String, _ reference: String) -> Answer {
        guard let manifest = registry.manifest(reference, in: repository), accepts(request, manifest.mediaType) else {
            return .failure(.notFound, "MANIFEST_UNKNOWN", "manifest unknown")
        }
        let headers: HTTPHeaders = [
            "Content-Type": manifest.mediaType,
            "Docker-Content-Digest": manifest.digest,
            "Etag": "\"\(manifest.digest)\"",
        ]
        if isFresh(request, manifest.digest) { return Answer(.notModified, headers) }
        return Answer(.ok, headers, body: manifest.bytes)
    }

    private func blob(_ request: HTTPTestRequest, _ repository: String, _ digest: String) -> Answer {
        guard let bytes = registry.blob(digest, in: repository) else {
            return .failure(.notFound, "BLOB_UNKNOWN", "blob unknown to registry")
        }
        var headers: HTTPHeaders = [
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": digest,
            "Etag": "\"\(digest)\"",
            "Accept-Ranges": "bytes",
        ]
        if isFresh(request, digest) { return Answer(.notModified, headers) }
        guard let header = request.headers.first(name: "range") else { return Answer(.ok, headers, body: bytes) }
        let size = bytes.readableBytes
        guard let range = ByteRange.parse(header, size: size),
            let slice = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count)
        else {
            headers.add(name: "Content-Range", value: "bytes */\(size)")
            return Answer(.rangeNotSatisfiable, headers)
        }
        headers.add(name: "Content-Range", value: "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)")
        return Answer(.partialContent, headers, body: slice)
    }

    private func isFresh(_ request: HTTPTestRequest, _ digest: String) -> Bool {
        request.headers[canonicalForm: "if-none-match"].contains { $0 == "\"\(digest)\"" || $0 == "*" }
    }

    /// Docker sends several `Accept` lines in random order; together they are one list.
    private func accepts(_ request: HTTPTestRequest, _ mediaType: String) -> Bool {
        let accepted = request.headers[canonicalForm: "accept"].map { value in
            String(value.prefix { $0 != ";" }).trimmingSpaces
        }
        return accepted.isEmpty || accepted.contains { $0 == mediaType || $0 == "*/*" || $0 == "application/*" }
    }

    // MARK: Authentication

    /// The challenge to answer with, where the request does not show what it has to.
    private func challenge(_ request: HTTPTestRequest, repository: String?) -> String? {
        let header = request.headers.first(name: "authorization")
        switch registry.authentication {
        case .none: return nil
        case .basic(let users):
            if let shown = BasicCredentials(header: header), users[shown.user] == shown.password { return nil }
            return #"Basic realm="registry""#
        case .token:
            let shown = header.flatMap { $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : nil }
            if let shown, registry.tokens.allows(shown, repository: repository) { return nil }
            // The realm is reached the way that the client came, through a proxy where there is one.
            let host = request.headers.first(name: "host") ?? registry.hostAndPort
            var challenge = #"Bearer realm="\#(scheme)://\#(host)/token",service="registry""#
            if let repository { challenge += #",scope="repository:\#(repository):pull""# }
            if shown != nil { challenge += #",error="invalid_token""# }
            return challenge
        }
    }

    private func token(_ request: HTTPTestRequest) -> Answer {
        guard case .token(let settings) = registry.authentication, request.method == .GET else {
            return .failure(.notFound, "UNSUPPORTED", "no such endpoint")
        }
        let header = request.headers.first(name: "authorization")
        let shown = BasicCredentials(header: header)
        let isKnown =
            shown.map { settings.users[$0.user] == $0.password } ?? (header == nil && settings.allowsAnonymous)
        guard isKnown else {
            return .failure(.unauthorized, "UNAUTHORIZED", "incorrect username or password")
        }
        let scopes = request.queryValues("scope").flatMap { $0.split(separator: " ").map(String.init) }
        let token = registry.tokens.issue(scopes: scopes, lifetime: settings.lifetime)
        let lifetime = settings.statesLifetime ? #","expires_in":\#(settings.lifetime.components.seconds)"# : ""
        return .json(.ok, #"{"\#(settings.field.rawValue)":"\#(token)"\#(lifetime)}"#)
    }
}

/// One range of a `Range` header (RFC 9110, 14.1.2), as the half-open range that it selects.
enum ByteRange {
    static func parse(_ header: String, size: Int) -> Range<Int>? {
        guard header.hasPrefix("bytes=") else { return nil }
        let bounds = header.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard bounds.count == 2 else { return nil }
        switch (Int(bounds[0]), Int(bounds[1])) {
        case (let first?, let last?) where first <= last && first < size: return first..<min(last + 1, size)
        case (let first?, nil) where bounds[1].isEmpty && first < size: return first..<size
        case (nil, let length?) where bounds[0].isEmpty && length > 0: return max(size - length, 0)..<size
        default: return nil
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
