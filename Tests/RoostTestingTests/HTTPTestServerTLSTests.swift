import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import RoostTesting
import Subprocess
import Testing

@Suite("The HTTP server for tests, with TLS", .timeLimit(.minutes(1)))
struct HTTPTestServerTLSTests {
    @Test("who trusts its certificate is served, and who does not is not", .enabled(if: hasProgram("openssl")))
    func certificate() async throws {
        try await TemporaryDirectory.with { directory in
            let made = try await Subprocess.run(
                .name("openssl"),
                arguments: [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", directory.path("key.pem"), "-out", directory.path("certificate.pem"),
                ],
                output: .discarded,
                error: .string(limit: 100_000)
            )
            #expect(made.terminationStatus.isSuccess, "\(made.standardError)")
            let tls = HTTPTestServer.TLS(
                certificateChain: try String(contentsOfFile: directory.path("certificate.pem"), encoding: .utf8),
                privateKey: try String(contentsOfFile: directory.path("key.pem"), encoding: .utf8)
            )
            try await HTTPTestServer.with(on: .loopback, tls: tls, { try await $1.respond(.ok, text: $0.path) }) {
                server in
                #expect(server.url.hasPrefix("https://127.0.0.1:"))
                var configuration = HTTPClient.Configuration()
                configuration.connectionPool.retryConnectionEstablishment = false
                await #expect(throws: (any Error).self) { try await get(server.url + "/a", configuration) }
                let roots = try NIOSSLCertificate.fromPEMBytes(Array(tls.certificateChain.utf8))
                configuration.tlsConfiguration = .makeClientConfiguration()
                configuration.tlsConfiguration?.trustRoots = .certificates(roots)
                let text = try await get(server.url + "/b", configuration)
                #expect(text == "/b")
            }
        }
    }

    private func get(_ url: String, _ configuration: HTTPClient.Configuration) async throws -> String {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let outcome: Result<String, any Error>
        do {
            let answer = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(30))
            outcome = .success(String(buffer: try await answer.body.collect(upTo: 1000)))
        } catch {
            outcome = .failure(error)
        }
        try await client.shutdown()
        return try outcome.get()
    }
}
