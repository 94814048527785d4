import DockerEngine
import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Services beside the steps of a stage",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(10))
)
struct RunServiceTests {
    private static let web = "mkdir /www; echo hello from $WHO > /www/index.html; exec httpd -f -p 8080 -h /www"

    @Test("a step reaches a service by its name, once it is ready, and afterwards nothing of it is left but its log")
    func reachable() async throws {
        let image = try await Published.busybox("service")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n"
                + service("s/web", image, "echo serving; \(Self.web)", "env = ['WHO=web']\nready = { port = 8080 }")
                + step("s/x", image, "wget -q -O - http://web:8080/")
            let (outcome, events) = try await sandbox.run(pipeline, ["--report", "report.json"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(events.contains { $0.type == "step.log" && $0.text("text") == "hello from web" })
            let order = events.map(\.type).filter { $0.hasPrefix("service") || $0.hasPrefix("st") && $0 != "step.log" }
            #expect(order.prefix(4) == ["stage.started", "service.started", "service.ready", "step.started"])
            // They are stopped when the step's command has ended, while its container is still being looked at.
            #expect(Set(order[4..<6]) == ["step.finished", "service.finished"])
            #expect(order.dropFirst(6) == ["stage.finished"])
            let finished = try #require(events.first { $0.type == "service.finished" })
            #expect(finished.text("status") == "succeeded" && finished.text("reason") == nil)
            let log = try #require(finished.text("log_path"))
            #expect(log.hasSuffix("/s/service-web.log"))
            #expect(try sandbox.text(of: log) == "serving\n")
            #expect(!events.contains { $0.text("text") == "serving" }, "what it prints is not shown")
            #expect(try sandbox.text(of: "report.json").contains("\"service\" : \"web\""))
            #expect(try await sandbox.roost(["runs", "logs", "latest", "web"]).standardOutput == "serving\n")
            #expect(try await sandbox.roost(["runs", "logs"]).standardOutput == "serving\nhello from web\n")
            try await sandbox.expectNothingLeft()
        }
    }

    @Test("no step starts before a command says that the service is ready")
    func lateByCommand() async throws {
        let image = try await Published.busybox("late")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n"
                + service("s/db", image, "sleep 600", "ready = { command = 'test -e /ready', interval = '50ms' }")
                + step("s/x", image, "true")
            let (outcome, events) = try await sandbox.run(pipeline) { process in
                let line = try await process.line(on: .output) { $0.contains("\"service.started\"") }
                let event = try #require(try EventLine.parse(line).first)
                let container = try #require(event.text("container_id"))
                // Several looks have seen that it is not ready, and no step has a container.
                try await sandbox.withEngine { engine in
                    try await engine.untilExecuted(in: container, times: 3)
                    #expect(try await sandbox.leftovers().map(\.labels?["dev.roost.kind"]) == ["service"])
                    #expect(try await engine.execute(["touch", "/ready"], in: container).exitCode == 0)
                }
            }
            #expect(outcome.exitCode == 0)
            let types = events.map(\.type)
            let ready = try #require(types.firstIndex(of: "service.ready"))
            #expect(try #require(types.firstIndex(of: "step.started")) > ready)
            try await sandbox.expectNothingLeft()
        }
    }

