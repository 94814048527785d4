import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RoostTesting
import Testing

@Suite("The proxy with faults", .timeLimit(.minutes(1)))
struct FaultProxyTests {
    /// Runs `body` with a proxy before an upstream that serves ten bytes everywhere.
    private func withProxy(_ body: (FaultProxy) async throws -> Void) async throws {
        try await HTTPTestServer.with(
            on: .loopback,
            { request, responder in
                if request.method == .PUT {
                    var headers: HTTPHeaders = ["Location": "http://\(request.headers.first(name: "host") ?? "")/next"]
                    headers.add(name: "X-Length", value: String(try await request.collectBody().readableBytes))
                    return try await responder.respond(.created, headers: headers)
                }
                try await responder.respond(.ok, headers: ["X-Upstream": "yes"], text: "0123456789")
            }
        ) { upstream in
            try await FaultProxy.with(upstream: upstream.url) { try await body($0) }
        }
    }

    private func get(_ url: String) async throws -> (HTTPClientResponse, String) {
        let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(30))
        return (answer, String(buffer: try await answer.body.collect(upTo: 10_000_000)))
    }

    @Test("without rules requests and answers pass unchanged, and addresses in them name the proxy")
    func passesThrough() async throws {
        try await withProxy { proxy in
            let (answer, body) = try await get(proxy.url + "/a?b=c")
            #expect(answer.headers.first(name: "x-upstream") == "yes")
            #expect(body == "0123456789")

            var put = HTTPClientRequest(url: proxy.url + "/put")
            put.method = .PUT
            put.headers.add(name: "Authorization", value: "Basic secret")
            put.body = .bytes(ByteBuffer(repeating: 7, count: 300_000))
            let created = try await HTTPClient.shared.execute(put, timeout: .seconds(30))
            #expect(created.headers.first(name: "location") == "http://\(proxy.hostAndPort)/next")
            #expect(created.headers.first(name: "x-length") == "300000")

            var head = HTTPClientRequest(url: proxy.url + "/head")
            head.method = .HEAD
            let headed = try await HTTPClient.shared.execute(head, timeout: .seconds(30))
            #expect(headed.headers.first(name: "content-length") == "10")

            let log = proxy.log.entries
            #expect(log.map(\.path) == ["/a", "/put", "/head"])
            #expect(log.map(\.status) == [200, 201, 200])
            #expect(log.map(\.hasAuthorization) == [false, true, false])
            #expect(log.map(\.bytesSent) == [10, 0, 0])
        }
    }

    @Test("an answer is given in the upstream's stead, for the Nth match of its rule only")
    func answers() async throws {
        try await withProxy { proxy in
            proxy.inject(
                .answer(.tooManyRequests, headers: ["Retry-After": "3"], body: "slow"),
                method: .GET,
                path: .suffix("/x"),
                occurrence: .nth(2)
            )
            #expect(try await get(proxy.url + "/x").0.status == .ok)
            #expect(try await get(proxy.url + "/y").0.status == .ok)
            let (answer, body) = try await get(proxy.url + "/x")
            #expect(answer.status == .tooManyRequests)
            #expect(answer.headers.first(name: "retry-after") == "3")
            #expect(body == "slow")
            #expect(try await get(proxy.url + "/x").0.status == .ok)
        }
    }

    @Test("a rule ends when it is removed")
    func removes() async throws {
        try await withProxy { proxy in
            let rule = proxy.inject(.answer(.serviceUnavailable))
            let broken = try await get(proxy.url)
            #expect(broken.0.status == .serviceUnavailable)
            proxy.remove(rule)
            #expect(try await get(proxy.url).0.status == .ok)
        }
    }

    @Test("a cut body has exactly the bytes before the cut", arguments: [0, 1, 9])
    func cuts(after count: Int) async throws {
        try await withProxy { proxy in
            proxy.inject(.cut(afterBodyBytes: count))
            try await RawConnection.with(to: proxy.server) { client in
                try await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                let answer = try await client.readToEnd()
                #expect(answer.hasSuffix("\r\n\r\n" + String("0123456789".prefix(count))))
                #expect(answer.lowercased().contains("content-length: 10\r\n"))
            }
            let entry = try await proxy.waitFor { $0.isFinished }
            #expect(entry.bytesSent == count)
        }
    }

    @Test("a flipped bit changes one byte and no other", arguments: [0, 4, 9])
    func flips(at offset: Int) async throws {
        try await withProxy { proxy in
            proxy.inject(.flipBit(atByte: offset))
            var expected = Array("0123456789".utf8)
            expected[offset] ^= 1
            let (_, body) = try await get(proxy.url)
            #expect(Array(body.utf8) == expected)
        }
    }

    @Test("a disconnect gives no answer at all")
    func disconnects() async throws {
        try await withProxy { proxy in
            proxy.inject(.disconnect, method: .GET, occurrence: .first(1))
            try await RawConnection.with(to: proxy.server) { client in
                try await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.readToEnd() == "")
            }
        }
    }

    @Test("a hanging request is started, is never answered, and ends with its client")
    func hangs() async throws {
        try await withProxy { proxy in
            proxy.inject(.hang)
            try await RawConnection.with(to: proxy.server) { client in
                try await client.write("GET /h HTTP/1.1\r\nHost: x\r\n\r\n")
                let entry = try await proxy.waitFor { $0.path == "/h" }
                #expect(entry.status == nil && !entry.isFinished)
            }
            let ended = try await proxy.waitFor { $0.isFinished }
            #expect(ended.status == nil)
        }
    }

    @Test("delay and latency hold an answer back, a throttle and the bandwidth its body")
    func shapes() async throws {
        try await withProxy { proxy in
            // Only lower bounds: a busy machine may take longer, never shorter.
            proxy.shape(latency: .milliseconds(30), bytesPerSecond: nil)
            #expect(try await duration(proxy) >= .milliseconds(30))
            proxy.inject(.delay(.milliseconds(50)))
            #expect(try await duration(proxy) >= .milliseconds(80))
            proxy.removeAllRules()
            proxy.shape(latency: .zero, bytesPerSecond: 100)
            #expect(try await duration(proxy) >= .milliseconds(100))
            proxy.shape(latency: .zero, bytesPerSecond: nil)
            proxy.inject(.throttle(bytesPerSecond: 50))
            let throttled = try await duration(proxy)
            #expect(throttled >= .milliseconds(200))
        }
    }

    private func duration(_ proxy: FaultProxy) async throws -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        let (_, body) = try await get(proxy.url)
        #expect(body == "0123456789")
        return start.duration(to: clock.now)
    }

    @Test("offline breaks what is in progress and what comes, online serves again on the same port")
    func offline() async throws {
        try await withProxy { proxy in
            proxy.inject(.hang, path: .suffix("/h"))
            try await RawConnection.with(to: proxy.server) { client in
                try await client.write("GET /h HTTP/1.1\r\nHost: x\r\n\r\n")
                try await proxy.waitFor { $0.path == "/h" }
                proxy.goOffline()
                await #expect(throws: (any Error).self) { _ = try await client.readToEnd() }
            }
            await #expect(throws: (any Error).self) { _ = try await get(proxy.url) }
            proxy.goOnline()
            #expect(try await get(proxy.url).1 == "0123456789")
        }
    }

    @Test("an upstream that can't be reached is a 502 that says so")
    func badGateway() async throws {
        // A port that was free a moment ago.
        let port = try await HTTPTestServer.with(on: .loopback, { _, _ in }) { $0.port }
        try await FaultProxy.with(upstream: "http://127.0.0.1:\(port)") { proxy in
            let (answer, body) = try await get(proxy.url)
            #expect(answer.status == .badGateway)
            #expect(body.contains("127.0.0.1:\(port)"))
        }
    }

    @Test("a body is passed on as fast as its reader takes it, not held whole")
    func backPressure() async throws {
        let chunk = ByteBuffer(repeating: 1, count: 1_000_000)
        try await HTTPTestServer.with(
            on: .loopback,
            { _, responder in
                try await responder.start(.ok)
                // Endless: only back-pressure keeps this from filling the memory.
                while true { try await responder.write(chunk) }
            }
        ) { upstream in
            try await FaultProxy.with(upstream: upstream.url) { proxy in
                try await RawConnection.with(to: proxy.server) { client in
                    try await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    _ = try await client.read(through: "\r\n\r\n")
                    try await proxy.waitFor { $0.bytesSent > 0 }
                }
                // Far less than a reader without a brake would have been sent by the time it went away.
                let entry = try await proxy.waitFor { $0.isFinished }
                #expect(entry.bytesSent < 100_000_000)
            }
        }
    }
}
