import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Subprocess
import Testing

@Suite(
    "the image cache's folder",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(20))
)
struct CacheCrashTests {
    private static let cap = 6 << 20

    /// The bytes of what the folder holds for others: whole blobs, partials, and what is quarantined.
    private static func usage(_ folder: String) -> Int {
        ["blobs", "partial", "quarantine"].reduce(0) { sum, name in
            let names = FileManager.default.enumerator(atPath: "\(folder)/\(name)")
            var sum = sum
            while let file = names?.nextObject() as? String {
                var status = stat()
                // As du counts: what the file takes of the disk.
                if lstat("\(folder)/\(name)/\(file)", &status) == 0, status.st_mode & S_IFMT == S_IFREG {
                    sum += min(Int(status.st_blocks) * 512, Int(status.st_size))
                }
            }
            return sum
        }
    }

    /// What the folder takes while the cache stands still: one that goes on could put a blob in the place of one that is counted already.
    /// Whoever calls this holds a lock, so that nobody else wakes the cache meanwhile.
    private static func usage(_ folder: String, of process: RoostProcess) throws -> Int {
        try process.send(.suspend)
        defer { try? process.send(.resume) }
        let tasks = "/proc/\(process.processID)/task"
        let states = { () throws -> [Substring?] in
            try FileManager.default.contentsOfDirectory(atPath: tasks).map { task in
                try String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8).split(separator: ")").last?
                    .split(separator: " ").first
            }
        }
        while try states().contains(where: { $0 != "T" }) { sched_yield() }
        return usage(folder)
    }

    private static func layers(_ count: Int, of size: Int) throws -> [TestLayer] {
        try (0..<count).map { _ in try .random(bytes: size, seed: .random(in: 1 ... .max)) }
    }

    @Test("five times its cap goes through the cache, and the folder is never larger than the cap")
    func capUnderLoad() async throws {
        let layers = try Self.layers(30, of: 1 << 20)
        try await InMemoryRegistry.with { registry in
            for layer in layers { registry.addBlob(layer.blob, to: "library/a") }
            try await RoostSandbox.with { sandbox in
                let folder = CacheBench.folder(sandbox)
                let options = ["--max-size", String(Self.cap)]
                try await CacheBench.with(sandbox, upstreams: ["docker.io": registry.url], options: options) { cache in
                    let largest = Shared(0)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for client in 0..<6 {
                            group.addTask {
                                for layer in layers[(client * 5)..<(client * 5 + 5)] {
                                    let path = CacheBench.blob(layer.digest, of: "library/a")
                                    for try await _ in try await cache.open(path).body {
                                        try largest.update { $0 = max($0, try Self.usage(folder, of: cache.process)) }
                                    }
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    #expect(largest.value <= Self.cap)
                    #expect(largest.value > Self.cap / 2)
                    for layer in layers {
                        let path = CacheBench.blob(layer.digest, of: "library/a")
                        #expect(try await cache.get(path).isExactly(layer.blob))
                        #expect(Self.usage(folder) <= Self.cap)
                    }
                }
            }
        }
    }

    @Test("killed while it fills: each blob is whole, resumable or gone, the cap holds, and the right bytes are served")
    func killed() async throws { try await Self.kill(rounds: 6, seed: .random(in: 1 ... .max)) }

    @Test(
        "killed while it fills, over and over",
        .enabled(if: ProcessInfo.processInfo.environment["ROOST_SOAK"] == "1", "only in make soak")
    )
    func soakKilled() async throws {
        try await Self.kill(rounds: 300, seed: Fuzzing.environmentSeed ?? .random(in: 1 ... .max))
    }

    /// Kills the cache when so many bytes of an upstream's answers have gone out as the seed says, then looks at its folder, and goes on
    /// with it.
    private static func kill(rounds: Int, seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let layers = try layers(8, of: 1 << 20)
        let digests = Set(layers.map(\.digest))
        try await InMemoryRegistry.with { registry in
            for layer in layers { registry.addBlob(layer.blob, to: "library/a") }
            try await RoostSandbox.with { sandbox in
                let folder = CacheBench.folder(sandbox)
                let options = ["--max-size", String(cap)]
                let upstreams = ["docker.io": registry.url]
                for round in 0..<rounds {
                    let due = Int.random(in: 0..<(5 << 20), using: &random)
                    let outcome = try await CacheBench.serve(sandbox, upstreams: upstreams, options: options) { cache in
                        try await fill(cache, layers.shuffled(), killAfter: due)
                    }
                    #expect(outcome.signal == 9, "round \(round), seed \(seed)")
                    #expect(usage(folder) <= cap, "round \(round), seed \(seed)")
                    // What has a blob's name is that blob.
                    for file in try files(folder) {
                        let bytes = try Data(contentsOf: URL(filePath: file.path))
                        let isRight = TestDigest.sha256(ByteBuffer(bytes: Array(bytes))) == file.digest
                        #expect(isRight && digests.contains(file.digest), "round \(round), seed \(seed)")
                    }
                }
                try await CacheBench.with(sandbox, upstreams: upstreams, options: options) { cache in
                    for layer in layers {
                        let path = CacheBench.blob(layer.digest, of: "library/a")
                        let answer = try await cache.get(path)
                        #expect(answer.isExactly(layer.blob), "seed \(seed)")
                        #expect(usage(folder) <= cap)
                    }
                }
            }
        }
    }

    /// Asks for all layers by three at a time, and kills the cache once they have had so many bytes together.
    private static func fill(_ cache: CacheBench, _ layers: [TestLayer], killAfter due: Int) async throws {
        let received = Shared(0)
        let isDue = Gate()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                guard (try? await isDue.wait()) != nil else { return }
                try? cache.process.send(.kill)
            }
            await withDiscardingTaskGroup { clients in
                for client in 0..<3 {
                    clients.addTask {
                        for index in stride(from: client, to: layers.count, by: 3) {
                            let path = CacheBench.blob(layers[index].digest, of: "library/a")
                            // The connection ends with the cache.
                            guard let body = try? await cache.open(path).body else { return }
                            var pieces = body.makeAsyncIterator()
                            while let piece = try? await pieces.next() {
                                received.update { $0 += piece.readableBytes }
                                if received.value >= due { isDue.open() }
                            }
                        }
                    }
                }
            }
            isDue.open()
        }
    }

    private static func files(_ folder: String) throws -> [(path: String, digest: String)] {
        let root = folder + "/blobs/sha256"
        guard FileManager.default.fileExists(atPath: root) else { return [] }
        return try FileManager.default.subpathsOfDirectory(atPath: root).compactMap { name in
            guard let hex = name.split(separator: "/").last, hex.count == 64 else { return nil }
            return ("\(root)/\(name)", "sha256:\(hex)")
        }
    }
}