    @Test(
        "a service that is not ready in time fails the run as its own fault, with the end of its log; cleanup still runs"
    )
    func neverReady() async throws {
        let image = try await Published.busybox("never")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n"
                + service(
                    "s/db",
                    image,
                    "echo I wait for ever; sleep 600",
                    "ready = { port = 5432, timeout = '300ms' }"
                )
                + step("s/x", image, "true") + step("s/cleanup", image, "echo tidy")
            try sandbox.write(pipeline, to: "roost.toml")
            let outcome = try await sandbox.roost(["run", "--report", "report.json"])
            #expect(outcome.exitCode == 125)
            let text = outcome.standardError
            #expect(text.contains("service db of stage s was not ready within 300 ms"))
            #expect(text.contains("port 5432"))
            #expect(text.contains("I wait for ever"), "the end of its log is shown")
            #expect(text.contains("tidy"), "steps that always run still do")
            let report = try sandbox.text(of: "report.json")
            #expect(report.contains("\"status\" : \"timed_out\""))
            #expect(report.contains("\"status\" : \"infrastructure_error\""))
            #expect(text.contains("could not be run: service db of stage s was not ready"), "\(text)")
            try await sandbox.expectNothingLeft()
        }
    }

    @Test("a service that exits before it is ready ends the wait at once, with its code")
    func exitsEarly() async throws {
        let image = try await Published.busybox("early")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n"
                + service("s/db", image, "echo no disk; exit 3", "ready = { port = 5432, timeout = '1h' }")
                + step("s/x", image, "true")
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 125)
            let finished = try #require(events.first { $0.type == "service.finished" })
            #expect(finished.text("status") == "failed" && finished.number("exit_code") == 3)
            let reason = "service db of stage s exited with code 3 before it was ready"
            #expect(events.last?.text("reason") == reason)
            let step = try #require(events.first { $0.type == "step.finished" })
            #expect(step.text("status") == "skipped" && step.text("reason") == reason)
            try await sandbox.expectNothingLeft()
        }
    }

    @Test("a service that dies while steps run is told at once; one that runs out of memory is named with its limit")
    func diesBeside() async throws {
        let image = try await Published.busybox("dies")
        try await RoostSandbox.with { sandbox in
            // The step ends when it has seen what the run says of the services.
            let pipeline =
                "stages_order = ['s']\n"
                + service("s/short", image, "until [ -e /go ]; do sleep 0.05; done; exit 4")
                + service(
                    "s/greedy",
                    image,
                    "until [ -e /go ]; do sleep 0.05; done; exec tail /dev/zero",
                    "memory = '16mb'"
                )
                + step("s/x", image, "echo up; until [ -e seen ]; do sleep 0.05; done")
            let (outcome, events) = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try await sandbox.withEngine { engine in
                    for container in try await sandbox.leftovers()
                    where container.labels?["dev.roost.kind"] == "service" {
                        #expect(try await engine.execute(["touch", "/go"], in: container.id).exitCode == 0)
                    }
                }
                try await process.line(on: .output) {
                    $0.contains("\"warning\"")
                        && $0.contains("service short of stage s exited with code 4 after it was ready")
                }
                try await process.line(on: .output) {
                    $0.contains("\"warning\"")
                        && $0.contains("service greedy of stage s ran out of memory at its limit of 16 MiB")
                }
                try sandbox.write("", to: "seen")
            }
            #expect(outcome.exitCode == 0, "the step decides whether it matters")
            let finished = events.filter { $0.type == "service.finished" }
            #expect(finished.first { $0.text("service") == "short" }?.text("status") == "failed")
            #expect(finished.first { $0.text("service") == "greedy" }?.text("status") == "oom_killed")
            try await sandbox.expectNothingLeft()
        }
    }

    @Test(
        "Ctrl-C stops services after the steps beside them, with TERM first; the second one kills",
        arguments: [1, 2]
    )
    func interrupted(_ times: Int) async throws {
        let image = try await Published.busybox("interrupted")
        try await RoostSandbox.with { sandbox in
            let onTerm = times == 1 ? "trap 'echo got TERM; exit 0' TERM" : "trap '' TERM"
            let pipeline =
                "stages_order = ['s']\n"
                + service("s/db", image, "\(onTerm); while true; do sleep 0.1; done", "stop_grace = '1h'")
                + step("s/x", image, "trap 'exit 0' TERM; echo up; while true; do sleep 0.1; done")
            let (outcome, events) = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.interrupt)
                if times == 2 {
                    try await process.line(on: .output) { $0.contains("\"step.finished\"") }
                    try process.send(.interrupt)
                }
            }
            #expect(outcome.exitCode == 130)
            let types = events.map(\.type)
            let step = try #require(types.firstIndex(of: "step.finished"))
            let service = try #require(types.firstIndex(of: "service.finished"))
            #expect(step < service, "what a step does at its end may need the service")
            let log = try sandbox.text(of: try #require(events[service].text("log_path")))
            #expect(log == (times == 1 ? "got TERM\n" : ""))
            try await sandbox.expectNothingLeft()
        }
    }

    @Test("Ctrl-C while a service is not ready yet ends the wait")
    func interruptedWhileStarting() async throws {
        let image = try await Published.busybox("starting")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n"
                + service("s/db", image, "sleep 600", "ready = { port = 1, timeout = '1h' }")
                + step("s/x", image, "true")
            let (outcome, events) = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"service.started\"") }
                try process.send(.interrupt)
            }
            #expect(outcome.exitCode == 130)
            #expect(events.first { $0.type == "service.finished" }?.text("status") == "cancelled")
            try await sandbox.expectNothingLeft()
        }
    }

    @Test("what a killed run leaves of its services, the network included, the next verb removes")
    func killed() async throws {
        let image = try await Published.busybox("killed")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n" + service("s/db", image, "sleep 600")
                + step("s/x", image, "echo up; sleep 600")
            let killed = try await sandbox.run(pipeline) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.kill)
            }
            #expect(killed.outcome.signal == 9)
            #expect(try await sandbox.leftovers().count == 2)
            #expect(try await sandbox.leftNetworks().count == 1)
            #expect(try await sandbox.roost(["reap"]).exitCode == 0)
            try await sandbox.expectNothingLeft()
        }
    }

    @Test("services of one name in two stages, and in two runs at once, are each their own")
    func sameNames() async throws {
        let image = try await Published.busybox("same")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['a', 'b']\n"
                + ["a", "b"].map { stage in
                    service("\(stage)/web", image, Self.web, "env = ['WHO=\(stage)']\nready = { port = 8080 }")
                        + step("\(stage)/x", image, "wget -q -O - http://web:8080/")
                }.joined()
            try sandbox.write(pipeline, to: "roost.toml")
            try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        let outcome = try await sandbox.roost(["run", "--format", "json"])
                        #expect(outcome.exitCode == 0)
                        return try EventLine.parse(outcome.standardOutput).filter { $0.type == "step.log" }
                            .compactMap { $0.text("text") }
                    }
                }
                for try await lines in group { #expect(lines == ["hello from a", "hello from b"]) }
            }
            try await sandbox.expectNothingLeft()
        }
    }

    @Test("in a pipeline without stages a service runs beside all steps, and keeps what one of them left in it")
    func flat() async throws {
        let image = try await Published.busybox("flat")
        try await RoostSandbox.with { sandbox in
            let listen = "nc -l -p 9000 > /got; exec httpd -f -p 8080 -h /"
            let pipeline = """
                [services.store]
                image = "\(image)"
                command = "\(listen)"
                ready = { port = 9000 }

                [[pipeline.steps]]
                name = "put"
                image = "\(image)"
                command = "echo kept | nc store 9000"

                [[pipeline.steps]]
                name = "get"
                image = "\(image)"
                command = "until wget -q -O - http://store:8080/got; do sleep 0.1; done"
                """
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(events.contains { $0.type == "step.log" && $0.text("text") == "kept" })
            #expect(events.count { $0.type == "service.started" } == 1)
            let finished = try #require(events.first { $0.type == "service.finished" })
            #expect(finished.text("stage") == nil)
            #expect(try #require(finished.text("log_path")).hasSuffix("/service-store.log"))
            try await sandbox.expectNothingLeft()
        }
    }

    @Test("only the services of what is selected start, and memory for services and a step is taken together")
    func selectionAndMemory() async throws {
        let image = try await Published.busybox("chosen")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['a', 'b']\n[pipeline]\nmemory_budget = '96mb'\nmemory = '32mb'\n"
                + service("a/one", image, "sleep 600") + step("a/x", image, "true")
                + service("b/two", image, "sleep 600") + step("b/y", image, "true") + step("b/z", image, "true")
            let (outcome, events) = try await sandbox.run(pipeline, ["--stage", "b"])
            #expect(outcome.exitCode == 0)
            #expect(events.filter { $0.type == "service.started" }.map { $0.text("service") } == ["two"])
            // Two runs, each with memory for its service alone, would wait for each other for ever.
            try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<3 { group.addTask { try await sandbox.roost(["run"]).exitCode } }
                for try await code in group { #expect(code == 0) }
            }
            let refused = try await sandbox.roost(["run", "--memory-budget", "48mb"])
            #expect(refused.exitCode == 2)
            #expect(refused.standardError.contains("the services of stage a (32 MiB)"))
            try await sandbox.expectNothingLeft()
        }
    }
}

