import DockerEngine
import NIOHTTP1
import RoostCore
import RoostTesting
import Subprocess
import Testing

@testable import Pipeline

@Suite("Why a container ended, by the engine's word and by the kernel's", .serialized, .timeLimit(.minutes(5)))
struct ServiceMemoryTests {
    @Test(
        "a service that runs out of memory is named by the kernel's word, where the engine has missed the kill",
        .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)")
    )
    func kernelsWord() async throws {
        let image = try await Published.busybox("missed")
        let treat: @Sendable (String) -> EngineRelay.Treatment = { line in
            if line.contains("/events") { return .cut }
            guard line.hasPrefix("GET"), line.contains("/containers/"), line.contains("/json") else { return .pass }
            return .falsify(#""OOMKilled":true,"Dead":false,"#, by: #""OOMKilled":false,"Dea":false,"#)
        }
        try await EngineRelay.with(engine: try #require(TestEnvironment.engine), treat: treat) { relay in
            try await RoostSandbox.with(engine: relay.host) { sandbox in
                // Its shell outlives the kill by far: on a busy machine it is more than a second until its process is followed.
                let greedy = "tail /dev/zero; sleep 10; exit 3"
                let pipeline =
                    "stages_order = ['s']\n" + service("s/db", image, greedy, "memory = '16mb'")
                    + step("s/x", image, "until [ -e seen ]; do sleep 0.05; done")
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    try await process.line(on: .output) { $0.contains("\"service.finished\"") }
                    try sandbox.write("", to: "seen")
                }
                #expect(outcome.exitCode == 0, "\(outcome.standardError)")
                let finished = try #require(events.first { $0.type == "service.finished" })
                #expect(finished.text("status") == "oom_killed")
                #expect(finished.text("reason")?.contains("its limit of 16 MiB") == true)
                #expect(finished.number("exit_code") == 3)
                #expect(finished.number("peak_memory_bytes") == 16 << 20)
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    private typealias Findings = ContainerSettlement.Findings

    /// What is found of a container of the fake engine that has ended so.
    private func settle(
        _ program: FakeEngine.Program,
        _ end: ContainerEnd,
        kernel: Bool?,
        isEndedByRoost: Bool = false,
        prepare: (FakeEngine) -> Void = { _ in }
    ) async throws -> Findings {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { _ in program }
            return try await EngineClient.with(fake.endpoint) { engine in
                let id = try await engine.createContainer(name: nil, ContainerSpecification(image: "img:1")).id
                try await engine.startContainer(id)
                _ = try await engine.waitForContainer(id, deadline: .seconds(30))
                prepare(fake)
                let settlement = ContainerSettlement(
                    engine: engine,
                    outOfMemory: OutOfMemoryWatch(runID: "r", since: nil)
                )
                let usage = StepMemory.Usage(wasKilled: kernel)
                var findings = await settlement.settle(id, end, usage, isEndedByRoost: isEndedByRoost)
                if findings.problem == nil, kernel != true, case .exited = findings.end {
                    #expect(findings.ran != nil, "the engine tells how long it ran")
                }
                findings.ran = nil
                return findings
            }
        }
    }

    @Test("either word suffices for a kill, and none of them is one")
    func words() async throws {
        let failed = FakeEngine.Program(.exit(1)), killed = FakeEngine.Program(.exitOutOfMemory)
        let exit = ContainerEnd.exited(code: 1), kill = ContainerEnd.exited(code: 137)
        for kernel in [nil, false] {
            #expect(try await settle(failed, exit, kernel: kernel) == Findings(end: exit))
            #expect(try await settle(killed, kill, kernel: kernel) == Findings(end: kill, wasOOMKilled: true))
        }
        #expect(try await settle(failed, exit, kernel: true) == Findings(end: exit, wasOOMKilled: true))
        // A kill by Roost needs no explanation, and is none.
        let stopped = try await settle(FakeEngine.Program(.exit(137)), kill, kernel: nil, isEndedByRoost: true)
        #expect(stopped == Findings(end: kill))
    }

    @Test(
        "an engine that does not answer leaves it open, unless the kernel has said it; a container that is gone was removed"
    )
    func noAnswer() async throws {
        let failed = FakeEngine.Program(.exit(1)), exit = ContainerEnd.exited(code: 1)
        let inspect = FakeEngine.CallPattern(.GET, "/containers/*/json")
        func refuse(_ fake: FakeEngine) { fake.fail(inspect, .status(500, message: "on fire"), times: .max) }
        let open = try await settle(failed, exit, kernel: nil, prepare: refuse)
        #expect(open.end == exit && !open.wasOOMKilled)
        #expect(open.problem?.hasPrefix("whether it ran out of memory is not known") == true)
        let known = try await settle(failed, exit, kernel: true, prepare: refuse)
        #expect(known == Findings(end: exit, wasOOMKilled: true))
        let gone = try await settle(failed, exit, kernel: nil) {
            $0.fail(inspect, .status(404, message: "No such container"))
        }
        #expect(gone.end == .removed)
        let lost = try await settle(failed, .engineLost("x"), kernel: true)
        #expect(lost == Findings(end: .engineLost("x")), "an end that is no exit is left as it is")
    }
}
