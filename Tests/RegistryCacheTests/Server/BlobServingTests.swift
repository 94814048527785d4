import Foundation
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

/// The three ways in which a blob may be there.
enum BlobKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case stored, growing, passing

    var testDescription: String { rawValue }

    /// Content of this kind, all of whose bytes come.
    func content(_ file: BlobFile) -> FakeContent {
        let size = Int64(file.bytes.count)
        let blob: @Sendable () -> CacheAnswer = {
            switch self {
            case .stored: return .blob(.stored(file.opened()), .hit)
            case .growing:
                let growing = FakeGrowing(file)
                growing.grow(to: size)
                return .blob(.filling(growing), .joined)
            case .passing:
                let chunks = stride(from: 0, to: file.bytes.count, by: 300).map {
                    Array(file.bytes[$0..<min($0 + 300, file.bytes.count)])
                }
                return .blob(.passing(.of(chunks, size: size)), .uncached)
            }
        }
        return FakeContent(
            atOnce: { request in
                switch request {
                case .blob where self == .stored: blob()
                case .blobHead: .blobHead(size, .hit)
                default: nil
                }
            },
            slowly: { _ in blob() }
        )
    }
}

@Suite("Blobs on the cache's port")
struct BlobServingTests {
    @Test("all of a blob is sent as it is, also one of many pieces, and one of none", arguments: BlobKind.allCases)
    func whole(kind: BlobKind) async throws {
        try await TemporaryDirectory.with { folder in
            for size in [0, 1, 1000, (3 << 20) + 17] where kind != .passing || size <= 1000 {
                let file = try BlobFile(in: folder, size: size)
                try await ServerFixture.with(kind.content(file)) { server in
                    try await CacheClient.with(port: server.port) { client in
                        for _ in 0..<2 {
                            let answer = try await client.get(file.request)
                            #expect(answer.status == 200)
                            #expect(answer.body == file.bytes)
                            #expect(answer["docker-content-digest"] == file.digest.description)
                            #expect(answer["accept-ranges"] == "bytes")
                        }
                    }
                }
                #expect(file.open.value == 0)
            }
        }
    }

