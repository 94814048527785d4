import DockerEngine
import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Needs, retries and steps that always run",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunGraphTests {
    /// Where an event stands in the stream.
    private func index(_ events: [EventLine], _ type: String, _ step: String) throws -> Int {
        try #require(events.firstIndex { $0.type == type && $0.step == step }, "\(type) of \(step)")
    }

    private func statuses(_ events: [EventLine]) -> [String: String] {
        var statuses: [String: String] = [:]
        for event in events where event.type == "step.finished" {
            if let step = event.step { statuses[step] = event.text("status") }
        }
        return statuses
    }

    @Test("a step starts when what it needs has succeeded, while a longer one still runs")
    func eager() async throws {
        let image = try await Published.busybox("eager")
        try await RoostSandbox.with { sandbox in
            // The long step ends only when the last one has run: in waves the run would never end.
            let pipeline =
                "stages_order = ['s']\n"
                + step("s/long", image, "until [ -e done ]; do sleep 0.05; done", "timeout = '2m'")
                + step("s/short", image, "true")
                + step("s/after", image, "touch done", "needs = ['short']")
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 0)
            #expect(try index(events, "step.started", "s/after") < index(events, "step.finished", "s/long"))
            #expect(try index(events, "step.started", "s/after") > index(events, "step.started", "s/short"))
        }
    }

    @Test("what needs a step that failed is skipped and says why")
    func failedNeed() async throws {
        let image = try await Published.busybox("need")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n" + step("s/a", image, "exit 3") + step("s/b", image, "true", "needs = ['a']")
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 1)
            let skipped = try #require(events.first { $0.type == "step.finished" && $0.step == "s/b" })
            #expect(skipped.text("status") == "skipped")
            #expect(skipped.text("reason") == "it needs s/a, which failed")
        }
    }

    @Test("a step is tried again until it succeeds; each attempt has its lines, its log and its place in the report")
    func retries() async throws {
        let image = try await Published.busybox("retry")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n"
                + step(
                    "s/flaky",
                    image,
                    "echo try >> tries; n=$(wc -l < tries); echo \"attempt $n\"; [ $n -ge 3 ]",
                    "max_retries = 3\nbackoff = '1ms'"
                )
            let (outcome, events) = try await sandbox.run(pipeline, ["--report", "report.json"])
            #expect(outcome.exitCode == 0)
            let retrying = events.filter { $0.type == "step.retrying" }
            #expect(retrying.map { $0.number("attempt") } == [1, 2])
            #expect(retrying.allSatisfy { $0.text("status") == "failed" && $0.number("attempts") == 4 })
            #expect(
                events.filter { $0.type == "step.log" }.map { [$0.number("attempt").map(String.init), $0.text("text")] }
                    == (1...3).map { [String($0), "attempt \($0)"] }
            )
            let report = try String(contentsOfFile: sandbox.project + "/report.json", encoding: .utf8)
            #expect(report.contains("\"earlier_attempts\""))
            for attempt in 1...3 { #expect(report.contains("/s/flaky.\(attempt).log")) }
            let text = try await sandbox.roost(["run"])
            #expect(text.standardError.contains("attempt 1/4 attempt 4"), "\(text.standardError)")
        }
    }

    @Test("only what retry_on lists is tried again")
    func retryOn() async throws {
        let image = try await Published.busybox("retryon")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n"
                + step("s/x", image, "exit 1", "max_retries = 3\nretry_on = ['timed_out', 'oom_killed']")
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 1)
            #expect(!events.contains { $0.type == "step.retrying" })
        }
    }

    @Test("after a step ran out of memory, the clean-up step still runs")
    func alwaysAfterOutOfMemory() async throws {
        let image = try await Published.busybox("oom")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s', 'next', 'last']\n"
                + step("s/hog", image, "head -c 200m /dev/zero | tail", "memory = '16mb'")
                + step("next/never", image, "true")
                + step("last/cleanup", image, "echo cleaned")
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 137)
            #expect(
                statuses(events) == ["s/hog": "oom_killed", "next/never": "skipped", "last/cleanup": "succeeded"]
            )
            #expect(events.contains { $0.text("text") == "cleaned" })
        }
    }

    @Test("the failure of a step that always runs fails the run and hides no earlier cause")
    func alwaysFails() async throws {
        let image = try await Published.busybox("alwaysfails")
        try await RoostSandbox.with { sandbox in
            let clean = step("last/cleanup", image, "exit 9")
            let alone = try await sandbox.run("stages_order = ['last']\n" + clean)
            #expect(alone.outcome.exitCode == 1)
            let (outcome, events) = try await sandbox.run(
                "stages_order = ['s', 'last']\n" + step("s/x", image, "sleep 60", "timeout = '100ms'") + clean
            )
            #expect(outcome.exitCode == 124)
            #expect(events.last?.text("reason")?.hasPrefix("s/x") == true)
            #expect(statuses(events)["last/cleanup"] == "failed")
        }
    }

    @Test("after Ctrl-C steps that always run do so, to their end; a second one kills them")
    func alwaysAfterInterrupt() async throws {
        let image = try await Published.busybox("alwaysint")
        try await RoostSandbox.with { sandbox in
            let slow = step("s/x", image, "echo up; while true; do sleep 0.1; done")
            let first = try await sandbox.run(
                "stages_order = ['s', 'last']\n" + slow + step("last/cleanup", image, "echo cleaned")
            ) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.interrupt)
            }
            #expect(first.outcome.exitCode == 130)
            #expect(statuses(first.events) == ["s/x": "cancelled", "last/cleanup": "succeeded"])
            #expect(first.events.contains { $0.text("text") == "cleaned" })

            let second = try await sandbox.run(
                "stages_order = ['s', 'last']\n" + slow
                    + step("last/cleanup", image, "echo cleaning; while true; do sleep 0.1; done")
            ) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.interrupt)
                try await process.line(on: .output) { $0.contains("\"cleaning\"") }
                try process.send(.interrupt)
            }
            #expect(second.outcome.exitCode == 130)
            #expect(statuses(second.events)["last/cleanup"] == "cancelled")
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("a third Ctrl-C leaves at once, and the next command removes what was left")
    func thirdInterrupt() async throws {
        let image = try await Published.busybox("third")
        try await RoostSandbox.with { sandbox in
            try sandbox.write(
                "stages_order = ['s']\n" + step("s/x", image, "trap '' TERM; echo up; while true; do sleep 1; done"),
                to: "roost.toml"
            )
            let outcome = try await sandbox.roost(["run"]) { process in
                try await process.line(on: .error) { $0.hasSuffix(" up") }
                // Signals of one kind that are still to be taken are one; each waits until the one before has been seen.
                try process.send(.interrupt)
                try await process.line(on: .error) { $0.contains("interrupt again") }
                try process.send(.interrupt)
                try process.send(.terminate)
            }
            // Killing may have been quicker than the third signal: then everything was cleaned up.
            #expect(outcome.exitCode == 130)
            _ = try await sandbox.roost(["pull", image])
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("a lost registry: the run fails, and a step that always runs does so from the image that is there")
    func alwaysAfterLostRegistry() async throws {
        let registry = try TestEnvironment.requireRegistry()
        let image = try await Published.busybox("present")
        let repository = UniqueName.make("lost").lowercased()
        try await TestImage.busybox(plusRandom: 1 << 20, seed: .random(in: 0...UInt64.max)).push(
            to: registry,
            repository: repository,
            tag: "1"
        )
        try await FaultProxy.with(upstream: "http://\(registry)") { proxy in
            proxy.inject(.status(404), path: .blobs)
            try await RoostSandbox.with { sandbox in
                _ = try await sandbox.roost(["pull", image])
                let (outcome, events) = try await sandbox.run(
                    "stages_order = ['s', 'last']\n" + step("s/x", "\(proxy.hostAndPort)/\(repository):1", "true")
                        + step("last/cleanup", image, "echo cleaned")
                )
                #expect(outcome.exitCode == 125)
                #expect(statuses(events) == ["s/x": "skipped", "last/cleanup": "succeeded"])
            }
        }
    }
}
