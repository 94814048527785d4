import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RoostTesting
import Testing

@Suite("The HTTP server for tests", .timeLimit(.minutes(1)))
struct HTTPTestServerTests {
    @Test("a request reaches the handler with path, query, headers and body, each decoded once")
    func requestParts() async throws {
        try await HTTPTestServer.with(
            on: .loopback,
            { request, responder in
                #expect(request.method == .POST)
                #expect(request.path == "/v2/a%2Fb/c%20d")
                #expect(request.components == ["v2", "a/b", "c d"])
                #expect(request.queryValue("x") == "1&2")
                #expect(request.queryValues("y") == ["", "a b"])
                #expect(request.headers.first(name: "x-test") == "yes")
                let body = try await request.collectBody()
                try await responder.respond(.created, headers: ["X-Answer": "42"], text: "got " + String(buffer: body))
            }
        ) { server in
            var request = HTTPClientRequest(url: server.url + "/v2/a%2Fb/c%20d?x=1%262&y&y=a+b")
            request.method = .POST
            request.headers.add(name: "X-Test", value: "yes")
            request.body = .bytes(ByteBuffer(string: "hello"))
            let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            #expect(answer.status == .created)
            #expect(answer.headers.first(name: "x-answer") == "42")
            #expect(try await answer.body.collect(upTo: 1000) == ByteBuffer(string: "got hello"))
        }
    }

