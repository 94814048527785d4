import DockerEngine
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Any engine: commands in a running container", .serialized, .timeLimit(.minutes(2)))
struct EngineConformanceExecTests {
    private func prepare(_ engine: EngineUnderTest) {
        engine.fake?.execute { container, command in
            switch command {
            case ["/bin/sh", "-c", "echo $COLOUR; exit 3"]:
                .init(exitCode: 3, output: container.environment.contains("COLOUR=blue") ? "blue\n" : "")
            case ["true"]: .init(exitCode: 0)
            default: nil
            }
        }
    }

    @Test(
        "a command runs with the container's environment; its code and its output come back",
        arguments: EngineKind.available
    )
    func outcome(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            prepare(engine)
            var specification = engine.specification(.runsUntilAsked)
            specification.environment = ["COLOUR=blue"]
            let id = try await engine.client.createContainer(name: nil, specification).id
            try await engine.client.startContainer(id)
            let outcome = try await engine.client.execute(["/bin/sh", "-c", "echo $COLOUR; exit 3"], in: id)
            #expect(outcome.exitCode == 3)
            #expect(String(decoding: outcome.output, as: UTF8.self) == "blue\n")
            #expect(try await engine.client.execute(["true"], in: id).exitCode == 0)
        }
    }

    @Test("a program that is not there has the code of one, and its message as output", arguments: EngineKind.available)
    func missing(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.start(.runsUntilAsked)
            let outcome = try await engine.client.execute(["/no/such"], in: id)
            #expect([126, 127].contains(outcome.exitCode))
            #expect(String(decoding: outcome.output, as: UTF8.self).contains("/no/such"))
        }
    }

    @Test("in a container that does not run, or is not there, nothing is executed", arguments: EngineKind.available)
    func refused(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.create(.runsUntilAsked)
            #expect(await refusal { _ = try await engine.client.execute(["true"], in: id) } == 409)
            #expect(await refusal { _ = try await engine.client.execute(["true"], in: "missing") } == 404)
        }
    }

    @Test("from inside a container a port is seen that others can connect to, and none at a loopback address")
    func ports() async throws {
        guard EngineKind.available.contains(.real) else { return }
        try await EngineUnderTest.with(.real) { engine in
            let script = "httpd -p 8080; httpd -p 127.0.0.1:9090; echo ready; exec sleep 600"
            let id = try await engine.client.createContainer(name: nil, engine.shellForm(script)).id
            try await engine.client.startContainer(id)
            func isSeen(_ port: Int) async throws -> Bool {
                try await engine.client.execute(ListeningPorts.command(for: port), in: id).exitCode == 0
            }
            while try await !isSeen(8080) { try Task.checkCancellation() }
            let isListening = "grep -q ':2382 .* 0A ' /proc/net/tcp"
            while try await engine.client.execute(["/bin/sh", "-c", isListening], in: id).exitCode != 0 {
                try Task.checkCancellation()
            }
            #expect(try await !isSeen(9090))
            #expect(try await !isSeen(8081))
        }
    }

    @Test("a container is reached by its aliases in its network", arguments: EngineKind.available)
    func aliases(kind: EngineKind) async throws {
        guard kind == .real else { return }
        try await EngineUnderTest.with(kind) { engine in
            let network = try await engine.client.createNetwork(name: engine.name(), labels: engine.label)
            var specification = engine.specification(arguments: ["sleep", "600"])
            specification.host.networkMode = network
            specification.networking = .init(network: network, aliases: ["first", "second"])
            let id = try await engine.client.createContainer(name: nil, specification).id
            try await engine.client.startContainer(id)
            for alias in ["first", "second"] {
                let found = try await engine.client.execute(["ping", "-c", "1", "-W", "5", alias], in: id)
                #expect(found.exitCode == 0, "\(String(decoding: found.output, as: UTF8.self))")
            }
        }
    }
}
