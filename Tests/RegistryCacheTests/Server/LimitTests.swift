import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("What a client may take of the cache's port")
struct LimitTests {
    static let target = "/v2/library/a/manifests/latest"

    static func limits(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
        var limits = ServerLimits()
        change(&limits)
        return limits
    }

    @Test("headers up to 16 KiB are read; more is answered 431, and the connection ended")
    func headerSize() async throws {
        let content = FakeManifest().content()
        try await ServerFixture.with(content) { server in
            try await CacheClient.with(port: server.port) { client in
                let answer = try await client.get(Self.target, ["X: " + String(repeating: "a", count: 15 << 10)])
                #expect(answer.status == 200)
            }
            for headers in [
                ["X: " + String(repeating: "a", count: 17 << 10)],
                (0..<20).map { "X\($0): " + String(repeating: "a", count: 1 << 10) }, (0..<200).map { "X\($0): a" },
            ] {
                try await CacheClient.with(port: server.port) { client in
                    let answer = try await client.get(Self.target, headers)
                    #expect(answer.status == 431)
                    #expect(answer["connection"] == "close")
                    #expect(try await client.isAtEnd())
                }
            }
            try await CacheClient.with(port: server.port) { client in
                let answer = try await client.get("/v2/" + String(repeating: "a", count: 5000))
                #expect(answer.status == 414)
            }
        }
        #expect(content.asked.value.count == 1)
    }

    @Test("what is no HTTP is answered 400, after the answers before it")
    func malformed() async throws {
        try await ServerFixture.with(FakeManifest().content()) { server in
            for text in ["nonsense\r\n\r\n", "GET /v2/ HTTP/9\r\n\r\n", "GET /v2/ HTTP/1.1\r\nHost : a\r\n\r\n"] {
                try await CacheClient.with(port: server.port) { client in
                    try await client.send(CacheClient.request(Self.target) + text)
                    #expect(try await client.response().status == 200)
                    #expect([400, 505].contains(try await client.response().status), "\(text)")
                    #expect(try await client.isAtEnd())
                }
            }
        }
    }

    @Test(
        "a head that does not come to its end in time, the first one or a later one, ends the connection",
        arguments: ["", "GET /v2/ HT", "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: y\r\n"]
    )
    func headTime(start: String) async throws {
        let limits = Self.limits { $0.headTime = .milliseconds(20) }
        try await ServerFixture.with(FakeManifest().content(), limits: limits) { server in
            try await CacheClient.with(port: server.port) { client in
                // On a busy machine the time may be over before anything is sent.
                try? await client.send(start)
                let isAtEnd = try await client.isAtEnd()
                #expect(isAtEnd)
            }
        }
        let patient = Self.limits { $0.headTime = .milliseconds(200) }
        try await ServerFixture.with(FakeManifest().content(), limits: patient) { server in
            try await CacheClient.with(port: server.port) { client in
                // Idle for longer than heads may take, which is another matter: the part of a head comes after it.
                guard (try? await client.get(Self.target)) != nil, !start.isEmpty else { return }
                try await client.send(start)
                #expect(try await client.isAtEnd())
            }
        }
    }

    @Test("a connection that nobody uses is closed; the time for heads does not count against it")
    func idleTime() async throws {
        let limits = Self.limits { $0.idleTime = .milliseconds(20) }
        try await ServerFixture.with(FakeManifest().content(), limits: limits) { server in
            try await CacheClient.with(port: server.port) { client in
                let answer = try await client.get(Self.target)
                #expect(answer.status == 200)
                let isAtEnd = try await client.isAtEnd()
                #expect(isAtEnd)
            }
        }
    }

