import DockerEngine
import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Memory divided between steps",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunMemoryTests {
    /// Each step counts, from the inside, how many run beside it; none ends before two have been there at once.
    private func pipeline(_ image: String, steps: Int) -> String {
        let command = """
            mkdir -p running seen
            touch running/$HOSTNAME seen/$HOSTNAME
            until [ $(ls seen | wc -l) -ge 2 ]; do sleep 0.05; done
            echo beside $(ls running | wc -l)
            sleep 0.2
            rm running/$HOSTNAME
            """
        return "stages_order = ['s']\n[pipeline]\nmax_parallel = 12\nmemory_budget = '2gb'\nmemory = '512mb'\n"
            + (0..<steps).map { step("s/s\($0)", image, command) }.joined()
    }

    private func counts(_ events: [EventLine]) -> [Int] {
        events.compactMap { event in
            event.text("text").flatMap { $0.hasPrefix("beside ") ? Int($0.dropFirst("beside ".count)) : nil }
        }
    }

    @Test("twelve steps of 512 MB on a budget of 2 GB: never more than four at once, and all succeed")
    func budget() async throws {
        let image = try await Published.busybox("budget")
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(pipeline(image, steps: 12))
            #expect(outcome.exitCode == 0)
            #expect(events.count { $0.type == "step.finished" && $0.text("status") == "succeeded" } == 12)
            #expect(counts(events).count == 12)
            #expect(counts(events).allSatisfy { $0 <= 4 }, "\(counts(events))")
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
            #expect(counts(runs.flatMap { $0 }).count == 12)
            #expect(counts(runs.flatMap { $0 }).allSatisfy { $0 <= 4 }, "\(counts(runs.flatMap { $0 }))")
        }
    }

    @Test("a run says whose memory it waits for, and gets a killed run's when its containers have been removed")
    func afterKill() async throws {
        let image = try await Published.busybox("after-kill")
        try await RoostSandbox.with { sandbox in
            @Sendable func pipeline(_ command: String) -> String {
                "stages_order = ['s']\n[pipeline]\nmemory_budget = '1gb'\nmemory = '1gb'\n"
                    + step("s/x", image, command)
            }
            let killed = try await sandbox.run(pipeline("echo up; sleep 600")) { first in
                try await first.line(on: .output) { $0.contains("\"up\"") }
                let container = try #require(try await sandbox.leftovers().first?.id)
                let leases = try await sandbox.roost(["leases"]).standardOutput
                #expect(leases.contains("memory  1 GiB  process "))
                let next = try await sandbox.run(pipeline("true")) { second in
                    try await second.line(on: .output) { line in
                        line.contains(
                            "s/x waits for 1 GiB of memory: of the budget of 1 GiB, 1 GiB is promised: 1 GiB to run "
                        )
                    }
                    try first.send(.kill)
                    try await second.line(on: .output) { $0.contains("\"step.started\"") }
                    let left = try await sandbox.leftovers().map(\.id)
                    #expect(!left.contains(container), "two steps use the memory of one")
                }
                #expect(next.outcome.exitCode == 0)
            }
            #expect(killed.outcome.signal == 9)
            #expect(try await sandbox.leftovers().isEmpty)
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
