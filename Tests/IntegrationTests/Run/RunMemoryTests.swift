import DockerEngine
import Foundation
import RoostTesting
import Testing

@Suite(
    "Memory divided between steps",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunMemoryTests {
    /// The most steps that were between their start and their end at once.
    private func mostAtOnce(_ runs: [[EventLine]]) -> Int {
        let marks = runs.flatMap { $0 }.filter { $0.type == "step.started" || $0.type == "step.finished" }
            .compactMap { event in event.time.map { ($0, event.type == "step.started" ? 1 : -1) } }
            // At the same instant an end comes first: times are cut to milliseconds.
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
        var now = 0
        return marks.reduce(0) { most, mark in
            now += mark.1
            return max(most, now)
        }
    }

    private func pipeline(_ image: String, steps: Int) -> String {
        "stages_order = ['s']\n[pipeline]\nmax_parallel = 12\nmemory_budget = '2gb'\nmemory = '512mb'\n"
            + (0..<steps).map { step("s/s\($0)", image, "sleep 0.2") }.joined()
    }

    @Test("twelve steps of 512 MB on a budget of 2 GB: never more than four at once, and all succeed")
    func budget() async throws {
        let image = try await Published.busybox("budget")
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(pipeline(image, steps: 12))
            #expect(outcome.exitCode == 0)
            #expect(events.count { $0.type == "step.finished" && $0.text("status") == "succeeded" } == 12)
            #expect(mostAtOnce([events]) <= 4)
            #expect(mostAtOnce([events]) > 1)
        }
    }

    @Test("two runs at once share one budget")
    func shared() async throws {
        let image = try await Published.busybox("shared")
        try await RoostSandbox.with { sandbox in
            try sandbox.write(pipeline(image, steps: 6), to: "roost.toml")
            let runs = try await withThrowingTaskGroup(of: [EventLine].self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        let outcome = try await sandbox.roost(["run", "--format", "json"])
                        #expect(outcome.exitCode == 0)
                        return try EventLine.parse(outcome.standardOutput)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(mostAtOnce(runs) <= 4)
        }
    }

    @Test("a step beyond the engine's budget is refused before anything is created")
    func tooLarge() async throws {
        let image = try await Published.busybox("large")
        try await RoostSandbox.with { sandbox in
            try sandbox.write("stages_order = ['s']\n" + step("s/x", image, "true", "memory = '1gb'"), to: "roost.toml")
            let outcome = try await sandbox.roost(["run", "--memory-budget", "512mb"])
            #expect(outcome.exitCode == 2)
            #expect(outcome.standardError.contains("s/x (1 GiB)"))
            #expect(outcome.standardError.contains("memory_budget"))
        }
    }
}
