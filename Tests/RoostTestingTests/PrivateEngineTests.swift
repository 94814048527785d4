import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Testing

@Suite(
    "A private engine",
    .enabled(if: TestEnvironment.hasScripts, "\(TestEnvironment.whySkipped)"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct PrivateEngineTests {
    private func ping(_ engine: PrivateEngine) async throws -> Bool {
        let url = try #require(URL(httpURLWithSocketPath: engine.socketPath, uri: "/_ping"))
        var request = HTTPClientRequest(url: url.absoluteString)
        request.headers.add(name: "Host", value: "docker")
        return try await HTTPClient.shared.execute(request, timeout: .seconds(10)).status == .ok
    }

    @Test("it answers, dies when it is killed, comes back, and leaves nothing behind")
    func lifeCycle() async throws {
        let socket = try await PrivateEngine.with { engine in
            #expect(try await ping(engine))
            try await engine.kill()
            await #expect(throws: (any Error).self) { try await ping(engine) }
            try await engine.restart()
            #expect(try await ping(engine))
            return engine.socketPath
        }
        #expect(!FileManager.default.fileExists(atPath: URL(fileURLWithPath: socket).deletingLastPathComponent().path))
    }
}
