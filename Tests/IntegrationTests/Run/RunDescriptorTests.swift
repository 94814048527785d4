import DockerEngine
import Foundation
import RoostTesting
import Testing

@Suite(
    "Runs with few descriptors",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunDescriptorTests {
    private static let steps = 24

    /// Runs as many steps at once as the run allows under a limit of 64 descriptors, and checks all their logs.
    ///
    /// - Parameters:
    ///   - limit: The shell's `ulimit` options.
    ///   - atOnce: Finds out how many steps have to be running before any of them may end.
    /// - Returns: The run's warnings, and the most steps that ran at once.
    /// - Throws: What `atOnce` throws, and where the run ends before that many steps are running.
    private func run(
        _ limit: String,
        atOnce: @escaping @Sendable (RoostProcess) async throws -> Int
    ) async throws -> (warnings: [String], most: Int) {
        let image = try await Published.busybox("few")
        return try await RoostSandbox.with { sandbox in
            let command = "seq 1000; until [ -e go ]; do sleep 0.05; done; echo end"
            try sandbox.write(
                "stages_order = ['s']\n[pipeline]\nmax_parallel = \(Self.steps)\n"
                    + (0..<Self.steps).map { step("s/x\($0)", image, command) }.joined(),
                to: "roost.toml"
            )
            let outcome = try await RoostProcess.run(
                .init(
                    executable: "/bin/sh",
                    arguments: [
                        "-c", "ulimit \(limit) 64 && exec \"$0\" run --format json",
                        try TestEnvironment.requireBinary(),
                    ],
                    environment: sandbox.environment,
                    workingDirectory: sandbox.project
                )
            ) { process in
                let count = try await atOnce(process)
                let held = Shared<Set<String>>([])
                // The end of seq's output is there once the step holds all its descriptors.
                try await process.line(on: .output) { line in
                    guard line.contains("\"step.log\""), line.contains("\"text\":\"1000\"") else { return false }
                    held.update { $0.insert(line) }
                    return held.value.count == count
                }
                try sandbox.write("", to: "go")
            }
            #expect(outcome.exitCode == 0)
            let events = try EventLine.parse(outcome.standardOutput)
            let finished = events.filter { $0.type == "step.finished" }
            #expect(finished.count { $0.text("status") == "succeeded" } == Self.steps)
            let whole = Data(((1...1000).map(String.init) + ["end", ""]).joined(separator: "\n").utf8)
            for step in finished {
                let path = try #require(step.text("log_path"))
                #expect(try Data(contentsOf: URL(filePath: sandbox.project + "/" + path)) == whole)
                #expect(step.text("warning") == nil)
            }
            #expect(try await sandbox.leftovers().isEmpty)
            var running = 0
            var most = 0
            for event in events {
                if event.type == "step.started" { running += 1 }
                if event.type == "step.finished" { running -= 1 }
                most = max(most, running)
            }
            return (events.filter { $0.type == "warning" }.compactMap { $0.text("message") }, most)
        }
    }

    @Test("where only the soft limit is 64, all steps run at once and every raw log is whole")
    func softLimit() async throws {
        let (warnings, most) = try await run("-S -n") { _ in Self.steps }
        #expect(!warnings.contains { $0.contains("at once") || $0.contains("raw log") })
        #expect(most == Self.steps)
    }

    @Test("where the hard limit is 64, fewer steps run at once, which a warning tells, and every raw log is whole")
    func hardLimit() async throws {
        let told = Shared(0)
        let (warnings, most) = try await run("-n") { process in
            let warning = try await process.line(on: .output) { $0.contains("steps run at once instead of") }
            let number = try #require(warning.firstMatch(of: /at most ([0-9]+) steps run at once instead of 24/))
            let count = try #require(Int(number.output.1))
            told.update { $0 = count }
            return count
        }
        #expect(warnings.contains { $0.contains("only 64 files and connections") })
        #expect(!warnings.contains { $0.contains("raw log") })
        #expect(told.value > 1)
        // As many again may have ended and still be looked after.
        #expect((told.value...2 * told.value).contains(most))
    }

    @Test("the warning stands in the text of a run as well")
    func text() async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { _ in .printing(["hello"]) }
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                try sandbox.write(
                    "stages_order = ['s']\n" + (0..<Self.steps).map { step("s/x\($0)", "img:1", "true") }.joined(),
                    to: "roost.toml"
                )
                let outcome = try await RoostProcess.run(
                    .init(
                        executable: "/bin/sh",
                        arguments: [
                            "-c", "ulimit -n 64 && exec \"$0\" run --max-parallel 24",
                            try TestEnvironment.requireBinary(),
                        ],
                        environment: sandbox.environment,
                        workingDirectory: sandbox.project
                    )
                )
                #expect(outcome.exitCode == 0)
                let lines = outcome.standardError.split(separator: "\n")
                #expect(lines.count { $0.contains("at once instead of 24: this process may have only 64 files") } == 1)
            }
        }
    }
}
