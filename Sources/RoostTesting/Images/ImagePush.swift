import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// A registry did not take a test image.
package struct PushFailed: Error, CustomStringConvertible {
    let request: String
    let status: UInt
    let answer: String

    package var description: String { "\(request) was answered with \(status): \(answer)" }
}

extension TestImage {
    /// Pushes the image to a registry on this machine, over plain HTTP.
    ///
    /// - Parameters:
    ///   - registry: `127.0.0.1:port`.
    ///   - repository: The repository's name.
    ///   - tag: The tag; without one, the manifest is there by digest only.
    /// - Throws: ``PushFailed``, or the failure to connect.
    package func push(to registry: String, repository: String, tag: String?) async throws {
        let target = PushTarget(registry: registry, repository: repository)
        for layer in layers { try await target.upload(layer.blob, digest: layer.digest) }
        try await target.upload(configuration, digest: configurationDigest)
        try await target.put(manifest, mediaType: mediaType, reference: tag ?? manifestDigest)
    }
}

extension TestImageIndex {
    /// Pushes the images and then the index. See ``TestImage/push(to:repository:tag:)``.
    package func push(to registry: String, repository: String, tag: String?) async throws {
        for image in images { try await image.push(to: registry, repository: repository, tag: nil) }
        try await PushTarget(registry: registry, repository: repository)
            .put(bytes, mediaType: mediaType, reference: tag ?? digest)
    }
}

/// One repository, by the push half of the OCI distribution specification.
private struct PushTarget {
    let registry: String
    let repository: String

    private var base: String { "http://\(registry)/v2/\(repository)" }

    func upload(_ blob: ByteBuffer, digest: String) async throws {
        var head = HTTPClientRequest(url: "\(base)/blobs/\(digest)")
        head.method = .HEAD
        if try await execute(head, accepting: [200, 404]).status == .ok { return }
        var start = HTTPClientRequest(url: "\(base)/blobs/uploads/")
        start.method = .POST
        let started = try await execute(start, accepting: [202])
        let location = started.headers.first(name: "location") ?? ""
        let absolute = location.hasPrefix("/") ? "http://\(registry)\(location)" : location
        var put = HTTPClientRequest(url: absolute + (absolute.contains("?") ? "&" : "?") + "digest=\(digest)")
        put.method = .PUT
        put.headers.add(name: "Content-Type", value: "application/octet-stream")
        put.body = .bytes(blob)
        _ = try await execute(put, accepting: [201])
    }

    func put(_ manifest: ByteBuffer, mediaType: String, reference: String) async throws {
        var put = HTTPClientRequest(url: "\(base)/manifests/\(reference)")
        put.method = .PUT
        put.headers.add(name: "Content-Type", value: mediaType)
        put.body = .bytes(manifest)
        _ = try await execute(put, accepting: [201])
    }

    private func execute(_ request: HTTPClientRequest, accepting statuses: Set<UInt>) async throws -> HTTPClientResponse
    {
        let answer = try await HTTPClient.shared.execute(request, timeout: .minutes(5))
        // The answer to a HEAD tells the length of a body that does not come.
        let body = request.method == .HEAD ? ByteBuffer() : try await answer.body.collect(upTo: 1024 * 1024)
        guard statuses.contains(answer.status.code) else {
            throw PushFailed(
                request: "\(request.method) \(request.url)",
                status: answer.status.code,
                answer: String(buffer: body)
            )
        }
        return answer
    }
}
