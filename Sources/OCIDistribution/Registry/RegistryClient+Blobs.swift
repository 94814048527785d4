import NIOHTTP1

/// A blob's body, from the moment it begins.
package struct OpenedBlob: Sendable {
    /// The size of the whole blob in bytes, where the registry says.
    package let totalSize: Int64?
    /// The first byte that comes.
    package let start: Int64
    /// The end of the bytes that come, where the registry says.
    package let end: Int64?
    /// The bytes, which nobody has checked.
    package let body: RegistryBody
    package let rateLimit: RateLimit?
}

// MARK: - Blobs

extension RegistryClient {
    /// The size of a blob, by HEAD; where the registry knows none for blobs, by the begin of a GET.
    ///
    /// - Parameters:
    ///   - digest: The blob.
    ///   - reference: The image whose repository has it.
    ///   - endpoint: Where to ask.
    ///   - deadline: How long it may take in all.
    /// - Returns: The size in bytes, and the rate limit where the registry names one.
    /// - Throws: ``RegistryError``.
    package func sizeOfBlob(
        _ digest: Digest,
        in reference: ImageReference,
        at endpoint: RegistryEndpoint,
        deadline: Duration = .seconds(15)
    ) async throws(RegistryError) -> (bytes: Int64, rateLimit: RateLimit?) {
        try await call(reference, at: endpoint, deadline: deadline) { () async throws(Failure) in
            let response = try await self.openBlob(.HEAD, digest, nil, reference, endpoint)
            switch response.status {
            case 200:
                if let size = Self.length(response.headers) {
                    return (size, RateLimit(headers: response.headers))
                }
            case 400, 405, 501: break
            default: throw Self.refusal(response)
            }
            let blob = try await self.openedBlob(digest, 0..<1, reference, endpoint)
            guard let size = blob.totalSize else { throw .invalidResponse("it does not tell a blob's size") }
            return (size, blob.rateLimit)
        }
    }

    /// Opens a blob.
    ///
    /// - Parameters:
    ///   - digest: The blob.
    ///   - reference: The image whose repository has it.
    ///   - endpoint: Where to ask.
    ///   - range: The bytes wanted, at least one; all where it is `nil`. A registry that knows no ranges sends all.
    ///   - deadline: How long it may take until the body begins.
    /// - Returns: The body, which no deadline ends.
    /// - Throws: ``RegistryError``.
    package func openBlob(
        _ digest: Digest,
        in reference: ImageReference,
        at endpoint: RegistryEndpoint,
        range: Range<Int64>? = nil,
        deadline: Duration = .seconds(30)
    ) async throws(RegistryError) -> OpenedBlob {
        try await call(reference, at: endpoint, deadline: deadline) { () async throws(Failure) in
            try await self.openedBlob(digest, range, reference, endpoint)
        }
    }

    private func openedBlob(
        _ digest: Digest,
        _ range: Range<Int64>?,
        _ reference: ImageReference,
        _ endpoint: RegistryEndpoint
    ) async throws(Failure) -> OpenedBlob {
        let response = try await openBlob(.GET, digest, range, reference, endpoint)
        let headers = response.headers
        guard response.status == 200 || (response.status == 206 && range != nil) else {
            throw Self.refusal(response)
        }
        if let encoding = headers.first(name: "content-encoding"), encoding.lowercased() != "identity" {
            throw .invalidResponse("it encodes a blob, which was not asked for: \(QuotedText(encoding))")
        }
        let limit = RateLimit(headers: headers)
        guard response.status == 206, let range else {
            let size = Self.length(headers)
            return OpenedBlob(totalSize: size, start: 0, end: size, body: response.body, rateLimit: limit)
        }
        guard let part = headers.first(name: "content-range").flatMap(ContentRange.init),
            part.range.lowerBound == range.lowerBound, part.range.upperBound <= range.upperBound
        else { throw .invalidResponse("it sends another part of a blob than the one asked for") }
        if let length = Self.length(headers), length != part.range.upperBound - part.range.lowerBound {
            throw .invalidResponse("it sends a part of a blob in another length than it says")
        }
        return OpenedBlob(
            totalSize: part.total,
            start: part.range.lowerBound,
            end: part.range.upperBound,
            body: response.body,
            rateLimit: limit
        )
    }

    private func openBlob(
        _ method: HTTPMethod,
        _ digest: Digest,
        _ range: Range<Int64>?,
        _ reference: ImageReference,
        _ endpoint: RegistryEndpoint
    ) async throws(Failure) -> RegistryTransport.OpenResponse {
        // The bytes as they are: their digest is of no packed form.
        var headers: HTTPHeaders = ["Accept": "application/octet-stream, */*", "Accept-Encoding": "identity"]
        if let range {
            guard range.lowerBound >= 0, !range.isEmpty else {
                throw .invalidResponse("bytes \(range) of a blob are no part of it")
            }
            headers.add(name: "Range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
        }
        let request = RegistryTransport.Request(
            method: method,
            address: endpoint.address("/v2/\(reference.repository)/blobs/\(digest)"),
            headers: headers,
            limit: 0
        )
        return try await authorized(request, reference, endpoint) { (request) async throws(Failure) in
            try await transport.open(request)
        }
    }

    /// What an answer without the blob means. The storage that a redirect led to may refuse for reasons of its own, such as
    /// a link that has expired: that says nothing of the user's rights.
    private static func refusal(_ response: RegistryTransport.OpenResponse) -> Failure {
        if let host = response.redirectedTo, [400, 403].contains(response.status) {
            return .invalidResponse("it redirects to \(QuotedText(host)), which answers with status \(response.status)")
        }
        return .init(
            RegistryTransport.Response(
                status: response.status,
                headers: response.headers,
                body: [],
                redirectedTo: response.redirectedTo
            )
        )
    }

    private static func length(_ headers: HTTPHeaders) -> Int64? {
        headers.first(name: "content-length").flatMap { ContentRange.number($0) }
    }
}
