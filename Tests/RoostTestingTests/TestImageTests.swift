import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Subprocess
import Testing

/// Whether the machine has the programs that these tests hold the images against.
func hasProgram(_ name: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
}

@Suite("Images made in memory", .timeLimit(.minutes(2)))
struct TestImageTests {
    private func run(_ program: String, _ arguments: String...) async throws -> (
        output: String, error: String, isSuccess: Bool
    ) {
        let ended = try await Subprocess.run(
            .name(program),
            arguments: Arguments(arguments),
            output: .string(limit: 10_000_000),
            error: .string(limit: 10_000_000)
        )
        return (ended.standardOutput, ended.standardError, ended.terminationStatus.isSuccess)
    }

    @Test("the same parts give the same digests, other parts others")
    func deterministic() throws {
        #expect(try TestImage.busybox.manifestDigest == TestImage.busybox.manifestDigest)
        let one = try TestImage.busybox(plusRandom: 1000, seed: 1)
        #expect(try TestImage.busybox(plusRandom: 1000, seed: 1).manifestDigest == one.manifestDigest)
        let two = try TestImage.busybox(plusRandom: 1000, seed: 2)
        #expect(one.manifestDigest != two.manifestDigest)
        #expect(one.layers[0].digest == two.layers[0].digest)
        #expect(one.layers[1].digest != two.layers[1].digest)
    }

    @Test(
        "a layer is a gzip'd tar that the system's own programs read",
        .enabled(if: hasProgram("tar") && hasProgram("gzip"))
    )
    func layers() async throws {
        let random = SplitMix64.sample(200_001)
        let layer = try TestLayer(files: [
            .directory("/dir", mode: 0o1777), .file("/dir/file", mode: 0o755, "text\n"), .file("/empty", ""),
            .symbolicLink("/link", to: "/dir/file"), .hardLink("/hard", to: "/dir/file"),
            .file("/random", ByteBuffer(bytes: random)),
        ])
        try await TemporaryDirectory.with { directory in
            let archive = directory.path("layer.tar.gz")
            try Data(layer.blob.readableBytesView).write(to: URL(fileURLWithPath: archive))
            let checked = try await run("gzip", "-t", archive)
            #expect(checked.isSuccess, "\(checked.error)")
            let listed = try await run("tar", "--numeric-owner", "-tvzf", archive)
            #expect(listed.isSuccess && listed.error.isEmpty, "\(listed.error)")
            #expect(listed.output.contains("drwxrwxrwt 0/0"))
            #expect(listed.output.contains("-rwxr-xr-x 0/0"))
            #expect(listed.output.contains("link -> /dir/file"))
            #expect(listed.output.contains("hard link to dir/file"))
            let extracted = try await run("tar", "-xzf", archive, "-C", directory.path)
            #expect(extracted.isSuccess, "\(extracted.error)")
            #expect(try String(contentsOfFile: directory.path("hard"), encoding: .utf8) == "text\n")
            #expect(FileManager.default.contents(atPath: directory.path("random")).map(Array.init) == random)
        }
    }

    @Test("skopeo reads an image from the registry in memory, all digests right", .enabled(if: hasProgram("skopeo")))
    func skopeoPulls() async throws {
        let docker = try TestImage.busybox(plusRandom: 100_000, seed: 7)
        let oci = try TestImage(layers: docker.layers, format: .oci)
        let other = try TestImage(layers: docker.layers, architecture: "riscv64")
        try await InMemoryRegistry.with { registry in
            docker.add(to: registry, repository: "org/app", tag: "docker")
            oci.add(to: registry, repository: "org/app", tag: "oci")
            try TestImageIndex([other, docker]).add(to: registry, repository: "org/app", tag: "index")
            for (tag, image) in [("docker", docker), ("oci", oci), ("index", docker)] {
                try await pull("\(registry.hostAndPort)/org/app:\(tag)", expecting: image)
            }
        }
    }

