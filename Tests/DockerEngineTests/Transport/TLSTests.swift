import NIOCore
import RoostTesting
import Testing

@testable import DockerEngine

@Suite("Engines behind TLS", .timeLimit(.minutes(1)))
struct TLSTests {
    /// Connects with the certificates of a folder; nil for a plain connection.
    private func connect(
        clientAuthority: String? = nil,
        host: String = "127.0.0.1",
        verifies: Bool? = true,
        _ write: (TemporaryDirectory) throws -> Void,
        body: (EngineClient) async throws -> Void = { _ = try await $0.images() }
    ) async throws {
        let tls = HTTPTestServer.TLS(
            certificateChain: TestCertificates.server,
            privateKey: TestCertificates.serverKey,
            clientAuthority: clientAuthority
        )
        try await TemporaryDirectory.with { folder in
            try write(folder)
            try await HTTPTestServer.with(tls: tls, TinyEngine.handle) { server in
                let endpoint = EngineEndpoint(
                    address: .tcp(host: host, port: server.port),
                    tls: verifies.map { EngineTLS(certificateFolder: folder.path, verifiesEngine: $0) }
                )
                try await EngineClient.with(endpoint, body: body)
            }
        }
    }

    @Test("the engine is known by its authority, by address and by name", arguments: ["127.0.0.1", "localhost"])
    func verified(host: String) async throws {
        try await connect(host: host) { try TestCertificates.write(to: $0, certificate: nil, key: nil) }
    }

    @Test("an engine of another authority is refused, and the message blames neither network nor engine log")
    func stranger() async throws {
        let error = await #expect(throws: EngineError.self) {
            try await connect { folder in
                try TestCertificates.write(to: folder, authority: TestCertificates.stranger, certificate: nil, key: nil)
            }
        }
        #expect(error?.kind == "unreachable", "\(String(describing: error))")
    }

    @Test("without verification any engine will do")
    func unverified() async throws {
        try await connect(verifies: false) { folder in
            try TestCertificates.write(to: folder, authority: TestCertificates.stranger, certificate: nil, key: nil)
        }
    }

    @Test("an engine that asks for a certificate gets it")
    func clientCertificate() async throws {
        try await connect(clientAuthority: TestCertificates.authority) { try TestCertificates.write(to: $0) }
    }

    @Test("without a certificate, or with one of another authority, the engine refuses", arguments: [true, false])
    func refusedClient(hasCertificate: Bool) async throws {
        let error = await #expect(throws: EngineError.self) {
            try await connect(clientAuthority: TestCertificates.authority) { folder in
                try TestCertificates.write(
                    to: folder,
                    certificate: hasCertificate ? TestCertificates.outsider : nil,
                    key: hasCertificate ? TestCertificates.outsiderKey : nil
                )
            }
        }
        #expect(error?.isEngineUnavailable == true, "\(String(describing: error))")
    }

    @Test("attaching goes through TLS as well, both ways", arguments: ["127.0.0.1", "localhost"])
    func attach(host: String) async throws {
        try await connect(clientAuthority: TestCertificates.authority, host: host) {
            try TestCertificates.write(to: $0)
        } body: { client in
            let text = try await client.attach("x", [.stdin, .stdout]) { container in
                var frame = ByteBuffer(bytes: [1, 0, 0, 0, 0, 0, 0, 5])
                frame.writeString("hello")
                try await container.write(frame)
                container.closeStdin()
                var text = ""
                try await container.readOutput { text += $0.map { String(buffer: $0.bytes) }.joined() }
                return text
            }
            #expect(text == "hello")
        }
    }

    @Test("certificates that can't be read name their folder, and not the key")
    func unreadable() async throws {
        for (certificate, key) in [
            ("garbage", TestCertificates.clientKey), (TestCertificates.client, "garbage"),
            (TestCertificates.client, nil),
        ] {
            let error = await #expect(throws: EngineError.self) {
                try await connect { try TestCertificates.write(to: $0, certificate: certificate, key: key) }
            }
            guard case .badConfiguration(let message) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(message.contains("ca.pem, cert.pem and key.pem"))
            #expect(!message.contains("PRIVATE"))
        }
    }

    @Test("a plain engine behind a TLS address, and the reverse, is an error")
    func mismatch() async throws {
        await #expect(throws: EngineError.self) { try await connect(verifies: nil) { _ in } }
    }
}
