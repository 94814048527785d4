import DockerEngine
import NIOCore
import NIOHTTP1
import OCIDistribution

/// What a command that is executed in a container comes to.
extension FakeEngine {
    package struct ExecResult: Sendable {
        let exitCode: Int
        let output: String

        package init(exitCode: Int, output: String = "") {
            self.exitCode = exitCode
            self.output = output
        }
    }
}

/// One command that was prepared in a container, and its result once it has run.
struct FakeExec: Sendable {
    let id: String
    let container: String
    let command: [String]
    var result: FakeEngine.ExecResult?
}

/// `POST /containers/{id}/exec` and `/exec/…`.
struct ExecRoutes {
    let engine: FakeEngine

    func create(_ call: EngineCall, in container: FakeContainer) async throws {
        struct Body: Decodable {
            let command: [String]
            enum CodingKeys: String, CodingKey { case command = "Cmd" }
        }
        let command = try call.decode(Body.self).command
        guard container.state.value.status == .running else {
            throw Refusal(.conflict, "Container \(container.id) is not running")
        }
        let id = Digest.sha256(of: Array(UniqueName.make("exec").utf8)).hex
        engine.execs.change { $0[id] = FakeExec(id: id, container: container.id, command: command) }
        try await call.answer.json(.created, ["Id": .string(id)])
    }

    func handle(_ call: EngineCall, _ rest: [String]) async throws -> Bool {
        guard rest.count == 2 else { return false }
        guard let exec = engine.execs.value[rest[0]] else {
            throw Refusal(.notFound, "No such exec instance: \(rest[0])")
        }
        switch (call.method, rest[1]) {
        case (.POST, "start"): try await start(call, exec)
        case (.GET, "json"):
            try await call.answer.json(
                .ok,
                [
                    "ID": .string(exec.id), "Running": false, "ContainerID": .string(exec.container),
                    "ExitCode": exec.result.map { JSONValue($0.exitCode) } ?? .null,
                ]
            )
        default: return false
        }
        return true
    }

    private func start(_ call: EngineCall, _ exec: FakeExec) async throws {
        guard let container = engine.containers.value[exec.container] else {
            throw Refusal(.notFound, "No such container: \(exec.container)")
        }
        let result = engine.result(of: exec.command, in: container.request)
        engine.execs.change { $0[exec.id]?.result = result }
        try await call.answer.start(headers: [:])
        if !result.output.isEmpty {
            let frame = LogFrame(stream: .stdout, bytes: ByteBuffer(string: result.output))
            try await call.answer.write(frame.encoded)
        }
        try await call.answer.finish()
    }
}
