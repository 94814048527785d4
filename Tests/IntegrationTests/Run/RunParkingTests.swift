import DockerEngine
import Foundation
import RoostCore
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Steps that are parked ahead of their turn",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunParkingTests {
    private func statuses(_ events: [EventLine]) -> [String: String] {
        var statuses: [String: String] = [:]
        for event in events where event.type == "step.finished" {
            if let step = event.step { statuses[step] = event.text("status") }
        }
        return statuses
    }

    @Test("while a step runs, the next one's container waits behind its gate, and becomes the step in its turn")
    func ahead() async throws {
        let image = try await Published.busybox("ahead")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s', 't']\n" + step("s/a", image, blocked())
                + step("s/b", image, "echo b-ran; echo x >> b", "needs = ['a']") + step("t/c", image, "cat b")
            let (events, parked) = try await ContainerNews.with(sandbox) { news in
                let parked = Shared<[String]>([])
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    try await process.line(on: .output) { $0.contains("\"up\"") }
                    // Also along to the next stage.
                    let containers = [try await news.started("s/b"), try await news.started("t/c")]
                    for container in containers { #expect(try await sandbox.isBehindGate(container)) }
                    #expect(sandbox.runs(of: "b") == 0)
                    parked.update { $0 = containers }
                    try sandbox.write("", to: "go")
                }
                #expect(outcome.exitCode == 0)
                #expect(news.created("s/b").count == 1 && news.created("t/c").count == 1)
                return (events, parked.value)
            }
            let started = events.filter { $0.type == "step.started" }
            #expect(started.compactMap(\.step) == ["s/a", "s/b", "t/c"])
            #expect(started.dropFirst().map { $0.text("container_id") } == parked)
            #expect(events.filter { $0.type == "step.log" }.compactMap { $0.text("text") } == ["up", "b-ran", "x"])
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("twice as many as may run at once are parked, never more, and each end makes room for the next")
    func bounded() async throws {
        let image = try await Published.busybox("bounded")
        try await RoostSandbox.with { sandbox in
            let names = (0..<7).map { "s\($0)" }
            let pipeline =
                "stages_order = ['s']\n[pipeline]\nmax_parallel = 1\n"
                + names.map { step("s/\($0)", image, blocked(on: "go-\($0)")) }.joined()
            try await ContainerNews.with(sandbox) { news in
                let (outcome, _) = try await sandbox.run(pipeline) { process in
                    for (index, name) in names.enumerated() {
                        try await process.line(on: .output) {
                            $0.contains("\"step.started\"") && $0.contains("\"\(name)\"")
                        }
                        let ahead = names[index...].prefix(3).map { "s/\($0)" }
                        for step in ahead { try await news.started(step) }
                        #expect(news.createdSteps == Set(names.prefix(index + 3).map { "s/\($0)" }))
                        try sandbox.write("", to: "go-\(name)")
                    }
                }
                #expect(outcome.exitCode == 0)
            }
        }
    }

    @Test("a parked step that is skipped never ran, and its container is removed")
    func skipped() async throws {
        let image = try await Published.busybox("skipped")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s', 't']\n" + step("s/a", image, blocked() + "; exit 3")
                + step("s/b", image, "echo x >> b", "needs = ['a']") + step("t/c", image, "echo x >> b")
                + step("s/clean", image, "echo x >> clean", "needs = ['a']\nalways = true")
            try await ContainerNews.with(sandbox) { news in
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    for step in ["s/b", "t/c", "s/clean"] { try await news.started(step) }
                    try sandbox.write("", to: "go")
                }
                #expect(outcome.exitCode == 1)
                #expect(
                    statuses(events) == ["s/a": "failed", "s/b": "skipped", "t/c": "skipped", "s/clean": "succeeded"]
                )
                #expect(events.filter { $0.type == "step.started" }.compactMap(\.step) == ["s/a", "s/clean"])
                #expect(sandbox.runs(of: "b") == 0 && sandbox.runs(of: "clean") == 1)
                #expect(news.created("s/clean").count == 1)
                for step in ["s/b", "t/c"] { try await news.wait { $0.action == "destroy" && $0.step == step } }
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    @Test("what a gate can't stand before is started in its turn, and succeeds")
    func notParked() async throws {
        let image = try await Published.busybox("plain")
        let shellless = try await Published.image(
            try TestImage(layers: [
                try TestLayer(files: [
                    .file("/mark", UniqueName.make("shellless")),
                    .file("/echo", mode: 0o755, try TestLayer.busyboxProgram()),
                ])
            ]),
            "shellless"
        )
        try await RoostSandbox.with { sandbox in
            let long = String(repeating: "x", count: 100_000)
            let plain = ["list", "entrypoint", "shellless", "off", "long"]
            let pipeline =
                "stages_order = ['s']\n" + step("s/a", image, blocked())
                    + """
                    [stages.s.steps.list]
                    image = "\(image)"
                    command = ["/bin/echo", "list ran"]
                    needs = ["a"]
                    [stages.s.steps.entrypoint]
                    image = "\(image)"
                    entrypoint = ["/bin/sh", "-c"]
                    command = "echo entrypoint ran"
                    needs = ["a"]
                    [stages.s.steps.shellless]
                    image = "\(shellless)"
                    entrypoint = ["/echo"]
                    command = ["shellless ran"]
                    needs = ["a"]

                    """
                + step("s/off", image, "echo off ran", "needs = ['a']\npark = false")
                + step("s/long", image, ": \(long)\necho long ran", "needs = ['a']")
                + step("s/parked", image, "echo parked ran", "needs = ['a']")
            try await ContainerNews.with(sandbox) { news in
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    // The last that would be parked: those before it would be there by now.
                    try await news.started("s/parked")
                    #expect(news.createdSteps == ["s/a", "s/parked"])
                    try sandbox.write("", to: "go")
                }
                #expect(outcome.exitCode == 0)
                #expect(statuses(events).count { $0.value == "succeeded" } == 7)
                let lines = Set(events.filter { $0.type == "step.log" }.compactMap { $0.text("text") })
                #expect(lines.isSuperset(of: (plain + ["parked"]).map { "\($0) ran" }))
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    @Test("an image without a shell whose command is a string fails as it does unparked, with 127")
    func stringWithoutShell() async throws {
        let image = try await Published.busybox("first")
        let shellless = try await Published.image(
            try TestImage(layers: [try TestLayer(files: [.file("/mark", UniqueName.make("noshell"))])]),
            "noshell"
        )
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n" + step("s/a", image, blocked())
                + step("s/b", shellless, "echo never", "needs = ['a']")
            let (outcome, events) = try await ContainerNews.with(sandbox) { news in
                try await sandbox.run(pipeline) { _ in
                    try await news.wait { $0.action == "create" && $0.step == "s/b" }
                    try sandbox.write("", to: "go")
                }
            }
            #expect(outcome.exitCode == 1)
            let finished = try #require(events.first { $0.type == "step.finished" && $0.step == "s/b" })
            #expect(finished.text("status") == "failed" && finished.number("exit_code") == 127)
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("a parked step that fails is tried again in a container of its own")
    func retried() async throws {
        let image = try await Published.busybox("again")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n" + step("s/a", image, blocked())
                + step(
                    "s/b",
                    image,
                    "echo x >> tries; echo \"try $(wc -l < tries)\"; [ $(wc -l < tries) -ge 2 ]",
                    "needs = ['a']\nmax_retries = 2\nbackoff = '1ms'"
                )
            try await ContainerNews.with(sandbox) { news in
                let (outcome, events) = try await sandbox.run(pipeline) { _ in
                    try await news.started("s/b")
                    try sandbox.write("", to: "go")
                }
                #expect(outcome.exitCode == 0)
                let started = events.filter { $0.type == "step.started" && $0.step == "s/b" }
                #expect(started.map { $0.number("attempt") } == [1, 2])
                #expect(started.compactMap { $0.text("container_id") } == news.created("s/b"))
                let finished = try #require(events.first { $0.type == "step.finished" && $0.step == "s/b" })
                let path = try #require(finished.text("log_path"))
                #expect(try String(contentsOfFile: sandbox.project + "/" + path, encoding: .utf8) == "try 2\n")
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    @Test("a budget for one step at a time lets others be parked; they take from it only when they run")
    func memory() async throws {
        let image = try await Published.busybox("admission")
        try await RoostSandbox.with { sandbox in
            let count = "mkdir running || exit 9; sleep 0.2; rmdir running"
            let pipeline =
                "stages_order = ['s']\n[pipeline]\nmax_parallel = 4\nmemory = '64mb'\nmemory_budget = '64mb'\n"
                + step("s/a", image, blocked())
                + (1...4).map { step("s/b\($0)", image, count, "needs = ['a']") }.joined()
            try await ContainerNews.with(sandbox) { news in
                let (outcome, _) = try await sandbox.run(pipeline) { process in
                    try await process.line(on: .output) { $0.contains("\"up\"") }
                    for number in 1...4 { try await news.started("s/b\(number)") }
                    try sandbox.write("", to: "go")
                }
                #expect(outcome.exitCode == 0, "never two at once")
                #expect(news.items.count { $0.action == "create" && $0.kind == "step" } == 5)
            }
        }
    }

    @Test("an interruption removes what is parked, whether it comes once or twice", arguments: [1, 2])
    func interrupted(times: Int) async throws {
        let image = try await Published.busybox("interrupt")
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await ContainerNews.with(sandbox) { news in
                try await sandbox.run(deaf(image)) { process in
                    for step in ["s/b", "t/c"] { try await news.started(step) }
                    try await news.wait { $0.action == "start" && $0.kind == "slot" }
                    try process.send(.interrupt)
                    try await process.line(on: .output) { $0.contains("\"notice\"") }
                    // The first has its parked ones removed while the step that runs still has its grace.
                    for step in ["s/b", "t/c"] { try await news.wait { $0.action == "destroy" && $0.step == step } }
                    if times == 2 { try process.send(.interrupt) } else { try sandbox.write("", to: "go") }
                }
            }
            #expect(outcome.exitCode == 130)
            #expect(statuses(events)["s/a"] == "cancelled")
            #expect(statuses(events).count { $0.value == "skipped" } == 4)
            #expect(sandbox.runs(of: "b") == 0)
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("what a killed run has parked ends with it, is removed by the next verb, and has no exit code")
    func killed() async throws {
        let image = try await Published.busybox("parkkill")
        try await RoostSandbox.with { sandbox in
            try await ContainerNews.with(sandbox) { news in
                let killed = try await sandbox.run(deaf(image)) { process in
                    for step in ["s/b", "t/c"] { try await news.started(step) }
                    try await news.wait { $0.action == "start" && $0.kind == "slot" }
                    try process.send(.kill)
                }
                #expect(killed.outcome.signal == 9)
                // Their gates end with their owner.
                for step in ["s/b", "t/c"] { try await news.wait { $0.action == "die" && $0.step == step } }
                try await news.wait { $0.action == "die" && $0.kind == "slot" }
                let run = try #require(killed.events.first?.text("run_id"))
                let reaped = try await sandbox.roost(["reap"])
                #expect(reaped.exitCode == 0)
                #expect(try await sandbox.leftovers().isEmpty)
                let record = try #require(try await sandbox.journal().run(run))
                #expect(record.exits.isEmpty, "\(record.exits)")
                #expect(sandbox.runs(of: "b") == 0)
            }
        }
    }

    @Test("the exit code of a parked step that was released before its run was killed is recovered")
    func releasedAndKilled() async throws {
        let image = try await Published.busybox("released")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n" + step("s/a", image, blocked())
                + step("s/b", image, "echo b-up; until [ -e end ]; do sleep 0.05; done; exit 7", "needs = ['a']")
            try await ContainerNews.with(sandbox) { news in
                let killed = try await sandbox.run(pipeline) { process in
                    try await news.started("s/b")
                    try sandbox.write("", to: "go")
                    try await process.line(on: .output) { $0.contains("\"b-up\"") }
                    try process.send(.kill)
                }
                try sandbox.write("", to: "end")
                try await news.wait { $0.action == "die" && $0.step == "s/b" }
                #expect(try await sandbox.roost(["reap"]).exitCode == 0)
                let run = try #require(killed.events.first?.text("run_id"))
                let exits = try #require(try await sandbox.journal().run(run)).exits
                #expect(exits.contains(StepExit(stage: "s", step: "b", attempt: 1, exitCode: 7)), "\(exits)")
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    /// A step that takes no notice of a stop, with parked ones after it and enough steps for a slot.
    private func deaf(_ image: String) -> String {
        "stages_order = ['s', 't']\n[pipeline]\nmax_parallel = 1\n"
            + step("s/a", image, "trap '' TERM; " + blocked())
            + step("s/b", image, "echo x >> b", "needs = ['a']")
            + ["c", "d", "e"].map { step("t/\($0)", image, "echo x >> b") }.joined()
    }
}
