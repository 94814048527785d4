import DockerEngine
import ParkedContainers
import RoostCore
import RoostTesting
import Testing

@Suite("Parked containers", .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"))
struct ParkedContainerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        var hasInit = true
        var signal: String?
        var change: @Sendable (inout ContainerSpecification) -> Void = { _ in }
        /// What this would be without a gate, where it is worth saying.
        var code: Int?
        var testDescription: String { text + (hasInit ? "" : " (no init)") }
    }

    static let cases: [Case] = [
        Case(text: "echo out; echo err >&2; exit 3", code: 3),
        Case(text: "env | sort"),
        Case(text: "env | sort", change: { $0.environment = ["A=b c", "EMPTY=", "Q='\"$x`", "SHLVL=7"] }),
        Case(text: "pwd; echo $PWD $OLDPWD", change: { $0.workingDirectory = "/made/for/it" }),
        Case(text: "cat; readlink /proc/self/fd/0; exit 4", code: 4),
        Case(text: "echo \"$0\" $# $-"),
        Case(text: "umask; id -u; id -g", change: { $0.user = "12:34" }),
        Case(text: "umask; ulimit -a; id"),
        Case(text: "ls -l /proc/self/fd | wc -l; trap"),
        Case(text: "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status"),
        Case(text: "kill -9 $$", code: 137),
        Case(text: "kill -TERM $$", code: 143),
        Case(text: "does-not-exist", code: 127),
        Case(text: "/etc", code: 126),
        Case(text: "if; then", code: 2),
        Case(text: "exit 125", code: 125),
        Case(text: "exit 137", code: 137),
        Case(text: "printf 'no end of line'; printf '%s' \"'a\nb\\c'\" >&2"),
        Case(text: "echo $$; exit 5", hasInit: false, code: 5),
        Case(text: "kill -9 $$; exit 6", hasInit: false, code: 6),
        Case(
            text: "trap 'echo stopped; exit 9' TERM; echo ready; while :; do sleep 0.1; done",
            signal: "TERM",
            code: 9
        ),
        Case(
            text: "trap 'echo stopped; exit 9' TERM; echo ready; while :; do sleep 0.1; done",
            hasInit: false,
            signal: "TERM",
            code: 9
        ),
        Case(
            text: "x=x; while :; do x=$x$x; done",
            hasInit: false,
            change: {
                $0.host.memory = 16 << 20
                $0.host.memoryAndSwap = 16 << 20
            },
            code: 137
        ),
    ]

    @Test("a command that was parked does and says what it does and says without", arguments: cases)
    func sameAsPlain(of command: Case) async throws {
        try await EngineUnderTest.with(.real) { engine in
            var specification = engine.shellForm(command.text)
            specification.host.usesInit = command.hasInit
            command.change(&specification)
            let signal: @Sendable (String) async throws -> Void = { id in
                if let signal = command.signal { try await engine.client.killContainer(id, signal: signal) }
            }
            let plain = try await engine.runPlain(specification, whenReady: signal)
            let parked = try await engine.runParked(specification, whenReady: signal)
            #expect(parked == plain)
            if let code = command.code { #expect(plain.code == code) }
        }
    }

    @Test("environment and working directory can come with the release, and stand in no inspection")
    func lateEnvironment() async throws {
        try await EngineUnderTest.with(.real) { engine in
            let (parked, _) = try await engine.park(engine.shellForm("exit 1"))
            let payload = try GatePayload(
                ReleasedCommand(
                    ["/bin/sh", "-c", "echo $SECRET; pwd"],
                    environment: [("SECRET", "s3 cret")],
                    workingDirectory: "/tmp"
                ),
                for: parked.gate
            )
            let collected = OutputCollector()
            async let end = parked.run(
                on: engine.client,
                watch: nil,
                start: { try await engine.client.startContainer(parked.id) }
            ) {
                collected.add($0)
            }
            #expect(await parked.release(payload), "before it has started")
            #expect(await !parked.release(payload), "a second time")
            _ = await end
            #expect(collected.output.value.text == "s3 cret\n/tmp\n")
            let environment = try await engine.client.inspectContainer(parked.id)?.config.environment ?? []
            #expect(!environment.contains { $0.contains("SECRET") })
        }
    }

    @Test("an image without a shell can't be parked: told, never a failure of the command", arguments: [true, false])
    func noShell(hasInit: Bool) async throws {
        try await EngineUnderTest.with(.real) { engine in
            var specification = engine.shellForm("echo ran")
            // A folder in the place of all programs.
            specification.host.mounts = [.init(kind: .tmpfs, source: nil, target: "/bin")]
            specification.host.usesInit = hasInit
            let (parked, payload) = try await engine.park(specification)
            let collected = OutputCollector()
            async let end = parked.run(
                on: engine.client,
                watch: nil,
                start: { try await engine.client.startContainer(parked.id) }
            ) {
                collected.add($0)
            }
            if hasInit {
                // The init has started; that it finds no shell shows a moment later.
                guard case .notParkable(.endedEarly) = await end else { throw Unexpected(description: "\(await end)") }
            } else {
                #expect(await !parked.waitUntilParked())
                guard case .notParkable(.noShell(127)) = await end else {
                    throw Unexpected(description: "\(await end)")
                }
            }
            #expect(await !parked.release(payload))
            #expect(collected.output.value.text.isEmpty && collected.output.value.errorText.isEmpty)
        }
    }

    @Test(
        "one that is stopped before its release is told as not parked, and runs nothing",
        arguments: ["TERM", "KILL"]
    )
    func endedEarly(signal: String) async throws {
        try await EngineUnderTest.with(.real) { engine in
            let (parked, payload) = try await engine.park(engine.shellForm("echo ran"))
            async let end = parked.run(
                on: engine.client,
                watch: nil,
                start: { try await engine.client.startContainer(parked.id) }
            ) { _ in }
            #expect(await parked.waitUntilParked())
            try await engine.client.killContainer(parked.id, signal: signal)
            guard case .notParkable(.endedEarly) = await end else { throw Unexpected(description: "\(await end)") }
            #expect(await !parked.release(payload))
            #expect(try await engine.wait(parked.id) == (signal == "TERM" ? 143 : 137))
        }
    }

    @Test("a gate ends with its owner, or stays for another to release it, as asked", arguments: [true, false])
    func owner(diesWithOwner: Bool) async throws {
        try await EngineUnderTest.with(.real) { engine in
            let (parked, payload) = try await engine.park(
                engine.shellForm("echo ran; exit 3"),
                diesWithOwner: diesWithOwner
            )
            async let end = parked.run(
                on: engine.client,
                watch: nil,
                start: { try await engine.client.startContainer(parked.id) }
            ) { _ in }
            #expect(await parked.waitUntilParked())
            await parked.detach()
            guard case .discarded = await end else { throw Unexpected(description: "\(await end)") }
            if diesWithOwner {
                #expect(try await engine.wait(parked.id) == ContainerGate.codeWithoutCommand)
            } else {
                let adopted = ParkedContainer(
                    id: parked.id,
                    gate: try #require(ContainerGate(nonce: parked.gate.nonce))
                )
                let collected = OutputCollector()
                async let end = adopted.run(on: engine.client, watch: nil, start: {}) { collected.add($0) }
                #expect(await adopted.release(payload))
                _ = await end
                #expect(collected.output.value.text == "ran\n")
                #expect(try await engine.wait(parked.id) == 3)
            }
        }
    }

    @Test(
        "the kernel tells the exit of a parked container's command as the engine does",
        arguments: [("exit 0", 0), ("exit 42", 42), ("sleep 100", 137)]
    )
    func exit(text: String, code: Int) async throws {
        try await EngineUnderTest.with(.real) { engine in
            let watch = ExitWatch()
            let (parked, payload) = try await engine.park(engine.shellForm(text))
            async let end = parked.run(
                on: engine.client,
                watch: watch,
                start: { try await engine.client.startContainer(parked.id) }
            ) { _ in }
            #expect(await parked.waitUntilParked())
            let number = try #require(try await engine.client.inspectContainer(parked.id)?.state.processID)
            #expect(watch.open(number, of: String(repeating: "ab", count: 32)) == nil, "another container's process")
            #expect(await parked.release(payload))
            if text.hasPrefix("sleep") { try await engine.client.killContainer(parked.id) }
            // A kernel before 6.15, or one that hides processes, leaves it to the engine.
            if let process = parked.firstProcess { #expect([code, nil].contains(await process.end().exitCode)) }
            #expect(try await engine.wait(parked.id) == code)
            _ = await end
        }
    }
}
