import DockerEngine
import Foundation
import NIOHTTP1
import RoostCore
import RoostTesting
import Subprocess
import Testing

/// What programs are told where a verb ends before it has done anything, or in the middle of pulls.
@Suite(
    "Ends of event streams",
    .serialized,
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct EndOfStreamTests {
    private let pipeline = "stages_order = ['s']\n" + step("s/x", "img:1", "true")
    private let nowhere = "unix:///nowhere/docker.sock"

    private func object(_ line: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    private func last(_ outcome: RoostProcess.Outcome) throws -> [String: Any] {
        try object(try #require(outcome.standardOutput.split(separator: "\n").last))
    }

    @Test("a run without an engine tells its end in the stream and in the report, through the report's link")
    func runWithoutEngine() async throws {
        try await RoostSandbox.with(engine: nowhere) { sandbox in
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.project + "/link",
                withDestinationPath: "report.json"
            )
            let (outcome, events) = try await sandbox.run(pipeline, ["--report", "link"])
            #expect(outcome.exitCode == 125)
            #expect(events.map(\.type) == ["run.finished"])
            #expect(events.last?.text("status") == "infrastructure_error")
            #expect(events.last?.number("exit_code") == 125)
            #expect(events.last?.text("reason")?.contains("/nowhere/docker.sock") == true)
            let report = try object(try String(contentsOfFile: sandbox.project + "/report.json", encoding: .utf8))
            #expect(report["status"] as? String == "infrastructure_error")
            #expect(report["run_id"] as? String == events.last?.text("run_id"))
            #expect((report["stages"] as? [[String: Any]])?.map { $0["status"] as? String } == ["skipped"])
        }
    }

    @Test("a pull without an engine tells its end in the stream")
    func pullWithoutEngine() async throws {
        try await RoostSandbox.with(engine: nowhere) { sandbox in
            let outcome = try await sandbox.roost(["pull", "--format", "json", "img:1"])
            #expect(outcome.exitCode == 125)
            let end = try last(outcome)
            #expect(end["type"] as? String == "pulls.finished")
            #expect(end["status"] as? String == "infrastructure_error")
            #expect((end["reason"] as? String)?.contains("/nowhere/docker.sock") == true)
        }
    }

    @Test("a pull that succeeds, and one of an image that can't be had, end with the counts")
    func pullCounts() async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                let good = try await sandbox.roost(["pull", "--format", "json", "img:1"])
                #expect(good.exitCode == 0)
                #expect(try last(good)["status"] as? String == "succeeded")
                #expect((try last(good)["images"] as? [String: Int])?["present"] == 1)
                let bad = try await sandbox.roost(
                    ["pull", "--format", "json", "img:1", "none:1", "none:2"],
                    environment: ["ROOST_OFFLINE": "true"]
                )
                #expect(bad.exitCode == 125)
                #expect(try last(bad)["type"] as? String == "pulls.finished")
                #expect((try last(bad)["images"] as? [String: Int])?["failed"] == 2)
            }
        }
    }

    @Test("an interruption tells of the pulls that it cut, in text and in JSON, and in the report of a run")
    func interruptedPulls() async throws {
        try await FakeEngine.with { fake in
            try fake.offer(FakeEngine.Image("img"), as: "127.0.0.1:1/img:1")
            fake.fail(.init(.POST, "/images/create"), .noAnswer, times: 10)
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                for (count, format) in ["json", "text"].enumerated() {
                    let outcome = try await sandbox.roost(["pull", "--format", format, "127.0.0.1:1/img:1"]) {
                        process in
                        _ = try await fake.waitForCall(.init(.POST, "/images/create"), count: count + 1)
                        try process.send(.interrupt)
                    }
                    #expect(outcome.exitCode == 130)
                    #expect(outcome.standardError.contains("interrupted by SIGINT"), "\(format)")
                    guard format == "json" else { continue }
                    let lines = outcome.standardOutput.split(separator: "\n")
                    #expect(try object(try #require(lines.dropLast().last))["outcome"] as? String == "cancelled")
                    #expect(try last(outcome)["status"] as? String == "interrupted")
                    #expect((try last(outcome)["images"] as? [String: Int])?["cancelled"] == 1)
                }
                let (outcome, events) = try await sandbox.run(
                    "stages_order = ['s']\n" + step("s/x", "127.0.0.1:1/img:1", "true"),
                    ["--report", "report.json"]
                ) { process in
                    _ = try await fake.waitForCall(.init(.POST, "/images/create"), count: 3)
                    try process.send(.interrupt)
                }
                #expect(outcome.exitCode == 130)
                #expect(events.last?.type == "run.finished")
                let report = try object(try String(contentsOfFile: sandbox.project + "/report.json", encoding: .utf8))
                let images = try #require(report["images"] as? [[String: Any]])
                #expect(images.map { $0["outcome"] as? String } == ["cancelled"])
            }
        }
    }

    @Test("every malformed name is told at once, before anything is asked")
    func malformedNames() async throws {
        try await RoostSandbox.with(engine: nowhere) { sandbox in
            let outcome = try await sandbox.roost(["pull", "GCC:14", "img:1", "a b"])
            #expect(outcome.exitCode == 2)
            #expect(outcome.standardError.contains("GCC:14"))
            #expect(outcome.standardError.contains("a b"))
        }
    }

    @Test("a damaged config.json does not stop a run whose images need no login")
    func damagedLogins() async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            fake.run { _ in .printing(["hello"]) }
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                try sandbox.writeDockerConfiguration("{")
                let (outcome, _) = try await sandbox.run(pipeline)
                #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            }
        }
    }
}
