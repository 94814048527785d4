import DockerEngine
import NIOCore
import OCIDistribution
import ParkedContainers
import RoostCore
import RoostTesting
import Testing

/// What came of a container's command.
///
/// Whether the engine says that it ran out of memory is left out: an engine that learns of the exit before it learns of the
/// kill says no for ever, with and without a gate.
struct CommandOutcome: Sendable, Equatable {
    var output: [String]
    var errors: [String]
    var code: Int
    var status = "exited"
}

extension EngineUnderTest {
    /// A container as a run makes it, in the shell form.
    func shellForm(_ text: String) -> ContainerSpecification {
        var specification = specification(arguments: [])
        specification.entrypoint = ["/bin/sh", "-c"]
        specification.command = [text]
        return specification
    }

    /// Attached from before the start, as runs do it.
    func runPlain(
        _ specification: ContainerSpecification,
        whenReady: @escaping @Sendable (String) async throws -> Void = { _ in }
    ) async throws -> CommandOutcome {
        let id = try await client.createContainer(name: nil, specification).id
        let collected = OutputCollector()
        try await client.attach(id, [.stdout, .stderr]) { attached in
            async let starting: Void = client.startContainer(id)
            async let signalling: Void = collected.isReady.wait() ? whenReady(id) : ()
            try await attached.readOutput { collected.add($0) }
            collected.isReady.open()
            _ = try await (starting, signalling)
        }
        return try await outcome(id, collected)
    }

    /// The same behind a gate.
    func runParked(
        _ specification: ContainerSpecification,
        whenReady: @escaping @Sendable (String) async throws -> Void = { _ in }
    ) async throws -> CommandOutcome {
        let (parked, payload) = try await park(specification)
        let collected = OutputCollector()
        async let end = parked.run(on: client, watch: nil, start: { try await client.startContainer(parked.id) }) {
            collected.add($0)
        }
        #expect(await parked.waitUntilParked())
        #expect(await parked.release(payload))
        async let signalling: Void = collected.isReady.wait() ? whenReady(parked.id) : ()
        guard case .commandRan(isOutputWhole: true) = await end else {
            collected.isReady.open()
            throw Unexpected(description: "\(await end)")
        }
        collected.isReady.open()
        try await signalling
        return try await outcome(parked.id, collected)
    }

    func park(
        _ specification: ContainerSpecification,
        diesWithOwner: Bool = true
    ) async throws -> (ParkedContainer, GatePayload) {
        let gate = ContainerGate()
        let behind = try #require(specification.parked(behind: gate, diesWithOwner: diesWithOwner))
        let id = try await client.createContainer(name: nil, behind).id
        let command = try #require(specification.releasedCommand)
        return (ParkedContainer(id: id, gate: gate), try GatePayload(command, for: gate))
    }

    private func outcome(_ id: String, _ collected: OutputCollector) async throws -> CommandOutcome {
        let code = try await wait(id)
        let state = try #require(try await client.inspectContainer(id)).state
        let output = collected.output.value
        return CommandOutcome(
            output: output.text.split(separator: "\n").filter { !$0.hasPrefix("HOSTNAME=") }.map(String.init),
            errors: output.errorText.split(separator: "\n").map(String.init),
            code: code,
            status: state.status
        )
    }
}

struct Unexpected: Error, CustomStringConvertible { let description: String }

/// Collects a command's output, and tells when it has said that it is ready.
final class OutputCollector: Sendable {
    let output = Shared(Output())
    let isReady = Latch()

    func add(_ frames: [LogFrame]) {
        output.update { $0.add(frames) }
        if output.value.text.contains("ready") { isReady.open() }
    }
}
