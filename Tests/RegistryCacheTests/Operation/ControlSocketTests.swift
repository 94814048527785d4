import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The control socket", .timeLimit(.minutes(2)))
struct ControlSocketTests {
    private static func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }

    @Test("is of mode 0600 in a folder of mode 0700, and gone when the cache is")
    func permissions() async throws {
        let path = Shared("")
        try await ControlFixture.with { fixture in
            path.update { $0 = fixture.socket }
            let folder = URL(filePath: fixture.socket).deletingLastPathComponent().path
            let modes = (socket: try Self.mode(fixture.socket), folder: try Self.mode(folder))
            #expect(modes.socket == 0o600)
            #expect(modes.folder == 0o700)
        }
        #expect(!FileManager.default.fileExists(atPath: path.value))
    }

    @Test("has all of it, and the port none")
    func port() async throws {
        try await ControlFixture.with { fixture in
            for target in ["/v1/status", "/metrics", "/v1/blobs"] {
                #expect(try await fixture.get(target).status == 404)
            }
            let text = try await fixture.ask { try await $0.text(.metrics) }
            #expect(text.contains("roost_cache_cap_bytes \(1 << 30)\n"))
        }
    }

    @Test("is not opened in a folder that others may change, nor over something else")
    func places() async throws {
        try await TemporaryDirectory.with { directory in
            let folder = directory.url.appending(path: "open")
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true
            )
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
            #expect(throws: ControlSocketError.self) {
                try ControlSocket(binding: folder.appending(path: "s").path)
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path)
            let path = folder.appending(path: "s").path
            try Data().write(to: URL(filePath: path))
            #expect(throws: ControlSocketError.self) { try ControlSocket(binding: path) }
            try FileManager.default.removeItem(atPath: path)
            let first = try ControlSocket(binding: path)
            // Somebody listens there.
            #expect(throws: ControlSocketError.self) { try ControlSocket(binding: path) }
            first.close()
            // What an earlier cache has left is replaced.
            let second = try ControlSocket(binding: path)
            second.close()
            second.remove()
            #expect(throws: ControlSocketError.self) {
                try ControlSocket(binding: folder.path + "/" + String(repeating: "x", count: 200))
            }
        }
    }

    @Test("that nobody listens on is told apart")
    func nobody() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.url.appending(path: "s").path
            for isLeft in [false, true] {
                if isLeft { try ControlSocket(binding: path).close() }
                let failure = await #expect(throws: ControlFailure.self) {
                    try await ControlClient.with([path]) { try await $0.document(CacheStatusDocument.self, .status) }
                }
                #expect(failure == .notServed([path]))
                #expect(
                    failure?.description.hasPrefix("no cache is served here: start it with 'roost cache serve'") == true
                )
            }
        }
    }

    @Test("answers refusals as documents")
    func refusals() async throws {
        try await ControlFixture.with { fixture in
            let image = try ImageReference(parsing: "ghcr.io/org/app:1")
            let done = try await fixture.ask { client in
                try await client.document(CachePrefetchDocument.self, .prefetch([image], .host)) { _ in }
            }
            #expect(done.images.first?.error?.contains("none of the cache's upstreams (quay.io)") == true)
        }
    }
}