    @Test("skopeo reads from behind a token realm, through the proxy", .enabled(if: hasProgram("skopeo")))
    func skopeoWithToken() async throws {
        let image = try TestImage(layers: [TestLayer(files: [.file("/x", "x")])])
        let settings = TokenAuthentication(users: ["ann": "secret"], allowsAnonymous: false)
        try await InMemoryRegistry.with(authentication: .token(settings)) { registry in
            image.add(to: registry, repository: "app", tag: "v1")
            try await FaultProxy.with(upstream: registry.url) { proxy in
                let name = "\(proxy.hostAndPort)/app:v1"
                try await pull(name, expecting: image, "--src-creds=ann:secret")
                let token = try #require(proxy.log.requests(pathSuffix: "/token").first)
                #expect(token.hasAuthorization && token.status == 200)
                #expect(proxy.log.blobFetches[image.layers[0].digest] == 1)
                let refused = try await run(
                    "skopeo",
                    "inspect",
                    "--tls-verify=false",
                    "--creds=ann:no",
                    "docker://" + name
                )
                #expect(!refused.isSuccess)
            }
        }
    }

    @Test(
        "an image and an index go to a real registry, through the proxy, and come back the same",
        .enabled(if: hasProgram("docker-registry") && hasProgram("skopeo"), "needs docker-registry and skopeo")
    )
    func push() async throws {
        try await withRealRegistry { address in
            try await FaultProxy.with(upstream: "http://\(address)") { proxy in
                let image = try TestImage.busybox(plusRandom: 2_000_000, seed: 3)
                try await image.push(to: proxy.hostAndPort, repository: "library/app", tag: "v1")
                // Every upload went through the proxy, since the registry's addresses name it.
                let uploads = proxy.log.requests(method: .PUT).filter { $0.path.contains("/blobs/uploads/") }
                #expect(uploads.count == 3)
                #expect(uploads.map(\.status) == [201, 201, 201])
                try await pull("\(proxy.hostAndPort)/library/app:v1", expecting: image)
                proxy.log.removeAll()
                let other = try TestImage(layers: image.layers, architecture: "riscv64")
                try await TestImageIndex([image, other]).push(
                    to: proxy.hostAndPort,
                    repository: "library/app",
                    tag: "all"
                )
                // The layers were there already.
                let repeated = proxy.log.requests(method: .PUT).filter { $0.path.contains("/blobs/uploads/") }
                #expect(repeated.count == 1)
                try await pull("\(proxy.hostAndPort)/library/app:all", expecting: image)
            }
        }
    }

    /// Copies the image into a folder with skopeo, which checks every digest, and compares what arrived.
    private func pull(_ name: String, expecting image: TestImage, _ option: String = "--quiet") async throws {
        try await TemporaryDirectory.with { directory in
            let copied = try await run(
                "skopeo",
                "--insecure-policy",
                "copy",
                "--src-tls-verify=false",
                option,
                "docker://" + name,
                "dir:" + directory.path
            )
            #expect(copied.isSuccess, "\(copied.error)")
            let manifest = FileManager.default.contents(atPath: directory.path("manifest.json"))
            let digest = manifest.map { TestDigest.sha256(ByteBuffer(bytes: $0)) }
            #expect(digest == image.manifestDigest)
            for layer in image.layers {
                let blob = FileManager.default.contents(atPath: directory.path(String(layer.digest.dropFirst(7))))
                #expect(blob?.count == layer.size)
            }
        }
    }

    private func withRealRegistry(_ body: @escaping @Sendable (String) async throws -> Void) async throws {
        try await TemporaryDirectory.with { directory in
            let configuration = try directory.write(
                """
                version: 0.1
                storage: {filesystem: {rootdirectory: "\(directory.path("storage"))"}}
                http: {addr: "127.0.0.1:0"}
                """,
                to: "config.yml"
            )
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let command = RoostProcess.Command(
                executable: try await run("which", "docker-registry").output.trimmingCharacters(
                    in: .whitespacesAndNewlines
                ),
                arguments: ["serve", configuration],
                environment: ["PATH": path, "OTEL_TRACES_EXPORTER": "none"],
                workingDirectory: directory.path
            )
            _ = try await RoostProcess.run(command) { process in
                let line = try await process.line(on: .error) { $0.contains("listening on 127.0.0.1:") }
                let port = line.components(separatedBy: "listening on 127.0.0.1:")[1].prefix { $0.isNumber }
                do {
                    try await body("127.0.0.1:\(port)")
                } catch {
                    try process.send(.kill)
                    throw error
                }
                try process.send(.kill)
            }
        }
    }
}

extension SplitMix64 {
    fileprivate static func sample(_ count: Int) -> [UInt8] {
        var generator = SplitMix64(seed: 42)
        return generator.bytes(count)
    }
}
