import NIOCore
import NIOHTTP1
import RoostCore
import RoostTesting
import Testing

@testable import DockerEngine

@Suite("Attaching", .timeLimit(.minutes(1)))
struct AttachTests {
    /// Says exactly these bytes to whoever attaches, and ends the connection.
    private func attached(
        to bytes: [ByteBuffer],
        streams: AttachStreams = [.stdout, .stderr],
        _ body: (AttachedContainer) async throws -> Void
    ) async throws {
        try await HTTPTestServer.with({ request, answer in
            guard request.components.last == "attach" else { return try await TinyEngine.handle(request, answer) }
            let connection = try await answer.hijack()
            for chunk in bytes { try await connection.write(chunk) }
        }) { server in
            let endpoint = EngineEndpoint(address: .tcp(host: "127.0.0.1", port: server.port))
            try await EngineClient.with(endpoint) { client in
                try await client.attach("x", streams, body: body)
            }
        }
    }

    private func frame(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer(bytes: [1, 0, 0, 0])
        buffer.writeInteger(UInt32(text.utf8.count))
        buffer.writeString(text)
        return buffer
    }

    @Test("bytes that arrive together with the engine's consent are kept", arguments: [true, false])
    func earlyBytes(halfCloses: Bool) async throws {
        // One packet on the wire: the head and the first frames are read at once.
        try await TemporaryDirectory.with { folder in
            let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
            var packet = ByteBuffer(string: head)
            for text in ["early ", "bird"] { packet.writeImmutableBuffer(frame(text)) }
            let path = folder.path("s")
            try await RawServer.with(path: path, answering: packet, halfCloses: halfCloses) {
                let transport = try EngineTransport(endpoint: EngineEndpoint(address: .unix(path: path)))
                let request = EngineRequest(.POST, "/containers/x/attach", operation: "attach", deadline: .seconds(30))
                let channel = try await transport.upgrade(request, version: nil)
                let text = try await channel.executeThenClose { inbound, _ in
                    var decoder = LogFrameDecoder()
                    var text = ""
                    for try await chunk in inbound {
                        text += try decoder.decode(chunk).map { String(buffer: $0.bytes) }.joined()
                    }
                    return text
                }
                #expect(text == "early bird")
                try await transport.shutdown()
            }
        }
    }

    @Test("a cancelled reader is handed nothing more, though all of the output has come: no gap in what it was handed")
    func cancelledReader() async throws {
        let transport = try EngineTransport(endpoint: EngineEndpoint(address: .unix(path: "/nowhere")))
        let (inbound, source) = NIOAsyncChannelInboundStream<ByteBuffer>.makeTestingStream()
        let attached = AttachedContainer(
            inbound: inbound,
            outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>.makeTestingWriter().0,
            transport: transport,
            request: EngineRequest(.POST, "/containers/x/attach", operation: "attach", deadline: .seconds(30))
        )
        for text in ["taken", "dropped", "behind a gap"] { source.yield(frame(text)) }
        source.finish()
        let seen = Shared<[String]>([])
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await attached.readOutput { frames in
                        seen.update { $0 += frames.map { String(buffer: $0.bytes) } }
                        if seen.value.count == 2 { withUnsafeCurrentTask { $0?.cancel() } }
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(seen.value == ["taken", "dropped"])
        try await transport.shutdown()
    }

    @Test("output that is no frame is refused")
    func garbage() async throws {
        let error = await #expect(throws: EngineError.self) {
            try await attached(to: [ByteBuffer(string: "raw terminal output")]) { try await $0.readOutput { _ in } }
        }
        guard case .invalidAnswer = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("an end within a frame is a loss", arguments: [1, 8, 10])
    func truncated(length: Int) async throws {
        let part = try #require(frame("hello").getSlice(at: 0, length: length))
        let error = await #expect(throws: EngineError.self) {
            try await attached(to: [frame("whole"), part]) { try await $0.readOutput { _ in } }
        }
        #expect(error?.isConnectionLoss == true)
    }

    @Test("a refusal brings the engine's status and message", arguments: [404, 409, 500])
    func refusal(status: Int) async throws {
        try await FakeEngine.with { fake in
            try await EngineClient.with(fake.endpoint) { client in
                fake.fail(.init(.POST, "/containers/*/attach"), .status(status, message: "not now"))
                let error = await #expect(throws: EngineError.self) {
                    try await client.attach("x", [.stdout]) { _ in Issue.record("it was attached") }
                }
                #expect(error?.statusCode == status)
                #expect(error?.description.contains("not now") == true)
            }
        }
    }

    @Test("a connection that ends instead of an answer is a loss")
    func dropped() async throws {
        try await FakeEngine.with { fake in
            try await EngineClient.with(fake.endpoint) { client in
                fake.fail(.init(.POST, "/containers/*/attach"), .dropConnection)
                let error = await #expect(throws: EngineError.self) {
                    try await client.attach("x", [.stdout]) { _ in }
                }
                #expect(error?.isConnectionLoss == true, "\(String(describing: error))")
            }
        }
    }

    @Test("cancelling while the engine has not answered ends the attach, and the connection")
    func cancelled() async throws {
        try await FakeEngine.with { fake in
            try await EngineClient.with(fake.endpoint) { client in
                let pattern = FakeEngine.CallPattern(.POST, "/containers/*/attach")
                fake.fail(pattern, .noAnswer)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await client.attach("x", [.stdout]) { _ in } }
                    try await fake.waitForCall(pattern)
                    group.cancelAll()
                    await #expect(throws: CancellationError.self) { try await group.waitForAll() }
                }
                #expect(try await fake.waitForEnd(of: pattern).ending == .abandoned)
            }
        }
    }

    @Test("what the body throws comes out as it is, and the connection is closed")
    func bodyThrows() async throws {
        struct Own: Error {}
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("base"), as: "base:1")
            try await EngineClient.with(fake.endpoint) { client in
                let id = try await client.createContainer(name: nil, ContainerSpecification(image: "base:1")).id
                await #expect(throws: Own.self) { try await client.attach(id, [.stdout]) { _ in throw Own() } }
                try await fake.waitForEnd(of: .init(.POST, "/containers/*/attach"))
            }
        }
    }
}
