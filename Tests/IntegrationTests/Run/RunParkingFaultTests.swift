import DockerEngine
import Foundation
import ParkedContainers
import RoostCore
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Faults between a step's parking and its end",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunParkingFaultTests {
    enum Harm: CaseIterable, Sendable { case removed, killed, stopped }

    private func pipeline(_ image: String, _ command: String = "echo ran >> ran; echo b-ran") -> String {
        "stages_order = ['s']\n" + step("s/a", image, blocked()) + step("s/b", image, command, "needs = ['a']")
    }

    /// The container that the step's start names, and what it printed.
    private func story(_ events: [EventLine], _ step: String = "s/b") -> (containers: [String], lines: [String]) {
        let mine = events.filter { $0.step == step }
        return (
            mine.filter { $0.type == "step.started" }.compactMap { $0.text("container_id") },
            mine.filter { $0.type == "step.log" }.compactMap { $0.text("text") }
        )
    }

    private func rawLog(_ sandbox: RoostSandbox, _ events: [EventLine]) throws -> String {
        let finished = try #require(events.first { $0.type == "step.finished" && $0.step == "s/b" })
        return try String(
            contentsOfFile: sandbox.project + "/" + (try #require(finished.text("log_path"))),
            encoding: .utf8
        )
    }

    @Test(
        "a parked container that others remove, kill or stop: the step runs once, in another",
        arguments: Harm.allCases
    )
    func harmed(_ harm: Harm) async throws {
        let image = try await Published.busybox("harmed")
        try await RoostSandbox.with { sandbox in
            try await ContainerNews.with(sandbox) { news in
                let parked = Shared("")
                let (outcome, events) = try await sandbox.run(pipeline(image)) { _ in
                    let container = try await news.started("s/b")
                    parked.update { $0 = container }
                    try await sandbox.withEngine { engine in
                        switch harm {
                        case .removed: try await engine.removeContainer(container)
                        case .killed: try await engine.killContainer(container)
                        case .stopped: try await engine.stopContainer(container, grace: .seconds(30))
                        }
                    }
                    try await news.wait { $0.action == "die" && $0.id == container }
                    try sandbox.write("", to: "go")
                }
                #expect(outcome.exitCode == 0)
                #expect(sandbox.runs(of: "ran") == 1)
                let (containers, lines) = story(events)
                #expect(containers.count == 1 && containers != [parked.value])
                #expect(lines == ["b-ran"])
                #expect(try rawLog(sandbox, events) == "b-ran\n")
                #expect(!events.contains { $0.type == "warning" })
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    @Test("the connection to a parked container is cut before its turn: the step runs once, in another")
    func cutWhileParked() async throws {
        let image = try await Published.busybox("cutparked")
        try await EngineRelay.with(engine: try #require(TestEnvironment.engine)) { relay in
            try await RoostSandbox.with(engine: relay.host) { sandbox in
                try await ContainerNews.with(sandbox) { news in
                    let (outcome, events) = try await sandbox.run(pipeline(image)) { _ in
                        let container = try await news.started("s/b")
                        await relay.cutAttached(to: container)
                        try await news.wait { $0.action == "die" && $0.id == container }
                        try sandbox.write("", to: "go")
                    }
                    #expect(outcome.exitCode == 0)
                    #expect(sandbox.runs(of: "ran") == 1)
                    #expect(story(events).lines == ["b-ran"])
                    #expect(news.created("s/b").count == 2)
                    #expect(try await sandbox.leftovers().isEmpty)
                }
            }
        }
    }

    @Test(
        "the connection is cut during the release: the command runs once, and no mark of the gate's is ever shown",
        arguments: EngineRelay.ReleaseCut.allCases
    )
    func cutAtRelease(after much: EngineRelay.ReleaseCut) async throws {
        let image = try await Published.busybox("cutrelease")
        try await EngineRelay.with(engine: try #require(TestEnvironment.engine)) { relay in
            try await RoostSandbox.with(engine: relay.host) { sandbox in
                try await ContainerNews.with(sandbox) { news in
                    // One that ends with a gate's own code: its log alone tells that it ran.
                    let command = "echo ran >> ran; echo one; echo two >&2; exit 125"
                    let (outcome, events) = try await sandbox.run(pipeline(image, command)) { _ in
                        try await news.started("s/b")
                        relay.cutNextRelease(after: much)
                        try sandbox.write("", to: "go")
                    }
                    #expect(sandbox.runs(of: "ran") == 1, "\(much)")
                    #expect(news.created("s/b").count == (much == .all ? 1 : 2))
                    let finished = try #require(events.first { $0.type == "step.finished" && $0.step == "s/b" })
                    #expect(finished.text("status") == "failed" && finished.number("exit_code") == 125)
                    #expect(outcome.exitCode == 1)
                    #expect(story(events).lines.sorted() == ["one", "two"])
                    #expect(try rawLog(sandbox, events).split(separator: "\n").sorted() == ["one", "two"])
                    #expect(try await sandbox.leftovers().isEmpty)
                }
            }
        }
    }

    @Test("what a parked step's command has begun to print when its connection is cut is read on from the log")
    func cutOutput() async throws {
        let image = try await Published.busybox("cutoutput")
        try await EngineRelay.with(engine: try #require(TestEnvironment.engine)) { relay in
            try await RoostSandbox.with(engine: relay.host) { sandbox in
                try await ContainerNews.with(sandbox) { news in
                    let command = "echo b-up; echo errors >&2; until [ -e on ]; do sleep 0.05; done; seq 1 300; exit 3"
                    let (outcome, events) = try await sandbox.run(pipeline(image, command)) { process in
                        let container = try await news.started("s/b")
                        try sandbox.write("", to: "go")
                        try await process.line(on: .output) { $0.contains("\"b-up\"") }
                        await relay.cutAttached(to: container)
                        try sandbox.write("", to: "on")
                    }
                    #expect(outcome.exitCode == 1)
                    let lines = story(events).lines
                    #expect(lines.filter { $0 != "errors" } == ["b-up"] + (1...300).map(String.init))
                    #expect(lines.count { $0 == "errors" } == 1)
                    #expect(news.created("s/b").count == 1)
                }
            }
        }
    }

    @Test("a log that can't be read leaves open whether a command ran that was cut off: never a second run")
    func unreadableLog() async throws {
        let image = try await Published.busybox("nolog")
        let treat: @Sendable (String) -> EngineRelay.Treatment = { $0.contains("/logs?") ? .cut : .pass }
        try await EngineRelay.with(engine: try #require(TestEnvironment.engine), treat: treat) { relay in
            try await RoostSandbox.with(engine: relay.host) { sandbox in
                try await ContainerNews.with(sandbox) { news in
                    let (outcome, events) = try await sandbox.run(pipeline(image, "echo ran >> ran; exit 125")) { _ in
                        try await news.started("s/b")
                        relay.cutNextRelease(after: .all)
                        try sandbox.write("", to: "go")
                    }
                    #expect(sandbox.runs(of: "ran") == 1)
                    #expect(outcome.exitCode == 125)
                    let finished = try #require(events.first { $0.type == "step.finished" && $0.step == "s/b" })
                    #expect(finished.text("status") == "infrastructure_error")
                    #expect(finished.text("reason")?.contains("whether it ran is not known") == true)
                    #expect(try await sandbox.leftovers().isEmpty)
                }
            }
        }
    }

    @Test("an engine that is killed while steps are parked is lost; what it had is removed by the next verb")
    func engineKilled() async throws {
        let image = try await Published.busybox("parklost")
        try await PrivateEngine.with { engine in
            try await RoostSandbox.with(engine: engine.host) { sandbox in
                let (outcome, events) = try await ContainerNews.with(sandbox) { news in
                    try await sandbox.run(pipeline(image)) { _ in
                        try await news.started("s/b")
                        try await engine.kill()
                    }
                }
                #expect(outcome.exitCode == 125)
                let finished = events.filter { $0.type == "step.finished" }
                #expect(finished.first { $0.step == "s/a" }?.text("status") == "infrastructure_error")
                #expect(finished.first { $0.step == "s/b" }?.text("status") == "skipped")
                #expect(sandbox.runs(of: "ran") == 0)
                try await engine.restart()
                #expect(try await sandbox.roost(["reap"]).exitCode == 0)
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    @Test("an engine elsewhere: no process of this machine is followed, and parked steps run all the same")
    func elsewhere() async throws {
        let image = try await Published.busybox("elsewhere")
        // Reaches this machine, but does not say that it is this one.
        try await EngineRelay.with(engine: try #require(TestEnvironment.engine), listeningOn: "0.0.0.0") { relay in
            try await RoostSandbox.with(engine: relay.host) { sandbox in
                try await ContainerNews.with(sandbox) { news in
                    let (outcome, events) = try await sandbox.run(
                        pipeline(image, "echo b-ran; exit 3"),
                        ["--report", "report.json"]
                    ) { _ in
                        try await news.started("s/b")
                        try sandbox.write("", to: "go")
                    }
                    #expect(
                        events.contains {
                            $0.type == "warning" && $0.text("message")?.contains("another machine") == true
                        }
                    )
                    #expect(outcome.exitCode == 1)
                    let (containers, lines) = story(events)
                    #expect(containers == news.created("s/b") && containers.count == 1)
                    #expect(lines == ["b-ran"])
                    // Looked at when it has been created and when it has ended; to follow its process, between the two as well.
                    let looks = relay.calls.filter {
                        $0.hasPrefix("GET") && $0.contains("/containers/\(containers[0])/json")
                    }
                    #expect(looks.count == 2, "\(looks)")
                    #expect(try await sandbox.leftovers().isEmpty)
                }
            }
        }
    }

    @Test(
        "the next step starts by the kernel's word, while the engine has not told yet that the one before has ended",
        .enabled(if: Integration.kernelTellsExits, "needs Linux 6.15")
    )
    func kernelsWord() async throws {
        let image = try await Published.busybox("word")
        let answer = Latch()
        // A parked step's process is followed before its command can begin. That of the first step may have ended before.
        let parked = Shared("")
        let treat: @Sendable (String) -> EngineRelay.Treatment = { line in
            !parked.value.isEmpty && line.contains("/containers/\(parked.value)/wait") ? .holdAnswer(answer) : .pass
        }
        let pipeline =
            "stages_order = ['s']\n[pipeline]\nnetwork = 'private'\n" + step("s/first", image, blocked())
            + step("s/a", image, "echo a-ran", "needs = ['first']") + step("s/b", image, "echo b-ran", "needs = ['a']")
        try await EngineRelay.with(engine: try #require(TestEnvironment.engine), treat: treat) { relay in
            try await RoostSandbox.with(engine: relay.host) { sandbox in
                try await ContainerNews.with(sandbox) { news in
                    let (outcome, events) = try await sandbox.run(pipeline) { process in
                        let container = try await news.started("s/a")
                        parked.update { $0 = container }
                        try sandbox.write("", to: "go")
                        try await process.line(on: .output) { $0.contains("\"b-ran\"") }
                        answer.open()
                    }
                    #expect(outcome.exitCode == 0)
                    #expect(relay.calls.contains { $0.contains("/containers/\(parked.value)/wait") })
                    #expect(story(events, "s/a").containers == [parked.value])
                    let order = events.filter { $0.type.hasPrefix("step.") }.map { "\($0.type) \($0.step ?? "")" }
                    let started = try #require(order.firstIndex(of: "step.started s/b"))
                    let finished = try #require(order.firstIndex(of: "step.finished s/a"))
                    #expect(started < finished)
                }
            }
        }
    }
}
