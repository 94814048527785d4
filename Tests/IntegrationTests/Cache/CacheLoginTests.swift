import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Subprocess
import SystemPackage
import Testing

@Suite(
    "upstreams of the image cache that want a login",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct CacheLoginTests {
    /// `tester` and `cache-secret`.
    private static let passwords = "tester:$2b$04$qyA1q1qvGh0gGeCWSf.1wOQdra52BTfh/nPERO6YcBlVQCuGp.gWm\n"
    private static let secret = "cache-secret"

    private static func script(_ arguments: [String]) async throws -> String {
        let ended = try await Subprocess.run(
            .path(FilePath(try TestEnvironment.requireScripts() + "/local-registry")),
            arguments: Arguments(arguments),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        try #require(ended.terminationStatus.isSuccess, "\(ended.standardError)")
        return ended.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A real registry's address, which wants a password for everything, on storage that has been filled without one.
    private static func withRegistry(
        _ image: TestImage,
        _ body: (String) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            let folder = directory.path("registry")
            let passwords = try directory.write(passwords, to: "htpasswd")
            let result: Result<Void, any Error>
            do {
                let address = try await script(["start", "--dir", folder, "--htpasswd", passwords])
                try await push(image, to: address)
                result = .success(try await body(address))
            } catch {
                result = .failure(error)
            }
            _ = try await Task { try await script(["stop", "--dir", folder]) }.value
            try result.get()
        }
    }

    /// Pushes with the password, which a proxy in between does not know: by skopeo.
    private static func push(_ image: TestImage, to address: String) async throws {
        try await InMemoryRegistry.with { registry in
            image.add(to: registry, repository: "private/a", tag: "1")
            let ended = try await Subprocess.run(
                .name("skopeo"),
                arguments: [
                    "copy", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false",
                    "--dest-creds=tester:\(secret)", "docker://\(registry.hostAndPort)/private/a:1",
                    "docker://\(address)/private/a:1",
                ],
                output: .discarded,
                error: .string(limit: 1 << 20)
            )
            try #require(ended.terminationStatus.isSuccess, "\(ended.standardError)")
        }
    }

    /// Writes settings in which `docker.io` has a login whose password stands in a file.
    private static func logIn(_ sandbox: RoostSandbox, _ url: String, password: String = secret) throws {
        let file = try sandbox.directory.write(password + "\n", to: "token")
        try #require(chmod(file, 0o600) == 0)
        let folder = sandbox.directory.path("roost/config")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try sandbox.directory.write(
            "[cache.upstreams.\"docker.io\"]\nurl = \"\(url)\"\nusername = \"tester\"\ntoken_file = \"\(file)\"\n",
            to: "roost/config/config.toml"
        )
    }

    private static func expect(_ image: TestImage, from cache: CacheBench) async throws {
        let answer = try await cache.get(CacheBench.manifest("1", of: "private/a"))
        #expect(answer.isExactly(image.manifest), "\(answer.status) \(String(decoding: answer.bytes, as: UTF8.self))")
        for layer in image.layers {
            #expect(try await cache.get(CacheBench.blob(layer.digest, of: "private/a")).isExactly(layer.blob))
        }
        for stream in [RoostProcess.Stream.output, .error] {
            #expect(!cache.process.written(on: stream).contains(secret))
        }
    }

    @Test(
        "a real registry that wants a password gets it from the file; without it, or with a wrong one, clients get a 403"
    )
    func password() async throws {
        let image = try TestImage.random()
        try await Self.withRegistry(image) { address in
            try await RoostSandbox.with { sandbox in
                let url = "http://\(address)"
                try await CacheBench.with(sandbox, upstreams: ["docker.io": url]) { cache in
                    let answer = try await cache.get(CacheBench.manifest("1", of: "private/a"))
                    #expect(answer.status == 403 && answer["www-authenticate"] == nil)
                }
                try Self.logIn(sandbox, url, password: "wrong")
                try await CacheBench.with(sandbox, upstreams: [:]) { cache in
                    let answer = try await cache.get(CacheBench.manifest("1", of: "private/a"))
                    #expect(answer.status == 403)
                }
                try Self.logIn(sandbox, url)
                try await CacheBench.with(sandbox, upstreams: [:]) { try await Self.expect(image, from: $0) }
            }
        }
    }

    @Test("a registry with a token service: one token serves an image, and another follows once that is worthless")
    func token() async throws {
        let settings = TokenAuthentication(users: ["tester": Self.secret], allowsAnonymous: false)
        try await InMemoryRegistry.with(authentication: .token(settings)) { registry in
            let (image, other) = (try TestImage.random(), try TestImage.random())
            image.add(to: registry, repository: "private/a", tag: "1")
            other.add(to: registry, repository: "private/a", tag: "2")
            try await RoostSandbox.with { sandbox in
                try Self.logIn(sandbox, registry.url)
                try await CacheBench.with(sandbox, upstreams: [:]) { cache in
                    try await Self.expect(image, from: cache)
                    #expect(registry.log.requests(pathSuffix: "/token").count == 1)
                    registry.revokeTokens()
                    let second = try await cache.get(CacheBench.manifest("2", of: "private/a"))
                    #expect(second.isExactly(other.manifest))
                    #expect(registry.log.requests(pathSuffix: "/token").count == 2)
                }
            }
        }
    }

    @Test("a blob of a private repository is not served by its digest to those who ask for it elsewhere")
    func digestAlone() async throws {
        try await InMemoryRegistry.with { registry in
            let image = try TestImage.random()
            image.add(to: registry, repository: "private/a", tag: "1")
            try TestImage.random().add(to: registry, repository: "public/b", tag: "1")
            try await RoostSandbox.with { sandbox in
                let upstreams = ["docker.io": registry.url, "quay.io": registry.url]
                try await CacheBench.with(sandbox, upstreams: upstreams) { cache in
                    try await Self.expect(image, from: cache)
                    #expect(try await cache.get(CacheBench.manifest("1", of: "public/b")).status == 200)
                    let digest = image.layers[0].digest
                    for repository in ["public/b", "quay.io/public/b", "library/none"] {
                        for method in ["GET", "HEAD"] {
                            let path = CacheBench.blob(digest, of: repository)
                            #expect(try await cache.get(path, method: .init(rawValue: method)).status == 404)
                        }
                        let path = CacheBench.manifest(image.manifestDigest, of: repository)
                        #expect(try await cache.get(path).status == 404)
                    }
                }
            }
        }
    }
}