/// Lines of a pipeline for a service that runs a shell command.
func service(_ id: String, _ image: String, _ command: String, _ extra: String = "") -> String {
    let parts = id.split(separator: "/")
    return """
        [stages.\(parts[0]).services.\(parts[1])]
        image = "\(image)"
        command = '''
        \(command)
        '''
        \(extra)

        """
}

extension RoostSandbox {
    /// A file of the project folder.
    fileprivate func text(of path: String) throws -> String {
        try String(contentsOfFile: project + "/" + path, encoding: .utf8)
    }

    /// The networks of this sandbox's installation.
    fileprivate func leftNetworks() async throws -> [NetworkSummary] {
        let file = try #require(environment["ROOST_HOME"]) + "/state/installation"
        let id = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        return try await withEngine { try await $0.networks(labels: ["dev.roost.installation": id]) }
    }

    fileprivate func expectNothingLeft() async throws {
        #expect(try await leftovers().isEmpty)
        #expect(try await leftNetworks().isEmpty)
    }
}

extension EngineClient {
    /// Returns when commands have been executed in the container so many times.
    fileprivate func untilExecuted(in container: String, times: Int) async throws {
        struct Enough: Error {}
        var count = 0
        do {
            try await events(filters: ["container": [container], "event": ["exec_die"]]) { _ in
                count += 1
                if count == times { throw Enough() }
            }
        } catch is Enough {}
    }
}
