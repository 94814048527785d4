import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The body of a blob from an upstream")
struct UpstreamBodyTests {
    /// A server that begins an answer of 1000 bytes, and then does what `answer` says.
    private func withServer(
        _ answer: @escaping @Sendable (HTTPTestResponder) async throws -> Void,
        body: (UpstreamHarness) async throws -> Void
    ) async throws {
        try await HTTPTestServer.with { _, responder in
            try await responder.start(.ok, headers: ["Content-Length": "1000"])
            try await answer(responder)
        } body: { server in
            try await UpstreamHarness.with(url: server.url) { try await body($0) }
        }
    }

    @Test("a body that is cut off ends early, and says how much was to come")
    func cut() async throws {
        try await withServer { responder in
            try await responder.write(ByteBuffer(repeating: 7, count: 400))
            try await responder.abort()
        } body: { upstream in
            let (body, bytes) = try await upstream.read(TestContent.digest)
            #expect(bytes.count == 400 && body.end == 1000)
        }
    }

    @Test("a connection that is reset in the body is an upstream that is not available")
    func reset() async throws {
        let received = Gate()
        try await withServer { responder in
            try await responder.write("x")
            try await received.wait()
            try await responder.reset()
        } body: { upstream in
            let body = try await upstream.client.open(TestContent.digest, of: upstream.repository(), range: nil)
            let error = await upstreamError {
                for try await _ in body.chunks { received.open() }
                return 0
            }
            guard case .unavailable = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(upstream.status?.failures == 1)
        }
    }

    @Test("an upstream that trickles is given up once a window has passed, however steadily it does")
    func trickle() async throws {
        let next = Shared(AsyncStream<Void>.makeStream())
        let ended = Gate()
        try await withServer { responder in
            defer { ended.open() }
            for await _ in next.value.stream { try await responder.write("x") }
            try await responder.hang()
        } body: { upstream in
            let body = try await upstream.client.open(TestContent.digest, of: upstream.repository(), range: nil)
            let arrivals = [Gate(), Gate()]
            try await withThrowingTaskGroup(of: (Int, UpstreamError?).self) { group in
                group.addTask {
                    let count = Shared(0)
                    let error = await upstreamError {
                        for try await chunk in body.chunks {
                            count.update { $0 += chunk.readableBytes }
                            for arrival in arrivals.prefix(count.value) { arrival.open() }
                        }
                        return 0
                    }
                    return (count.value, error)
                }
                for (left, arrival) in zip([30, 20], arrivals) {
                    try await upstream.time.waitForSleepers { $0 == [.seconds(left)] }
                    upstream.time.advance(by: .seconds(10))
                    next.value.continuation.yield()
                    try await arrival.wait()
                }
                try await upstream.time.waitForSleepers { $0 == [.seconds(10)] }
                upstream.time.advance(by: .seconds(10))
                let (count, error) = try await group.next() ?? (0, nil)
                guard case .tooSlow = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(count == 2)
            }
            // Nobody goes on reading it, so the request is over.
            next.value.continuation.finish()
            try await ended.wait()
            #expect(upstream.status?.lastError == "the upstream sends too slowly")
        }
    }

    @Test("a body that comes fast enough is waited for, window after window")
    func steady() async throws {
        let next = Shared(AsyncStream<Void>.makeStream())
        try await HTTPTestServer.with { _, responder in
            try await responder.start(.ok)
            for await _ in next.value.stream {
                try await responder.write(ByteBuffer(repeating: 1, count: 40_000))
            }
            try await responder.finish()
        } body: { server in
            try await UpstreamHarness.with(url: server.url) { upstream in
                let body = try await upstream.client.open(TestContent.digest, of: upstream.repository(), range: nil)
                #expect(body.end == nil && body.totalSize == nil)
                // Three windows of thirty seconds, with enough in each of them.
                let arrivals = (0..<9).map { _ in Gate() }
                try await withThrowingTaskGroup(of: Int.self) { group in
                    group.addTask {
                        var count = 0
                        for try await chunk in body.chunks {
                            count += chunk.readableBytes
                            for arrival in arrivals.prefix(count / 40_000) { arrival.open() }
                        }
                        return count
                    }
                    for arrival in arrivals {
                        try await upstream.time.waitForSleepers { $0.count == 1 }
                        upstream.time.advance(by: .seconds(10))
                        next.value.continuation.yield()
                        try await arrival.wait()
                    }
                    next.value.continuation.finish()
                    #expect(try await group.next() == 360_000)
                }
            }
        }
    }

    @Test("to leave a body ends its request", arguments: [true, false])
    func left(begun: Bool) async throws {
        let ended = Gate()
        try await withServer { responder in
            defer { ended.open() }
            try await responder.write("x")
            try await responder.hang()
        } body: { upstream in
            do {
                let body = try await upstream.client.open(TestContent.digest, of: upstream.repository(), range: nil)
                if begun {
                    for try await _ in body.chunks { break }
                }
            }
            try await ended.wait()
        }
    }

    @Test("to cancel who reads a body ends its request")
    func cancelled() async throws {
        let ended = Gate()
        try await withServer { responder in
            defer { ended.open() }
            try await responder.write("x")
            try await responder.hang()
        } body: { upstream in
            let body = try await upstream.client.open(TestContent.digest, of: upstream.repository(), range: nil)
            let received = Gate()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await _ in body.chunks { received.open() }
                }
                try await received.wait()
                group.cancelAll()
                try await ended.wait()
                while let result = await group.nextResult() {
                    if case .failure(let error) = result {
                        guard case .cancelled = error as? UpstreamError else {
                            Issue.record("\(error)")
                            return
                        }
                    }
                }
            }
        }
    }
}
