import NIOHTTP1
import OCIDistribution

/// A request that the cache's content is asked for, with what its headers say about the answer.
struct CacheCall {
    let request: CacheRequest
    let isHead: Bool
    let ifNoneMatch: String?
    let range: String?
    let ifRange: String?

    /// What is asked of the content: where the client has the blob already, as it says, nothing of it is opened or fetched.
    var question: CacheRequest {
        guard case .blob(let repository, let digest) = request, isHead || alreadyHas(digest) else { return request }
        return .blobHead(repository, digest)
    }

    /// Whether the client has what has this digest.
    func alreadyHas(_ digest: Digest) -> Bool {
        ifNoneMatch.map { EntityTags.match($0, digest.entityTag) } ?? false
    }

    var repository: CachedRepository {
        switch request {
        case .manifest(let repository, _), .blob(let repository, _), .blobHead(let repository, _): repository
        }
    }

    var name: String {
        switch request {
        case .manifest(_, let name): name.description
        case .blob(_, let digest), .blobHead(_, let digest): digest.description
        }
    }
}

/// A request, judged by its head alone.
enum JudgedRequest {
    /// The content is to be asked.
    case call(CacheCall)
    /// There is nothing to ask.
    case answer(Answer)
}

/// Judges requests: the allow-list, the names of this listener, and a surface that only reads.
struct RequestJudge: Sendable {
    let upstreams: Set<String>
    let hosts: HostRule

    func judge(_ head: HTTPRequestHead) -> JudgedRequest {
        guard head.version.major == 1 else {
            return .answer(Answer(.httpVersionNotSupported, .unsupported, "this is HTTP/1.1", closes: true))
        }
        if let refusal = judgeHost(head) ?? judgeMethod(head) { return .answer(refusal) }
        switch CacheRoute(target: head.uri, upstreams: upstreams) {
        case .ping: return .answer(.ping)
        case .manifest(let repository, let name): return .call(call(.manifest(repository, name), head))
        case .blob(let repository, let digest): return .call(call(.blob(repository, digest), head))
        case .refused(let refusal): return .answer(Answer(refusal, upstreams: upstreams))
        }
    }

    /// Before anything else is looked at: what has come here by a foreign name is told nothing.
    private func judgeHost(_ head: HTTPRequestHead) -> Answer? {
        var host: String?
        var count = 0
        for (name, value) in head.headers where name.utf8.count == 4 && name.lowercased() == "host" {
            host = value
            count += 1
        }
        // "A server MUST respond with a 400 … to any HTTP/1.1 request message that lacks a Host header field and to any
        // request message that contains more than one" (RFC 9112, section 3.2).
        if count > 1 || (count == 0 && head.version.minor >= 1) {
            return Answer(.badRequest, .unsupported, "a request has one Host header", closes: true)
        }
        if let host, !hosts.admits(host) {
            let message = "this cache is not called that: use localhost, an address, or one of its own names"
            return Answer(.misdirectedRequest, .denied, message, closes: true)
        }
        return nil
    }

    private func judgeMethod(_ head: HTTPRequestHead) -> Answer? {
        let hasBody =
            head.headers.contains(name: "transfer-encoding")
            || (head.headers.first(name: "content-length").map { $0 != "0" } ?? false)
        guard head.method == .GET || head.method == .HEAD else {
            let allow = Answer.Field(name: .allow, value: "GET, HEAD")
            let message = "this cache only reads: push to the registry itself"
            return Answer(.methodNotAllowed, .unsupported, message, fields: [allow], closes: hasBody)
        }
        guard !hasBody else {
            return Answer(.payloadTooLarge, .unsupported, "a request to this cache has no body", closes: true)
        }
        return nil
    }

    private func call(_ request: CacheRequest, _ head: HTTPRequestHead) -> CacheCall {
        var call = CacheCall.Conditions()
        for (name, value) in head.headers { call.note(name, value) }
        return CacheCall(
            request: request,
            isHead: head.method == .HEAD,
            ifNoneMatch: call.ifNoneMatch,
            range: call.range,
            ifRange: call.ifRange
        )
    }
}

extension CacheCall {
    /// What of the headers counts. `Accept` does not: there is one answer to a name, in the bytes that have its digest.
    fileprivate struct Conditions {
        var ifNoneMatch: String?
        var range: String?
        var ifRange: String?

        mutating func note(_ name: String, _ value: String) {
            switch name.utf8.count {
            case 5 where name.lowercased() == "range": range = joined(range, value)
            case 8 where name.lowercased() == "if-range": ifRange = joined(ifRange, value)
            case 13 where name.lowercased() == "if-none-match": ifNoneMatch = joined(ifNoneMatch, value)
            default: break
            }
        }

        /// Several lines are one list (RFC 9110, section 5.3).
        private func joined(_ before: String?, _ value: String) -> String { before.map { "\($0), \(value)" } ?? value }
    }
}

extension Digest {
    /// A strong entity tag: the digest in quotes.
    var entityTag: String { "\"\(description)\"" }
}