    @Test("ranges are answered 206 with just their bytes, however the blob is there", arguments: BlobKind.allCases)
    func ranges(kind: BlobKind) async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let tag = "\"\(file.digest)\""
            try await ServerFixture.with(kind.content(file)) { server in
                try await CacheClient.with(port: server.port) { client in
                    for (range, expected) in [
                        ("0-0", 0..<1), ("0-99", 0..<100), ("250-650", 250..<651), ("300-599", 300..<600),
                        ("999-", 999..<1000),
                        ("400-", 400..<1000), ("-10", 990..<1000), ("-5000", 0..<1000), ("0-5000", 0..<1000),
                    ] {
                        for conditions in [[], ["If-Range: \(tag)"]] {
                            let answer = try await client.get(file.request, ["Range: bytes=\(range)"] + conditions)
                            #expect(answer.status == 206)
                            #expect(
                                answer["content-range"]
                                    == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/1000"
                            )
                            #expect(answer.body == Array(file.bytes[expected]), "\(range)")
                        }
                    }
                    for headers in [
                        ["Range: bytes=0-1,4-5"], ["Range: bytes=0-1", "Range: bytes=4-5"], ["Range: lines=1-2"],
                        ["Range: bytes=0-1", "If-Range: \"other\""],
                    ] {
                        let answer = try await client.get(file.request, headers)
                        #expect(answer.status == 200)
                        #expect(answer.body == file.bytes, "\(headers)")
                    }
                    let beyond = try await client.get(file.request, ["Range: bytes=1000-"])
                    #expect(beyond.status == 416)
                    #expect(beyond["content-range"] == "bytes */1000")
                    #expect(beyond.body.isEmpty)
                }
            }
            #expect(file.open.value == 0)
        }
    }

    @Test("who has the blob is told so without its being opened or fetched")
    func notModified() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let content = file.content()
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { client in
                    let tag = "\"\(file.digest)\""
                    let answer = try await client.get(file.request, ["If-None-Match: \"x\"", "If-None-Match: \(tag)"])
                    #expect(answer.status == 304)
                    #expect(answer["etag"] == tag)
                    #expect(answer["content-length"] == nil)
                    #expect(try await client.get(file.request, ["If-None-Match: \"x\""]).status == 200)
                }
            }
            #expect(
                content.asked.value.map { if case .blobHead = $0 { "head" } else { "blob" } } == ["head", "blob"]
            )
        }
    }

    @Test("a blob of unknown size goes out in chunks; HTTP/1.0, which has none, is refused it")
    func chunks() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let halves = [Array(file.bytes[..<500]), [], Array(file.bytes[500...])]
            let content = FakeContent(slowly: { _ in .blob(.passing(.of(halves, size: nil)), .uncached) })
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { client in
                    for headers in [[], ["Range: bytes=0-1"]] {
                        let answer = try await client.get(file.request, headers)
                        #expect(answer.status == 200)
                        #expect(answer["content-length"] == nil)
                        #expect(answer.body == file.bytes)
                        #expect(answer.isWhole)
                    }
                    try await client.send("GET \(file.request) HTTP/1.0\r\nHost: localhost\r\n\r\n")
                    #expect(try await client.response().status == 505)
                }
            }
        }
    }

    @Test(
        "a fill that fails ends the connection before the announced end, whatever of it was asked for",
        arguments: [
            [], ["Range: bytes=10-"],
        ]
    )
    func broken(headers: [String]) async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let growing = FakeGrowing(file)
            growing.grow(to: 400)
            let content = FakeContent(slowly: { _ in .blob(.filling(growing), .joined) })
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { client in
                    try await client.send(CacheClient.request(file.request, headers))
                    try await growing.isWaitedFor.wait()
                    growing.fail(.digestMismatch(file.digest))
                    let answer = try await client.response()
                    #expect(!answer.isWhole)
                    #expect(answer.body.count == 400 - (headers.isEmpty ? 0 : 10))
                    #expect(try await client.isAtEnd())
                    #expect(await server.log(1)[0].hasSuffix(" joined,broken"))
                }
            }
        }
    }

    @Test(
        "a body that is passed through, and fails or ends early, is never a whole answer",
        arguments: [
            (Int64?.some(1000), UpstreamError?.some(.tooSlow)), (1000, nil), (nil, .unavailable("gone")),
        ]
    )
    func brokenPassing(size: Int64?, error: UpstreamError?) async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let half = Array(file.bytes[..<500])
            let content = FakeContent(slowly: { _ in .blob(.passing(.of([half], size: size, error: error)), .uncached) }
            )
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { client in
                    let answer = try await client.get(file.request)
                    #expect(!answer.isWhole)
                    #expect(answer.body == half)
                    #expect(try await client.isAtEnd())
                    #expect(await server.log(1)[0].hasSuffix(" uncached,broken"))
                }
            }
        }
    }

    @Test("who joins late reads what is there at once, and the rest as it comes; a range waits for its bytes")
    func joins() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let growing = FakeGrowing(file)
            growing.grow(to: 600)
            let content = FakeContent(slowly: { _ in .blob(.filling(growing), .joined) })
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { late in
                    try await CacheClient.with(port: server.port) { ranged in
                        try await late.send(CacheClient.request(file.request))
                        try await ranged.send(CacheClient.request(file.request, ["Range: bytes=700-799"]))
                        // Nothing more comes until it grows, so this is read of what is there.
                        let there = try await late.read(upTo: 600)
                        #expect(String(decoding: there, as: UTF8.self).hasPrefix("HTTP/1.1 200 OK\r\n"))
                        growing.grow(to: 900)
                        #expect(try await ranged.response().body == Array(file.bytes[700..<800]))
                        growing.grow(to: 1000)
                        let rest = try await late.read(upTo: 5000, untilWhole: there, file.bytes)
                        #expect(rest)
                    }
                }
            }
        }
    }

    @Test("a client that leaves in the middle frees the file, and what it waited for", arguments: BlobKind.allCases)
    func leaves(kind: BlobKind) async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 32 << 20)
            let growing = FakeGrowing(file)
            growing.grow(to: 1000)
            let isLeft = Gate()
            let content = FakeContent(
                atOnce: { _ in kind == .stored ? .blob(.stored(file.opened()), .hit) : nil },
                slowly: { _ in
                    if kind == .growing { return .blob(.filling(growing), .joined) }
                    // The server's alone: a client may leave before the first byte is asked for, and the body ends with its last owner.
                    let (stream, continuation) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
                    continuation.onTermination = { _ in isLeft.open() }
                    continuation.yield(ByteBuffer(bytes: [1, 2, 3]))
                    let body = UpstreamBody(totalSize: 32 << 20, start: 0, end: nil, chunks: stream)
                    return .blob(.passing(body), .uncached)
                }
            )
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { client in
                    try await client.send(CacheClient.request(file.request))
                    _ = try await client.read(upTo: 100)
                    if kind == .growing { try await growing.isWaitedFor.wait() }
                }
                #expect(await server.log(1)[0].hasSuffix(",left"))
                if kind == .passing { try await isLeft.wait() }
            }
            #expect(growing.waiting == 0)
            // The growing blob's own is the test's.
            #expect(file.open.value == 1)
        }
    }

    @Test("who reads nothing has no more than one piece in memory, and no answer after it, while others are served")
    func slowReader() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let large = FakeManifest(String(repeating: "x", count: 1 << 20))
            let content = FakeContent(atOnce: { request in
                if case .manifest = request {
                    .manifest(large.served, .hit)
                } else {
                    .blob(.stored(file.opened()), .hit)
                }
            })
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { slow in
                    let count = 100
                    try await slow.send(String(repeating: CacheClient.request(ServerTests.target), count: count))
                    try await CacheClient.with(port: server.port) { fast in
                        for _ in 0..<50 {
                            let answer = try await fast.get(file.request)
                            #expect(answer.body == file.bytes)
                        }
                    }
                    // 100 MB do not fit into the sockets' buffers: the rest has not even been asked for.
                    let manifests = content.asked.value.filter { if case .manifest = $0 { true } else { false } }
                    #expect(manifests.count < count / 2)
                    for _ in 0..<count { #expect(try await slow.response().body.count == 1 << 20) }
                }
            }
        }
    }
}

extension CacheClient {
    /// Whether what has been read, and what still comes, ends with `body` and nothing else.
    fileprivate func read(upTo count: Int, untilWhole start: [UInt8], _ body: [UInt8]) async throws -> Bool {
        var all = start
        while all.suffix(body.count) != body[...], all.count < count {
            let more = try await read(upTo: 1)
            if more.isEmpty { return false }
            all += more
        }
        return all.suffix(body.count) == body[...]
    }
}
