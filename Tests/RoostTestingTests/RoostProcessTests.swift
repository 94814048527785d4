import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite("A program under test", .timeLimit(.minutes(1)))
struct RoostProcessTests {
    private func shell(_ script: String, environment: [String: String] = [:]) -> RoostProcess.Command {
        RoostProcess.Command(
            executable: "/bin/sh",
            arguments: ["-c", script],
            environment: ["PATH": "/usr/bin:/bin"].merging(environment) { _, new in new },
            workingDirectory: "/"
        )
    }

    @Test("its two streams and its exit code arrive apart")
    func streams() async throws {
        let outcome = try await RoostProcess.run(
            shell("echo data; echo $WORD >&2; exit 3", environment: ["WORD": "text"])
        )
        #expect(outcome.exitCode == 3)
        #expect(outcome.signal == nil)
        #expect(outcome.standardOutput == "data\n")
        #expect(outcome.standardError == "text\n")
    }

    @Test("a line can be awaited while it runs, and a signal sent then")
    func signals() async throws {
        let command = shell("trap 'echo stopping; exit 143' TERM; echo ready >&2; while :; do sleep 0.02; done")
        let outcome = try await RoostProcess.run(command) { process in
            let line = try await process.line(on: .error) { $0.hasPrefix("rea") }
            #expect(line == "ready")
            try process.send(.terminate)
            // A line that is there already is found as well.
            try await process.line(on: .output) { $0 == "stopping" }
        }
        #expect(outcome.exitCode == 143)
    }

    @Test("a signal that ends it is told")
    func killed() async throws {
        let outcome = try await RoostProcess.run(shell("kill -KILL $$"))
        #expect(outcome.ending == .signalled(9))
    }

    @Test("waiting for a line that never comes fails with what was written instead")
    func endsEarly() async throws {
        let error = await #expect(throws: RoostProcess.EndedEarly.self) {
            _ = try await RoostProcess.run(shell("echo something else >&2")) { process in
                try await process.line { $0 == "ready" }
            }
        }
        #expect(error?.description.contains("something else") == true)
    }

    @Test("it is ended where its test fails")
    func testFails() async throws {
        struct TestFailed: Error {}
        try await TemporaryDirectory.with { directory in
            let file = directory.path("ended")
            await #expect(throws: TestFailed.self) {
                let command = shell("trap 'echo > \(file); exit' TERM; echo ready; while :; do sleep 0.02; done")
                _ = try await RoostProcess.run(command) { process in
                    try await process.line(on: .output) { $0 == "ready" }
                    throw TestFailed()
                }
            }
            #expect(FileManager.default.fileExists(atPath: file))
        }
    }

    @Test("on a terminal it sees the terminal's size, and its changes")
    func terminal() async throws {
        let command = shell(
            "trap 'stty size; exit 7' WINCH; test -t 0 && test -t 1 && test -t 2 && stty size; read -r x; echo [$x];"
                + "while :; do sleep 0.02; done"
        )
        let outcome = try await RoostProcess.run(command, terminal: .init(rows: 33, columns: 101)) { process in
            try await process.text("33 101")
            try await process.type("typed\n")
            try await process.text("[typed]")
            try process.resize(to: .init(rows: 20, columns: 40))
            try await process.text("20 40")
        }
        #expect(outcome.exitCode == 7)
        #expect(outcome.standardOutput.contains("33 101\r\n"))
        #expect(outcome.standardError.isEmpty)
    }

    @Test("every line of a large output is there, in order")
    func largeOutput() async throws {
        let outcome = try await RoostProcess.run(shell("seq 100000"))
        let lines = outcome.standardOutput.split(separator: "\n")
        #expect(lines.count == 100_000)
        #expect(lines.last == "100000")
    }

    @Test("a sandbox holds all that a program may look at, and is gone afterwards")
    func sandbox() async throws {
        let path = try await RoostSandbox.with(engine: "unix:///nowhere") { sandbox in
            try sandbox.write("name = 1", to: "sub/roost.toml")
            try sandbox.writeDockerConfiguration("{}")
            #expect(FileManager.default.fileExists(atPath: sandbox.project + "/sub/roost.toml"))
            #expect(sandbox.environment["DOCKER_HOST"] == "unix:///nowhere")
            for name in ["HOME", "ROOST_HOME", "DOCKER_CONFIG", "TMPDIR", "XDG_STATE_HOME"] {
                #expect(sandbox.environment[name]?.hasPrefix(sandbox.directory.path + "/") == true)
            }
            return sandbox.directory.path
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
