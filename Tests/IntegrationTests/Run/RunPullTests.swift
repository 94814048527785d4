import DockerEngine
import Foundation
import RoostCore
import RoostTesting
import Testing

@Suite(
    "Images of a run",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunPullTests {
    /// Runs `body` and returns the events that the engine reported meanwhile.
    private func events(
        of engine: EngineClient,
        _ filters: [String: [String]],
        during body: @escaping @Sendable () async throws -> Void
    ) async throws -> [EngineEvent] {
        let seen = Shared<[EngineEvent]>([])
        let isOpen = Latch()
        let marker = UniqueName.make("marker").lowercased()
        // The engine answers a moment before it subscribes; what happens in between is replayed.
        let since = String(Date().timeIntervalSince1970)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await engine.events(since: since, filters: filters, onOpen: { isOpen.open() }) { event in
                    // The marker is the last thing that happens: what came before it is all.
                    if event.type == "volume", event.actor.id == marker, event.action == "destroy" {
                        throw CancellationError()
                    }
                    seen.update { $0.append(event) }
                }
            }
            await isOpen.wait()
            try await body()
            _ = try await engine.createVolume(name: marker, labels: [:])
            try await engine.removeVolume(marker)
            do { try await group.next() } catch is CancellationError {}
        }
        return seen.value.filter { $0.actor.id != marker }
    }

    @Test("eight steps with one image pull it once, and say so once")
    func duplicates() async throws {
        let image = try await Published.busybox("eight")
        try await RoostSandbox.with { sandbox in
            let pipeline = "stages_order = ['s']\n" + (1...8).map { step("s/x\($0)", image, "true") }.joined()
            let result = Shared<[EventLine]>([])
            let pulls = try await sandbox.withEngine { engine in
                try await events(of: engine, ["type": ["image", "volume"]]) {
                    let (outcome, lines) = try await sandbox.run(pipeline)
                    #expect(outcome.exitCode == 0)
                    result.update { $0 = lines }
                }
            }
            let repository = String(image.dropLast(2))
            #expect(pulls.count { $0.action == "pull" && $0.actor.id.hasPrefix(repository) } == 1)
            let lines = result.value
            #expect(lines.count { $0.type == "pull.started" } == 1)
            #expect(lines.count { $0.type == "pull.finished" } == 1)
        }
    }

    @Test("one missing image of three: one message names it, exit 125, and no container is ever created")
    func oneMissing() async throws {
        let first = try await Published.busybox("first")
        let third = try await Published.busybox("third")
        let missing = "\(try TestEnvironment.requireRegistry())/\(UniqueName.make("missing").lowercased()):1"
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['a', 'b']\n" + step("a/one", first, "true") + step("a/two", third, "true")
                + step("b/three", missing, "true")
            let seen = Shared<RoostProcess.Outcome?>(nil)
            let created = try await sandbox.withEngine { engine in
                try await events(of: engine, ["type": ["container", "volume"]]) {
                    try sandbox.write(pipeline, to: "roost.toml")
                    let outcome = try await sandbox.roost(["run"])
                    seen.update { $0 = outcome }
                }
            }
            let outcome = try #require(seen.value)
            #expect(outcome.exitCode == 125)
            let naming = outcome.standardError.split(separator: "\n").filter {
                $0.contains(missing.split(separator: "/").last ?? "") && $0.contains("not")
            }
            #expect(!naming.isEmpty, "\(outcome.standardError)")
            let installation = try String(
                contentsOfFile: try #require(sandbox.environment["ROOST_HOME"]) + "/state/installation",
                encoding: .utf8
            ).trimmingCharacters(in: .whitespacesAndNewlines)
            let ours = created.filter {
                $0.action == "create" && $0.actor.attributes?["dev.roost.installation"] == installation
            }
            #expect(ours.isEmpty)
            let images = try await sandbox.withEngine { engine in
                (try await engine.inspectImage(first), try await engine.inspectImage(third))
            }
            #expect(images.0 == nil && images.1 == nil, "nothing is pulled either")
        }
    }

    @Test("the second stage's image is pulled while the first stage runs")
    func overlap() async throws {
        let small = try await Published.busybox("small")
        let large = try await Published.image(
            try .busybox(plusRandom: 3 << 20, seed: .random(in: 0...UInt64.max)),
            "large"
        )
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(
                "stages_order = ['a', 'b']\n" + step("a/work", small, "sleep 3") + step("b/next", large, "true")
            )
            #expect(outcome.exitCode == 0)
            func position(_ matches: (EventLine) -> Bool) throws -> Int {
                let index = events.firstIndex { matches($0) }
                return try #require(index)
            }
            let started = try position { $0.type == "step.started" && $0.step == "a/work" }
            let pulled = try position {
                $0.type == "pull.finished" && $0.text("image")?.contains("large") == true
            }
            let finished = try position { $0.type == "step.finished" && $0.step == "a/work" }
            #expect(started < finished)
            #expect(pulled < finished)
        }
    }

    @Test("a network that goes away in the middle of a pull is retried, then given up, and nothing was started")
    func networkGoesAway() async throws {
        let registry = try TestEnvironment.requireRegistry()
        let repository = UniqueName.make("cut").lowercased()
        try await TestImage.busybox(plusRandom: 4 << 20, seed: .random(in: 0...UInt64.max)).push(
            to: registry,
            repository: repository,
            tag: "1"
        )
        // The engine's own five attempts at each layer, with their pauses, would take a minute for each of Roost's.
        try await PrivateEngine.with(options: ["--max-download-attempts=1"]) { engine in
            try await FaultProxy.with(upstream: "http://\(registry)") { proxy in
                proxy.inject(.cut(afterBodyBytes: 100_000), path: .blobs)
                try await RoostSandbox.with(engine: engine.host) { sandbox in
                    let (outcome, events) = try await sandbox.run(
                        "stages_order = ['s']\n" + step("s/x", "\(proxy.hostAndPort)/\(repository):1", "true")
                    )
                    #expect(outcome.exitCode == 125)
                    #expect(events.contains { $0.type == "pull.retrying" })
                    #expect(proxy.log.entries.contains { $0.path.contains("/blobs/") }, "the pull had begun")
                    #expect(!events.contains { $0.type == "step.started" })
                    let finished = try #require(events.first { $0.type == "step.finished" })
                    #expect(finished.text("status") == "skipped")
                    #expect(try await sandbox.leftovers().isEmpty)
                }
            }
        }
    }

    @Test("an image that vanishes between its pull and its container is pulled again, once")
    func imageVanishes() async throws {
        let first = try await Published.image(
            try .busybox(plusRandom: 1000, seed: .random(in: 0...UInt64.max)),
            "staying"
        )
        let second = try await Published.image(
            try .busybox(plusRandom: 1000, seed: .random(in: 0...UInt64.max)),
            "vanishing"
        )
        try await RoostSandbox.with { sandbox in
            // The second step waits for its place until the first is over; its image goes meanwhile. A container parked ahead
            // of its turn would hold on to the image.
            let pipeline =
                "stages_order = ['s']\n[pipeline]\nmax_parallel = 1\npark = false\n"
                + step("s/first", first, "echo up; while ! test -e gone; do sleep 0.1; done")
                + step("s/second", second, "echo here")
            let (outcome, events) = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try await sandbox.withEngine { _ = try await $0.removeImage(second) }
                try sandbox.write("", to: "gone")
            }
            #expect(outcome.exitCode == 0)
            #expect(events.contains { $0.step == "s/second" && $0.text("text") == "here" })
            #expect(events.contains { $0.type == "warning" && $0.text("message")?.contains("vanished") == true })
        }
    }

    @Test("--locked runs the content of the lock file, whatever the tag means by now")
    func locked() async throws {
        let registry = try TestEnvironment.requireRegistry()
        let repository = UniqueName.make("locked").lowercased()
        let old = try TestImage(
            layers: [.busybox(), try TestLayer(files: [.file("/content", "old\n")])]
        )
        let new = try TestImage(
            layers: [.busybox(), try TestLayer(files: [.file("/content", "new\n")])]
        )
        try await old.push(to: registry, repository: repository, tag: "1")
        try await RoostSandbox.with { sandbox in
            let pipeline = "stages_order = ['s']\n" + step("s/x", "\(registry)/\(repository):1", "cat /content")
            try sandbox.write(pipeline, to: "roost.toml")
            let unlocked = try await sandbox.roost(["run", "--locked"])
            #expect(unlocked.exitCode == 2)
            #expect(unlocked.standardError.contains("roost lock"))
            let lock = try await sandbox.roost(["lock"])
            #expect(lock.exitCode == 0)
            let file = try String(contentsOfFile: sandbox.project + "/roost.lock", encoding: .utf8)
            #expect(file.contains(old.manifestDigest))
            try await new.push(to: registry, repository: repository, tag: "1")
            let (lockedRun, lockedEvents) = try await sandbox.run(pipeline, ["--locked"])
            #expect(lockedRun.exitCode == 0)
            #expect(lockedEvents.contains { $0.type == "step.log" && $0.text("text") == "old" })
            let (_, freshEvents) = try await sandbox.run(pipeline)
            #expect(freshEvents.contains { $0.type == "step.log" && $0.text("text") == "new" })
        }
    }

    @Test("a private engine and another never mix: a run touches only the engine that it is given")
    func enginesNeverMix() async throws {
        let image = try await Published.busybox("apart")
        try await PrivateEngine.with { other in
            try await RoostSandbox.with { sandbox in
                let pipeline = "stages_order = ['s']\n" + step("s/x", image, "true")
                let (outcome, _) = try await sandbox.run(pipeline)
                #expect(outcome.exitCode == 0)
                #expect(try await Self.state(of: other, image) == [false, false])
                let elsewhere = try await sandbox.run(pipeline, ["--host", other.host])
                #expect(elsewhere.outcome.exitCode == 0)
                #expect(try await Self.state(of: other, image) == [true, false])
            }
        }
    }

    /// Whether an engine has the image, and any container.
    private static func state(of engine: PrivateEngine, _ image: String) async throws -> [Bool] {
        try await EngineClient.with(try EngineEndpoint(parsing: engine.host)) { engine in
            let hasImage = try await engine.inspectImage(image) != nil
            let hasContainers = try await !engine.containers().isEmpty
            return [hasImage, hasContainers]
        }
    }
}