    @Test("a client that takes nothing of what it has asked for is given up")
    func stallTime() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 32 << 20)
            let limits = Self.limits { $0.stallTime = .seconds(1) }
            try await ServerFixture.with(file.content(), limits: limits) { server in
                try await CacheClient.with(port: server.port) { client in
                    try await client.send(CacheClient.request(file.request))
                    #expect(await server.log(1)[0].hasSuffix("hit,left"))
                }
            }
        }
    }

    @Test("beyond the cap of connections clients wait in the kernel's queue, and come in when others have left")
    func connections() async throws {
        let limits = Self.limits { $0.connections = 2 }
        let (asked, mayAnswer) = (Gate(count: 2), Gate())
        let content = FakeContent(slowly: { _ in
            asked.open()
            try? await mayAnswer.wait()
            return .manifest(FakeManifest().served, .miss)
        })
        try await ServerFixture.with(content, limits: limits) { server in
            try await withThrowingTaskGroup(of: CacheClient.Response.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await CacheClient.with(port: server.port) { try await $0.get(Self.target) }
                    }
                }
                try await asked.wait()
                #expect(server.counters.values.openConnections == 2)
                #expect(content.asked.value.count == 2)
                mayAnswer.open()
                for try await answer in group { #expect(answer.isWhole) }
            }
            #expect(server.counters.values.acceptedConnections == 6)
        }
    }

    @Test("where all places are taken, those who only keep a connection lose it, at once or with their next answer")
    func makesRoom() async throws {
        let limits = Self.limits { $0.connections = 2 }
        try await ServerFixture.with(FakeManifest().content(), limits: limits) { server in
            try await CacheClient.with(port: server.port) { first in
                let answer = try await first.get(Self.target)
                #expect(answer["connection"] == nil)
                try await CacheClient.with(port: server.port) { second in
                    let isClosed = try await first.isAtEnd()
                    #expect(isClosed)
                    let kept = try await second.get(Self.target)
                    #expect(kept.isWhole)
                }
            }
        }
    }

    @Test("stopped, the server completes what it is sending, closes what is idle, and takes nobody else")
    func gracefulStop() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let growing = FakeGrowing(file)
            growing.grow(to: 400)
            let content = FakeContent(slowly: { _ in .blob(.filling(growing), .joined) })
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { idle in
                    #expect(try await idle.get("/v2/").status == 200)
                    try await CacheClient.with(port: server.port) { busy in
                        try await busy.send(CacheClient.request(file.request) + CacheClient.request("/v2/"))
                        try await growing.isWaitedFor.wait()
                        server.stop.open()
                        #expect(try await idle.isAtEnd())
                        growing.grow(to: 1000)
                        #expect(try await busy.response().body == file.bytes)
                        #expect(try await busy.isAtEnd())
                    }
                }
                await #expect(throws: (any Error).self) {
                    try await CacheClient.with(port: server.port) { try await $0.get("/v2/").status }
                }
            }
        }
    }

    @Test("what does not end within the grace is cut off, and the log says so")
    func grace() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let growing = FakeGrowing(file)
            growing.grow(to: 400)
            let content = FakeContent(slowly: { _ in .blob(.filling(growing), .joined) })
            try await ServerFixture.with(content, limits: Self.limits { $0.grace = .milliseconds(10) }) { server in
                try await CacheClient.with(port: server.port) { client in
                    try await client.send(CacheClient.request(file.request))
                    try await growing.isWaitedFor.wait()
                    server.stop.open()
                    #expect(!(try await client.response().isWhole))
                    #expect(await server.log(1)[0].hasSuffix("joined,left"))
                }
            }
        }
    }

    @Test("a client that leaves while its answer is looked for ends the looking")
    func leavesWhileAsking() async throws {
        let (asked, ended) = (Gate(), Gate())
        let content = FakeContent(slowly: { _ in
            asked.open()
            // Waits for ever, unless it is cancelled.
            await Latch().wait()
            ended.open()
            return .refusal(.unknownManifest)
        })
        try await ServerFixture.with(content) { server in
            try await CacheClient.with(port: server.port) { client in
                try await client.send(CacheClient.request(Self.target))
                try await asked.wait()
            }
            try await ended.wait()
        }
    }

    @Test("an address that is taken is an error, at once")
    func addressTaken() async throws {
        try await ServerFixture.with(FakeContent()) { server in
            let other = CacheServer(content: FakeContent(), upstreams: [], log: AccessLog(sink: { _ in }))
            await #expect(throws: (any Error).self) {
                try await other.run(on: ListenAddress(parsing: "127.0.0.1:\(server.port)"), until: Latch())
            }
        }
    }
}
