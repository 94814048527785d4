import NIOCore
import NIOHTTP1
import RoostTesting

/// An upstream with one blob, which it sends up to its middle and then holds until it is told to go on.
struct HeldUpstream: Sendable {
    let bytes: ByteBuffer
    let digest: String
    let server: HTTPTestServer
    /// Opens when half of a body has been sent.
    let isHalfway: Gate
    /// Lets the rest go.
    let rest: Gate
    /// How many bodies were asked for.
    let fetches: Shared<Int>

    static func with(size: Int, _ body: @escaping @Sendable (HeldUpstream) async throws -> Void) async throws {
        var random = SplitMix64(seed: .random(in: 1 ... .max))
        let bytes = ByteBuffer(bytes: random.bytes(size))
        let digest = TestDigest.sha256(bytes)
        let (isHalfway, rest, fetches) = (Gate(), Gate(), Shared(0))
        let handle: @Sendable (HTTPTestRequest, HTTPTestResponder) async throws -> Void = { request, responder in
            let headers: HTTPHeaders = ["Content-Length": String(size), "Docker-Content-Digest": digest]
            guard request.path.hasSuffix("/blobs/\(digest)") else {
                return try await responder.respond(.notFound, text: "")
            }
            try await responder.start(.ok, headers: headers)
            guard request.method == .GET else { return try await responder.finish() }
            fetches.update { $0 += 1 }
            var remaining = bytes
            if let half = remaining.readSlice(length: size / 2) { try await responder.write(half) }
            isHalfway.open()
            try await rest.wait()
            try await responder.write(remaining)
            try await responder.finish()
        }
        try await HTTPTestServer.with(handle) { server in
            try await body(
                HeldUpstream(
                    bytes: bytes,
                    digest: digest,
                    server: server,
                    isHalfway: isHalfway,
                    rest: rest,
                    fetches: fetches
                )
            )
        }
    }
}
