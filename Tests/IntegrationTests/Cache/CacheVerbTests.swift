import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "roost cache serve and its verbs",
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(3))
)
struct CacheVerbTests {
    /// A cache that is served with the sandbox's settings, of one upstream that is really a registry of the test.
    private static func serving(
        _ body: @escaping @Sendable (InMemoryRegistry, RoostSandbox) async throws -> Void
    ) async throws {
        try await InMemoryRegistry.with { registry in
            try await RoostSandbox.with(engine: nil) { sandbox in
                // A unix socket's path is short.
                let folder = "/tmp/\(UniqueName.make("rc"))"
                defer { try? FileManager.default.removeItem(atPath: folder) }
                var sandbox = sandbox
                sandbox.environment["ROOST_CACHE_CONTROL"] = folder + "/control.sock"
                let inside = sandbox
                let outcome = try await inside.roost([
                    "cache", "serve", "--listen", "127.0.0.1:0", "--upstream", "quay.io=\(registry.url)",
                    "--max-size", "100mb", "--min-free", "1mb",
                ]) { process in
                    try await process.line { $0.contains("serving images on") }
                    do {
                        try await body(registry, inside)
                    } catch {
                        try process.send(.terminate)
                        throw error
                    }
                    try process.send(.terminate)
                }
                #expect(outcome.exitCode == 0)
            }
        }
    }

    private static func json(_ outcome: RoostProcess.Outcome) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(outcome.standardOutputBytes))
        return try #require(value as? [String: Any])
    }

    @Test("prefetch, status, ls, pin, gc, unpin and verify, as text and as JSON")
    func verbs() async throws {
        try await Self.serving { registry, sandbox in
            let image = try TestImage(layers: [try TestLayer.random(bytes: 30_000, seed: 5)])
            image.add(to: registry, repository: "org/app", tag: "1")
            func cache(_ arguments: String...) async throws -> RoostProcess.Outcome {
                try await sandbox.roost(["cache"] + arguments)
            }
            let prefetch = try await cache("prefetch", "quay.io/org/app:1")
            #expect(prefetch.exitCode == 0)
            #expect(prefetch.standardOutput.hasPrefix("quay.io/org/app:1: 2 blobs fetched ("))
            #expect(prefetch.standardError.contains("fetched, "))
            let again = try await cache("prefetch", "quay.io/org/app:1", "--format", "json")
            #expect(again.standardError.isEmpty)
            #expect(try Self.json(again)["schema"] as? String == "roost.cache.prefetch/1")

            let status = try await cache("status")
            #expect(status.standardOutput.contains(" of 100 MiB (0 %), 3 blobs, "))
            #expect(status.standardOutput.contains("\nquay.io "))
            #expect(
                try Self.json(try await cache("status", "--format", "json"))["schema"] as? String
                    == "roost.cache.status/1"
            )

            let list = try await cache("ls")
            #expect(list.standardOutput.split(separator: "\n").count == 3)
            #expect(list.standardOutput.contains("quay.io/org/app:1"))
            let one = try Self.json(try await cache("ls", "--limit", "1", "--format", "json"))
            #expect((one["entries"] as? [Any])?.count == 1)

            let pin = try await cache("pin", "quay.io/org/app:1")
            #expect(pin.standardOutput == "pinned  quay.io/org/app:1: 0 blobs fetched (0 B), 2 there already\n")
            let kept = try await cache("gc", "--free", "1mb")
            #expect(kept.exitCode == 1)
            #expect(kept.standardOutput.contains("it is pinned"))
            #expect(kept.standardOutput.contains("roost cache unpin"))
            #expect(try await cache("unpin", "quay.io/org/app:1").standardOutput == "unpinned  quay.io/org/app:1\n")
            #expect(try await cache("unpin", "quay.io/org/app:1").exitCode == 1)

            let verify = try await cache("verify")
            #expect(verify.exitCode == 0)
            #expect(verify.standardOutput.hasPrefix("3 files read again ("))
            let dry = try Self.json(try await cache("gc", "--free", "1kb", "--dry-run", "--format", "json"))
            #expect(dry["dry_run"] as? Bool == true)
            #expect((dry["candidates"] as? [Any])?.count == 3)
            let freed = try await cache("gc", "--free", "1kb")
            #expect(freed.exitCode == 0)
            #expect(freed.standardOutput.contains("went "))

            let missing = try await cache("prefetch", "quay.io/org/missing:1")
            #expect(missing.exitCode == 125)
            #expect(missing.standardOutput.contains("not whole"))
            #expect(try await cache("prefetch", "UPPER").exitCode == 2)
        }
    }

    @Test("say how to start a cache where none is served")
    func nobody() async throws {
        try await RoostSandbox.with(engine: nil) { sandbox in
            for verb in [["status"], ["ls"], ["gc"], ["verify"], ["pin", "a"], ["unpin", "a"], ["prefetch", "a"]] {
                let outcome = try await sandbox.roost(["cache"] + verb + ["--dir", sandbox.project])
                #expect(outcome.exitCode == 125)
                #expect(outcome.standardError.contains("no cache is served here: start it with 'roost cache serve'"))
            }
        }
    }
}
