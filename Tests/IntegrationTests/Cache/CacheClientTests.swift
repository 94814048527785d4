import Foundation
import NIOCore
import RoostTesting
import Subprocess
import SystemPackage
import Testing

@Suite(
    "skopeo and Podman at the image cache",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct CacheClientTests {
    /// The cache with an upstream `quay.io` that is really a registry of the tests, and the path of an image in it.
    private static func with(
        _ body: @escaping @Sendable (RoostSandbox, FaultProxy, _ image: TestImage, _ name: String) async throws -> Void
    ) async throws {
        let repository = cacheRepository()
        let image = try TestImage.busybox(plusRandom: 1 << 20, seed: .random(in: 1 ... .max))
        let registry = try TestEnvironment.requireRegistry()
        try await image.push(to: registry, repository: repository, tag: "1")
        try await FaultProxy.with(upstream: "http://\(registry)") { proxy in
            try await RoostSandbox.with { sandbox in
                try await CacheBench.with(sandbox, upstreams: ["quay.io": proxy.url]) { cache in
                    try await body(sandbox, proxy, image, "\(cache.address)/quay.io/\(repository):1")
                }
            }
        }
    }

    /// Runs a program of the system to its end, in a sandbox.
    private static func call(_ program: String, _ arguments: [String], _ sandbox: RoostSandbox) async throws -> String {
        let environment = sandbox.environment.reduce(into: [Environment.Key: String]()) { result, variable in
            if let key = Environment.Key(rawValue: variable.key) { result[key] = variable.value }
        }
        let ended = try await Subprocess.run(
            .name(program),
            arguments: Arguments(arguments),
            environment: .custom(environment),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(ended.terminationStatus.isSuccess, "\(program): \(ended.standardError)")
        return ended.standardOutput
    }

    @Test("skopeo copies an image by its path, whole, and a second time without a request to its registry")
    func skopeo() async throws {
        try await Self.with { sandbox, proxy, image, name in
            for copy in ["first", "second"] {
                let folder = sandbox.directory.path(copy)
                _ = try await Self.call(
                    "skopeo",
                    ["copy", "--insecure-policy", "--src-tls-verify=false", "docker://\(name)", "dir:\(folder)"],
                    sandbox
                )
                let manifest = try Data(contentsOf: URL(filePath: "\(folder)/manifest.json"))
                #expect(Array(manifest) == Array(image.manifest.readableBytesView))
                for layer in image.layers {
                    let file = try Data(
                        contentsOf: URL(filePath: "\(folder)/\(layer.digest.dropFirst("sha256:".count))")
                    )
                    #expect(Array(file) == Array(layer.blob.readableBytesView))
                }
                if copy == "second" { #expect(proxy.log.entries.isEmpty) }
                proxy.log.removeAll()
            }
        }
    }

    @Test("Podman pulls an image by its path, and a second time without a request to its registry")
    func podman() async throws {
        try await Self.with { sandbox, proxy, image, name in
            let folder = sandbox.directory.path("podman")
            try sandbox.writeDockerConfiguration("{}")
            let policy = try sandbox.write(#"{"default":[{"type":"insecureAcceptAnything"}]}"#, to: "policy.json")
            let common = ["--root", folder + "/root", "--runroot", folder + "/run", "--storage-driver", "vfs"]
            for round in 1...2 {
                let pulled = try await Self.call(
                    "podman",
                    common + ["pull", "--quiet", "--tls-verify=false", "--signature-policy", policy, name],
                    sandbox
                )
                #expect(image.configurationDigest.hasSuffix(pulled.trimmingCharacters(in: .whitespacesAndNewlines)))
                if round == 2 { #expect(proxy.log.entries.isEmpty) }
                proxy.log.removeAll()
                _ = try await Self.call("podman", common + ["rmi", "--force", name], sandbox)
            }
        }
    }
}
