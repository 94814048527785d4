import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import DockerEngine

@Suite("Engines that can't be reached", .timeLimit(.minutes(1)))
struct EngineUnreachableTests {
    private func connect(to endpoint: EngineEndpoint) async -> EngineError? {
        await #expect(throws: EngineError.self) { try await EngineClient.with(endpoint) { _ in } }
    }

    @Test("a socket that is missing, and one where nobody listens, are told apart")
    func missingAndRefused() async throws {
        try await TemporaryDirectory.with { folder in
            let path = folder.path("docker.sock")
            let endpoint = EngineEndpoint(address: .unix(path: path))
            let missing = await connect(to: endpoint)
            guard case .socketMissing(path) = missing else {
                Issue.record("\(String(describing: missing))")
                return
            }
            // A socket file stays behind when its engine is killed.
            try await HTTPTestServer.with(on: .unixSocket(path), { _, answer in try await answer.respond(.ok) }) { _ in
                try FileManager.default.linkItem(atPath: path, toPath: path + ".stale")
            }
            let stale = EngineEndpoint(address: .unix(path: path + ".stale"))
            let refused = await connect(to: stale)
            guard case .connectionRefused(stale.description) = refused else {
                Issue.record("\(String(describing: refused))")
                return
            }
        }
    }

    @Test("attaching tells them apart in the same way")
    func attach() async throws {
        try await FakeEngine.with { fake in
            try await EngineClient.with(fake.endpoint) { client in
                guard case .unix(let path) = fake.endpoint.address else { return }
                try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
                let missing = await #expect(throws: EngineError.self) {
                    try await client.attach("x", [.stdout]) { _ in }
                }
                try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
                guard case .socketMissing(path) = missing else {
                    Issue.record("\(String(describing: missing))")
                    return
                }
            }
        }
    }

    @Test("no listener at a tcp port is a refusal too")
    func tcpRefused() async throws {
        let port = try await HTTPTestServer.with({ _, answer in try await answer.respond(.ok) }, body: { $0.port })
        for host in ["127.0.0.1", "localhost"] {
            let endpoint = EngineEndpoint(address: .tcp(host: host, port: port))
            let error = await connect(to: endpoint)
            guard case .connectionRefused(endpoint.description) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test(
        "the sockets' errors are translated by their numbers",
        arguments: [
            (ENOENT, "socketMissing"), (EACCES, "permissionDenied"), (EPERM, "permissionDenied"),
            (ECONNREFUSED, "connectionRefused"), (ECONNRESET, "connectionLost"), (EPIPE, "connectionLost"),
            (EHOSTUNREACH, "unreachable"), (EMFILE, "unreachable"),
        ]
    )
    func errorNumbers(number: Int32, kind: String) throws {
        let translation = TransportErrorTranslation(
            endpoint: .defaultSocket,
            operation: "list images",
            limit: .seconds(1)
        )
        let error = try #require(
            translation.translate(IOError(errnoCode: number, reason: "connect")) as? EngineError
        )
        #expect(error.kind == kind)
        #expect(error.isEngineUnavailable)
    }

    @Test("no permission is told with what gives it")
    func permission() {
        let text = EngineError.permissionDenied(path: "/var/run/docker.sock").description
        #expect(text.contains("/var/run/docker.sock"))
        #expect(text.contains("usermod -aG docker"))
    }

    @Test("what answers without an API version is no engine")
    func notAnEngine() async throws {
        try await HTTPTestServer.with({ _, answer in try await answer.respond(.ok, text: "<html>") }) { server in
            let endpoint = EngineEndpoint(address: .tcp(host: "127.0.0.1", port: server.port))
            guard case .invalidAnswer = await connect(to: endpoint) else {
                Issue.record("it was taken for an engine")
                return
            }
        }
    }
}
