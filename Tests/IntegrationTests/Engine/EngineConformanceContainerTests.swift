import DockerEngine
import NIOCore
import RoostTesting
import Testing

@Suite("Any engine: containers", .serialized, .timeLimit(.minutes(2)))
struct EngineConformanceContainerTests {
    @Test("a container is created, can be inspected, and keeps its name for itself", arguments: EngineKind.available)
    func create(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let name = engine.name()
            var specification = engine.specification(.printsAndFails)
            specification.environment = ["COLOUR=blue"]
            let created = try await engine.client.createContainer(name: name, specification)
            #expect(created.id.count == 64)
            let inspection = try #require(try await engine.client.inspectContainer(created.id))
            #expect(inspection.id == created.id)
            #expect(inspection.name == "/\(name)")
            #expect(inspection.image == engine.image)
            #expect(inspection.state.status == "created")
            #expect(!inspection.state.isRunning)
            #expect(inspection.config.environment?.contains("COLOUR=blue") == true)
            for (key, value) in engine.label { #expect(inspection.config.labels?[key] == value) }
            #expect(try await engine.client.inspectContainer(name)?.id == created.id)
            let error = await #expect(throws: EngineError.self) {
                try await engine.client.createContainer(name: name, specification)
            }
            #expect(error?.statusCode == 409)
        }
    }

    @Test("an image, a name or a memory limit that can't be is refused", arguments: EngineKind.available)
    func refusals(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            func status(name: String? = nil, _ change: (inout ContainerSpecification) -> Void) async -> Int? {
                var specification = engine.specification(.echoes)
                change(&specification)
                let changed = specification
                return await refusal { _ = try await engine.client.createContainer(name: name, changed) }
            }
            #expect(await status { $0.image = "sha256:" + String(repeating: "0", count: 64) } == 404)
            #expect(await status { $0.image = "conformance-missing:1" } == 404)
            #expect(await status(name: "no/slash") { _ in } == 400)
            #expect(await status { $0.host.memory = 1 << 20 } == 400)
        }
    }

    @Test(
        "a container runs to its end; its code, its output and its state are to be seen",
        arguments: EngineKind.available
    )
    func run(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.start(.printsAndFails)
            // A second start finds it running, or starts it again: neither is an error.
            #expect(try await engine.wait(id) == 3)
            let output = try await engine.output(id, follow: false)
            #expect(output.text == "out\n")
            #expect(output.errorText == "err\n")
            let inspection = try #require(try await engine.client.inspectContainer(id))
            #expect(inspection.state.status == "exited")
            #expect(inspection.state.exitCode == 3)
            #expect(!inspection.state.wasOOMKilled)
            #expect(inspection.state.finishedAt?.hasPrefix("0001") == false)
        }
    }

    @Test("starting what runs already, or what is not there", arguments: EngineKind.available)
    func startTwice(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.startReady(.runsUntilAsked)
            try await engine.client.startContainer(id)
            #expect(try await engine.client.inspectContainer(id)?.state.isRunning == true)
            let error = await #expect(throws: EngineError.self) { try await engine.client.startContainer("missing") }
            #expect(error?.statusCode == 404)
        }
    }

    @Test("a program that is not there fails the start, with code 127 and a reason", arguments: EngineKind.available)
    func startFailure(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let specification = engine.specification(arguments: ["/missing"])
            let id = try await engine.client.createContainer(name: nil, specification).id
            let error = await #expect(throws: EngineError.self) { try await engine.client.startContainer(id) }
            #expect(error?.statusCode == 400)
            let inspection = try #require(try await engine.client.inspectContainer(id))
            #expect(inspection.state.status == "created")
            #expect(inspection.state.exitCode == 127)
            #expect(inspection.state.error?.isEmpty == false)
        }
    }

    @Test(
        "what is not there: inspection says so, actions answer 404, removal does nothing",
        arguments: EngineKind.available
    )
    func missing(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let client = engine.client
            #expect(try await client.inspectContainer("missing") == nil)
            #expect(await refusal { _ = try await engine.wait("missing") } == 404)
            #expect(await refusal { try await client.stopContainer("missing", grace: .zero) } == 404)
            #expect(await refusal { try await client.killContainer("missing") } == 404)
            #expect(await refusal { _ = try await engine.output("missing") } == 404)
            #expect(await refusal { try await client.attach("missing", [.stdout]) { _ in } } == 404)
            #expect(await refusal { try await client.containerStatistics("missing") { _ in } } == 404)
            try await client.removeContainer("missing")
        }
    }

    @Test("stop asks first", arguments: EngineKind.available)
    func stop(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.startReady(.runsUntilAsked)
            try await engine.client.stopContainer(id, grace: .seconds(30))
            #expect(try await engine.client.inspectContainer(id)?.state.exitCode == 143)
            // A stopped one is left alone.
            try await engine.client.stopContainer(id, grace: .seconds(30))
        }
    }

    @Test("stop kills what does not listen", arguments: EngineKind.available)
    func stopDeaf(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.startReady(.ignoresTermination)
            try await engine.client.stopContainer(id, grace: .milliseconds(500))
            let state = try #require(try await engine.client.inspectContainer(id)?.state)
            #expect(state.exitCode == 137)
            #expect(!state.wasOOMKilled)
        }
    }

    @Test("kill sends a signal to what runs, and is refused for what does not", arguments: EngineKind.available)
    func kill(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let created = try await engine.create(.runsUntilAsked)
            let error = await #expect(throws: EngineError.self) { try await engine.client.killContainer(created) }
            #expect(error?.statusCode == 409)
            let asked = try await engine.startReady(.runsUntilAsked)
            try await engine.client.killContainer(asked, signal: "TERM")
            #expect(try await engine.wait(asked) == 143)
            let killed = try await engine.startReady(.ignoresTermination)
            try await engine.client.killContainer(killed)
            #expect(try await engine.wait(killed) == 137)
        }
    }

    @Test("removal ends what runs, and the second is no error", arguments: EngineKind.available)
    func remove(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.startReady(.ignoresTermination)
            try await engine.client.removeContainer(id)
            #expect(try await engine.client.inspectContainer(id) == nil)
            try await engine.client.removeContainer(id)
        }
    }

    @Test("two removals at once both find it gone", arguments: EngineKind.available)
    func removeAtOnce(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.startReady(.ignoresTermination)
            async let first: Void = engine.client.removeContainer(id)
            async let second: Void = engine.client.removeContainer(id)
            _ = try await (first, second)
            #expect(try await engine.client.inspectContainer(id) == nil)
        }
    }

    @Test("lists hold what carries all the labels, stopped ones where asked for", arguments: EngineKind.available)
    func list(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            var specification = engine.specification(.runsUntilAsked)
            specification.labels["colour"] = "blue"
            let stopped = try await engine.client.createContainer(name: nil, specification).id
            specification.labels["colour"] = "red"
            let name = engine.name()
            let running = try await engine.client.createContainer(name: name, specification).id
            try await engine.client.startContainer(running)

            func ids(_ more: [String: String], includeStopped: Bool = true) async throws -> Set<String> {
                let labels = engine.label.merging(more) { $1 }
                let rows = try await engine.client.containers(labels: labels, includeStopped: includeStopped)
                return Set(rows.map(\.id))
            }
            #expect(try await ids([:]) == [stopped, running])
            #expect(try await ids(["colour": "blue"]) == [stopped])
            #expect(try await ids(["colour": "green"]).isEmpty)
            #expect(try await ids([:], includeStopped: false) == [running])
            let rows = try await engine.client.containers(labels: engine.label)
            let row = try #require(rows.first { $0.id == running })
            #expect(row.names == ["/\(name)"])
            #expect(row.state == "running")
            #expect(row.imageID == engine.image)
            #expect(row.labels?["colour"] == "red")
            #expect(try await engine.client.containers().contains { $0.id == stopped })
        }
    }

    @Test("a running container's sample says how much memory it uses", arguments: EngineKind.available)
    func statistics(kind: EngineKind) async throws {
        struct Enough: Error {}
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.startReady(.runsUntilAsked)
            var usage: Int64 = 0
            await #expect(throws: Enough.self) {
                try await engine.client.containerStatistics(id) { sample in
                    usage = sample.memory?.usage ?? 0
                    throw Enough()
                }
            }
            #expect(usage > 0)
        }
    }
}
