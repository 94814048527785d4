import DockerEngine
import Foundation
import RoostTesting
import Testing

@Suite(
    "Output of a run",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunOutputTests {
    private func rawLog(_ events: [EventLine], _ step: String, in sandbox: RoostSandbox) throws -> Data {
        let finished = try #require(events.first { $0.type == "step.finished" && $0.step == step })
        let path = try #require(finished.text("log_path"))
        return try Data(contentsOf: URL(filePath: sandbox.project + "/" + path))
    }

    @Test("ten parallel steps of 10,000 lines each: nothing lost, no torn line, order kept within a step")
    func manyLines() async throws {
        let image = try await Published.busybox("lines")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n[pipeline]\nmax_parallel = 10\n"
                + (0..<10).map { number in
                    step(
                        "s/p\(number)",
                        image,
                        "i=0; while [ $i -lt 10000 ]; do echo \"p\(number) line $i of ten thousand\"; i=$((i+1)); done"
                    )
                }.joined()
            try sandbox.write(pipeline, to: "roost.toml")
            let outcome = try await sandbox.roost(["run"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError.suffix(2000))")
            var next = [Int](repeating: 0, count: 10)
            for line in outcome.standardError.split(separator: "\n") where line.contains(" line ") {
                let parts = line.split(separator: "│", maxSplits: 1)
                let words = (parts.last ?? "").split(separator: " ")
                guard parts.count == 2, words.count == 6, let number = Int(words[0].dropFirst()),
                    let index = Int(words[2])
                else {
                    Issue.record("torn: \(line)")
                    return
                }
                #expect(line.contains("s/p\(number) "))
                #expect(index == next[number])
                next[number] += 1
            }
            #expect(next == [Int](repeating: 10_000, count: 10))
        }
    }

    @Test("a fast writer's every line arrives, in the file and in the events")
    func fastWriter() async throws {
        let image = try await Published.busybox("fast")
        try await RoostSandbox.with { sandbox in
            // seq writes some hundred thousand lines a second.
            let (outcome, events) = try await sandbox.run("stages_order = ['s']\n" + step("s/x", image, "seq 200000"))
            #expect(outcome.exitCode == 0)
            let lines = events.filter { $0.type == "step.log" }.compactMap { $0.text("text") }
            #expect(lines.count == 200_000)
            #expect(lines.last == "200000")
            let raw = try rawLog(events, "s/x", in: sandbox)
            #expect(raw.count { $0 == UInt8(ascii: "\n") } == 200_000)
        }
    }

    @Test("a line of 10 MB without a break is whole in the file and comes in marked pieces")
    func longLine() async throws {
        let image = try await Published.busybox("long")
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(
                "stages_order = ['s']\n"
                    + step("s/x", image, "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo end")
            )
            #expect(outcome.exitCode == 0)
            let lines = events.filter { $0.type == "step.log" }
            #expect(lines.allSatisfy { ($0.text("text") ?? "").utf8.count <= 65_536 })
            #expect(lines.count { $0.continues } >= 150)
            #expect(lines.reduce(0) { $0 + ($1.text("text") ?? "").filter { $0 == "x" }.count } == 10_000_000)
            #expect(lines.last?.text("text") == "end")
            #expect(try rawLog(events, "s/x", in: sandbox).count == 10_000_005)
        }
    }

    @Test("invalid UTF-8, NUL and escape sequences stay raw in the file and are shown safely")
    func hostileBytes() async throws {
        let image = try await Published.busybox("bytes")
        try await RoostSandbox.with { sandbox in
            // TOML's literal strings leave the backslashes to printf.
            let command = #"printf 'a\377b\000c\033]0;title\007d\033[31mred\n'"#
            let pipeline = "stages_order = ['s']\n" + step("s/x", image, command)
            let (outcome, events) = try await sandbox.run(pipeline)
            #expect(outcome.exitCode == 0)
            let expected: [UInt8] = [0x61, 0xFF, 0x62, 0x00, 0x63] + Array("\u{1B}]0;title\u{07}d\u{1B}[31mred\n".utf8)
            #expect(Array(try rawLog(events, "s/x", in: sandbox)) == expected)
            let line = try #require(events.first { $0.type == "step.log" })
            let bytes = try #require(line.text("bytes").flatMap { Data(base64Encoded: $0) })
            #expect(Array(bytes) == expected.dropLast())

            for (terminal, arguments) in [
                (nil, ["run"]), (RoostProcess.TerminalSize(rows: 30, columns: 100), ["run", "--color", "always"]),
            ] {
                let shown = try await sandbox.roost(
                    arguments,
                    environment: ["TERM": "xterm-256color"],
                    terminal: terminal
                )
                let text = terminal == nil ? shown.standardError : shown.standardOutput
                #expect(!text.contains("\u{1B}]0;title"))
                #expect(!text.contains("\0"))
                #expect(!text.contains("\u{07}"))
                #expect(text.contains("red"))
            }
        }
    }

    @Test(
        "what a command has printed is whole, though nobody read it when the command ended",
        arguments: [true, false]
    )
    func heldUpAtItsEnd(isFollowed: Bool) async throws {
        // An engine that is reached by TCP may be elsewhere: no process is followed.
        try await EngineRelay.with(
            engine: try #require(TestEnvironment.engine),
            listeningOn: isFollowed ? nil : "0.0.0.0"
        ) { relay in
            let image = try await Published.busybox("heldup")
            try await RoostSandbox.with(engine: relay.host) { sandbox in
                try await checkHeldUp(
                    "stages_order = ['s']\n" + step("s/x", image, Self.printUntilKilled("written")),
                    in: sandbox
                )
            }
        }
    }

    @Test(
        "what a command has printed is whole, though nobody has read so far as to its start",
        arguments: [true, false]
    )
    func heldUpFromItsStart(isParked: Bool) async throws {
        let image = try await Published.busybox("heldstart")
        try await RoostSandbox.with { sandbox in
            // The second prints until nothing is taken from it any more; the first lets the third start then.
            try await checkHeldUp(
                "stages_order = ['s']\n[pipeline]\nmax_parallel = 3\npark = \(isParked)\n"
                    + step("s/a", image, "until [ -e other ]; do sleep 0.05; done; sleep 2")
                    + step("s/o", image, Self.printUntilKilled("other", seconds: 7))
                    + step("s/x", image, Self.printUntilKilled("written"), "needs = ['a']"),
                in: sandbox
            )
        }
    }

    /// A command whose writer notes each line once it is written, fills all that is between it and the reader, and is killed.
    private static func printUntilKilled(_ file: String, seconds: Int = 3) -> String {
        "awk -v file=\(file) -f write.awk & sleep \(seconds); kill -9 $!"
    }

    /// Runs a pipeline whose output nobody reads until its step x has ended, and looks whether all that x has written arrives.
    private func checkHeldUp(_ pipeline: String, in sandbox: RoostSandbox) async throws {
        try sandbox.write(
            """
            BEGIN { for (i = 1; ; i++) { printf "%d %016000d\\n", i, 0; fflush()
            print i > file; close(file) } }
            """,
            to: "write.awk"
        )
        try sandbox.write(pipeline, to: "roost.toml")
        let go = sandbox.project + "/go"
        try #require(mkfifo(go, 0o600) == 0)
        let outcome = try await ContainerNews.with(sandbox) { news in
            try await RoostProcess.run(
                .init(
                    executable: "/bin/bash",
                    arguments: [
                        "-c", "\"$0\" run --format json | { read -r _ <go; cat; }; exit \"${PIPESTATUS[0]}\"",
                        try TestEnvironment.requireBinary(),
                    ],
                    environment: sandbox.environment,
                    workingDirectory: sandbox.project
                )
            ) { _ in
                try await news.wait { $0.action == "die" && $0.step == "s/x" }
                try Data("go\n".utf8).write(to: URL(filePath: go))
            }
        }
        let text = try String(contentsOfFile: sandbox.project + "/written", encoding: .utf8)
        let written = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        let events = try EventLine.parse(outcome.standardOutput).filter { $0.step == "s/x" }
        #expect(events.first?.type == "step.started" && events.last?.type == "step.finished")
        let numbers = events.compactMap { event in
            event.type == "step.log" ? event.text("text")?.split(separator: " ").first.flatMap { Int($0) } : nil
        }
        #expect(written > 50, "enough to fill what is between")
        #expect(numbers.count >= written)
        #expect(numbers == Array(1...max(numbers.count, 1)))
    }

    @Test("output that nobody reads any more ends the run cleanly, without success")
    func closedOutput() async throws {
        let image = try await Published.busybox("closed")
        try await RoostSandbox.with { sandbox in
            try sandbox.write(
                "stages_order = ['s']\n" + step("s/x", image, "while true; do echo more; sleep 0.05; done"),
                to: "roost.toml"
            )
            // The shell's head reads one line and goes.
            let binary = try TestEnvironment.requireBinary()
            let outcome = try await RoostProcess.run(
                .init(
                    executable: "/bin/bash",
                    arguments: [
                        "-c", "\"$0\" run --format json 2>/dev/null | head -n 1 >/dev/null; echo \"${PIPESTATUS[0]}\"",
                        binary,
                    ],
                    environment: sandbox.environment,
                    workingDirectory: sandbox.project
                )
            )
            #expect(outcome.standardOutput == "141\n")
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("on failure the last lines of the failed step are repeated at the end, with the log's path")
    func lastLines() async throws {
        let image = try await Published.busybox("tail")
        try await RoostSandbox.with { sandbox in
            try sandbox.write(
                "stages_order = ['s']\n" + step("s/bad", image, "seq 100; exit 3"),
                to: "roost.toml"
            )
            let outcome = try await sandbox.roost(["run"])
            #expect(outcome.exitCode == 1)
            let lines = outcome.standardError.split(separator: "\n")
            let repeated = try #require(lines.lastIndex { $0.hasSuffix("81") })
            let last = try #require(lines.lastIndex { $0.hasSuffix(" 100") })
            #expect(last - repeated == 19)
            #expect(outcome.standardError.contains(".roost/runs/"))
            #expect(lines.last?.contains("exit code 1") == true)
        }
    }
}