    @Test("pipelined requests are answered in order on one connection")
    func pipelining() async throws {
        try await HTTPTestServer.with(
            on: .loopback,
            { request, responder in
                let body = try await request.collectBody()
                // Time enough for the next request to overtake this one, if it could.
                if request.path == "/one" { for _ in 0..<10_000 { await Task.yield() } }
                let text = "\(request.path) \(String(buffer: body)) on \(request.connection);"
                try await responder.respond(.ok, text: text)
            }
        ) { server in
            try await RawConnection.with(to: server) { client in
                try await client.write(
                    "POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                        + "HEAD /two HTTP/1.1\r\nHost: x\r\n\r\n"
                        + "GET /three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                )
                let answers = try await client.readToEnd()
                #expect(answers.ranges(of: "HTTP/1.1 200 OK").count == 3)
                #expect(answers.contains("/one abc on 1;HTTP/1.1"))
                // The answer to the HEAD tells the length and has no body.
                #expect(!answers.contains("/two"))
                #expect(answers.hasSuffix("/three  on 1;"))
            }
            #expect(server.acceptedConnections == 1)
        }
    }

    @Test("a streamed answer arrives while the handler is still at it")
    func streaming() async throws {
        let gate = Gate()
        try await HTTPTestServer.with(
            on: .loopback,
            { _, responder in
                try await responder.start(.ok, headers: ["Content-Type": "text/plain"])
                try await responder.write("first\n")
                try await gate.wait()
                try await responder.write("second\n")
                try await responder.finish()
            }
        ) { server in
            let answer = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: server.url + "/"),
                timeout: .seconds(30)
            )
            var text = ""
            for try await chunk in answer.body {
                text += String(buffer: chunk)
                if text == "first\n" { gate.open() }
            }
            #expect(text == "first\nsecond\n")
        }
    }

    @Test("an aborted answer ends where it was cut, and the client can tell")
    func abort() async throws {
        try await HTTPTestServer.with(
            on: .loopback,
            { request, responder in
                if request.path == "/sized" {
                    try await responder.start(.ok, headers: ["Content-Length": "100"])
                } else {
                    try await responder.start(.ok)
                }
                try await responder.write("0123456789")
                try await responder.abort()
            }
        ) { server in
            for path in ["/sized", "/chunked"] {
                try await RawConnection.with(to: server) { client in
                    try await client.write("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                    let answer = try await client.readToEnd()
                    #expect(answer.contains("0123456789"))
                    #expect(!answer.hasSuffix("\r\n0\r\n\r\n"))
                }
                await #expect(throws: (any Error).self) {
                    let request = HTTPClientRequest(url: server.url + path)
                    let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
                    _ = try await answer.body.collect(upTo: 1000)
                }
            }
        }
    }

    @Test("an upgraded connection carries bytes both ways, and its sides end one by one")
    func hijack() async throws {
        let handler: HTTPTestServer.Handler = { request, responder in
            #expect(request.headers.first(name: "upgrade") == "tcp")
            let connection = try await responder.hijack(
                headers: ["Content-Type": "application/vnd.docker.raw-stream"]
            )
            try await connection.write("ready\n")
            var received = ""
            for try await bytes in connection.bytes { received += String(buffer: bytes) }
            // The client has ended its side and still reads.
            try await connection.write("echo " + received)
        }
        try await TemporaryDirectory.with { directory in
            for address in [.loopback, .unixSocket(directory.path("s"))] as [HTTPTestServer.Address] {
                try await HTTPTestServer.with(on: address, handler) { server in
                    try await RawConnection.with(to: server) { client in
                        try await client.write(
                            "POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                                // What follows the head at once is part of the raw bytes.
                                + "Content-Length: 0\r\n\r\nearly "
                        )
                        let head = try await client.read(through: "\r\n\r\n")
                        #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
                        #expect(head.contains("application/vnd.docker.raw-stream"))
                        #expect(try await client.read(through: "ready\n") == "ready\n")
                        try await client.write("late GET / HTTP/1.1\r\n\r\n")
                        try await client.closeWriting()
                        #expect(try await client.readToEnd() == "echo early late GET / HTTP/1.1\r\n\r\n")
                    }
                }
            }
        }
    }

    @Test("an upgrade that the handler declines is answered like any request")
    func declinedUpgrade() async throws {
        try await HTTPTestServer.with(
            on: .loopback,
            { _, responder in try await responder.respond(.notFound, text: "no such container") }
        ) { server in
            try await RawConnection.with(to: server) { client in
                try await client.write("POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
                let answer = try await client.readToEnd()
                #expect(answer.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
                #expect(answer.hasSuffix("no such container"))
            }
        }
    }

    @Test("a handler that never answers is cancelled when its client goes")
    func clientGoes() async throws {
        let started = Gate()
        let ended = Gate()
        try await HTTPTestServer.with(
            on: .loopback,
            { _, responder in
                started.open()
                defer { ended.open() }
                try await responder.hang()
            }
        ) { server in
            try await RawConnection.with(to: server) { client in
                try await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                try await started.wait()
            }
            try await ended.wait()
        }
    }

    @Test("a handler that never answers is cancelled when the server ends, and its client sees the end")
    func serverEnds() async throws {
        let started = Gate()
        let ended = Gate()
        await #expect(throws: (any Error).self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let port = try await HTTPTestServer.with(
                    on: .loopback,
                    { _, responder in
                        started.open()
                        defer { ended.open() }
                        try await responder.hang()
                    }
                ) { server in
                    let url = server.url
                    group.addTask { _ = try await HTTPClient.shared.get(url: url).get() }
                    try await started.wait()
                    return server.port
                }
                #expect(port > 0)
                try await ended.wait()
                try await group.waitForAll()
            }
        }
    }

    @Test("a reset connection fails rather than ends, and new ones fail while the server is offline")
    func offline() async throws {
        let started = Gate()
        try await HTTPTestServer.with(
            on: .loopback,
            { request, responder in
                guard request.path == "/hang" else { return try await responder.respond(.ok, text: "back") }
                started.open()
                try await responder.hang()
            }
        ) { server in
            try await RawConnection.with(to: server) { client in
                try await client.write("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
                try await started.wait()
                server.setOffline(true)
                await #expect(throws: (any Error).self) { _ = try await client.readToEnd() }
            }
            await #expect(throws: (any Error).self) { _ = try await HTTPClient.shared.get(url: server.url).get() }
            server.setOffline(false)
            #expect(try await HTTPClient.shared.get(url: server.url).get().status == .ok)
        }
    }

    @Test("a hundred connections are served at the same time")
    func manyConnections() async throws {
        let everybody = Gate(count: 100)
        try await HTTPTestServer.with(
            on: .loopback,
            { _, responder in
                // Answers only once all are there.
                everybody.open()
                try await everybody.wait()
                try await responder.respond(.ok, text: "ok")
            }
        ) { server in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await RawConnection.with(to: server) { client in
                            try await client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                            return try await client.readToEnd()
                        }
                    }
                }
                for try await answer in group { #expect(answer.hasSuffix("\r\n\r\nok")) }
            }
        }
    }

    @Test("a large body goes both ways unharmed, though neither side holds it whole")
    func largeBodies() async throws {
        var random = SplitMix64(seed: 1)
        let body = ByteBuffer(bytes: random.bytes(4_000_000))
        try await HTTPTestServer.with(
            on: .loopback,
            { request, responder in
                try await responder.start(.ok)
                for try await chunk in request.body { try await responder.write(chunk) }
                try await responder.finish()
            }
        ) { server in
            var request = HTTPClientRequest(url: server.url)
            request.method = .PUT
            request.body = .bytes(body)
            let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            #expect(try await answer.body.collect(upTo: 5_000_000) == body)
        }
    }

    @Test("an unread body does not stand in the way of the next request")
    func unreadBody() async throws {
        try await HTTPTestServer.with(on: .loopback, { _, responder in try await responder.respond(.ok, text: "ok") }) {
            server in
            try await RawConnection.with(to: server) { client in
                let body = String(repeating: "x", count: 1_000_000)
                try await client.write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + body)
                #expect(try await client.read(through: "\r\n\r\nok").hasPrefix("HTTP/1.1 200"))
                try await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.read(through: "\r\n\r\nok").hasPrefix("HTTP/1.1 200"))
            }
        }
    }

    @Test("a handler's failure shows as a 500 with its text")
    func handlerFails() async throws {
        struct Broken: Error {}
        try await HTTPTestServer.with(on: .loopback, { _, _ in throw Broken() }) { server in
            let answer = try await HTTPClient.shared.get(url: server.url).get()
            #expect(answer.status == .internalServerError)
            let text = answer.body.map { String(buffer: $0) }
            #expect(text?.contains("Broken") == true)
        }
    }
}
