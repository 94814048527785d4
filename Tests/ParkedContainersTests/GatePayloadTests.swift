import DockerEngine
import Foundation
import NIOCore
import RoostTesting
import Testing

@testable import ParkedContainers

@Suite("What a gate reads")
struct GatePayloadTests {
    static let shells: [[String]] = [["/bin/sh"], ["/bin/bash"], ["/bin/busybox", "sh"]]
        .filter { FileManager.default.isExecutableFile(atPath: $0[0]) }

    private func refusal(_ command: ReleasedCommand) -> GatePayload.Refusal? {
        do {
            _ = try GatePayload(command, for: ContainerGate())
            return nil
        } catch {
            return error
        }
    }

    @Test("what a shell can't hand on unchanged is refused")
    func refusals() {
        #expect(refusal(ReleasedCommand([])) == .noProgram)
        #expect(refusal(ReleasedCommand([""])) == .noProgram)
        #expect(refusal(ReleasedCommand(["-c"])) == .unusableProgram("-c"))
        #expect(refusal(ReleasedCommand(["a", "b\0"])) == .nulByte)
        #expect(refusal(ReleasedCommand(["a"], environment: [("A", "\0")])) == .nulByte)
        #expect(refusal(ReleasedCommand(["a"], workingDirectory: "/\0")) == .nulByte)
        #expect(refusal(ReleasedCommand(["a"], workingDirectory: "x")) == .relativeWorkingDirectory("x"))
        for name in ["", "1A", "A-B", "A;reboot", "A\nB", "Ä", "A=B", ContainerGate.text, ContainerGate.line] {
            #expect(refusal(ReleasedCommand(["a"], environment: [(name, "")])) == .unusableName(name))
        }
        let long = String(repeating: "x", count: GatePayload.maximumBytes)
        guard case .tooLong = refusal(ReleasedCommand(["a", long])) else {
            Issue.record("a payload without a bound")
            return
        }
    }

    @Test("gates differ, and one is read back from its nonce only")
    func nonces() {
        let gate = ContainerGate()
        #expect(gate != ContainerGate())
        #expect(ContainerGate(nonce: gate.nonce) == gate)
        #expect(ContainerGate(entrypoint: gate.entrypoint) == gate)
        for other in [[], ["/bin/sh", "-c", gate.nonce], gate.entrypoint + ["x"], gate.entrypoint.dropLast() + ["x"]] {
            #expect(ContainerGate(entrypoint: other) == nil)
        }
        for nonce in ["", "x", gate.nonce + "a", gate.nonce.uppercased() + "\n", String(repeating: "g", count: 32)] {
            #expect(ContainerGate(nonce: nonce) == nil)
        }
    }

    @Test("hostile values come through any shell as they are, and break out of nothing", arguments: shells)
    func hostileValues(shell: [String]) async throws {
        try await Fuzzing.run(rounds: 400) { generator in
            let gate = ContainerGate()
            let pieces = [
                "'", "\"", "\n", "\r\n", "\\", "$(exit 9)", "`", ";", "&", "|", gate.nonce, "\n\(gate.nonce)\n",
                "\n'\n",
                " ", "\t", "é", "Ё", "\u{1}", "\u{7F}", "\u{81}", "👩‍👩‍👧", "a", "*", "~", "!", "#", "${IFS}", "=", "",
            ]
            func value() -> String {
                (0..<Int.random(in: 0...6, using: &generator))
                    .map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
            }
            // The command prints its variable and its arguments, each ended by a mark.
            let values = [value(), value(), value()]
            let command = ReleasedCommand(
                ["/bin/sh", "-c", #"printf '%s|' "$HOSTILE" "$0" "$@"; cat; exit 7"#, values[1], values[2]],
                environment: [("HOSTILE", values[0])]
            )
            let payload = try GatePayload(command, for: gate)
            let ended = try run(shell, gate, Array(payload.bytes.readableBytesView))
            let expected = "\(gate.nonce)\n" + values.map { $0 + "|" }.joined()
            try #require(ended.output == Array(expected.utf8), "\(values)")
            try #require(ended.code == 7)
        }
    }

    @Test("a payload that is cut, and one that can't be done, run nothing", arguments: shells)
    func cutPayload(shell: [String]) throws {
        let gate = ContainerGate()
        let whole = Array(try GatePayload(ReleasedCommand(["/bin/echo", "ran"]), for: gate).bytes.readableBytesView)
        for cut in [0, 1, whole.count / 2, whole.count - 2] {
            let ended = try run(shell, gate, Array(whole.prefix(cut)))
            #expect(ended.code == ContainerGate.codeWithoutCommand)
            #expect(ended.output.isEmpty)
        }
        let missing = ReleasedCommand(["/bin/echo", "ran"], workingDirectory: "/does/not/exist")
        let ended = try run(shell, gate, Array(try GatePayload(missing, for: gate).bytes.readableBytesView))
        #expect(ended.code == ContainerGate.codeWithoutCommand)
        #expect(ended.output.isEmpty)
    }

    private func run(_ shell: [String], _ gate: ContainerGate, _ input: [UInt8]) throws -> (
        code: Int32, output: [UInt8]
    ) {
        let process = Process()
        process.executableURL = URL(filePath: shell[0])
        process.arguments = Array(shell.dropFirst()) + Array(gate.entrypoint.dropFirst())
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = FileHandle.nullDevice
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input))
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, Array(output))
    }
}

@Suite("A gate's output")
struct GateOutputTests {
    @Test("however it is cut, the command's bytes are told from the gate's, on each stream")
    func cuts() throws {
        let gate = ContainerGate()
        let text = "a warning\n\(gate.nonce.dropLast())\n\(gate.nonce)\nfirst\n\(gate.nonce)\nsecond"
        for size in 1...text.utf8.count {
            var output = GateOutput(gate)
            var seen: [LogFrame.Stream: String] = [:]
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let bytes = ByteBuffer(bytes: rest.prefix(size))
                rest = rest.dropFirst(size)
                let frames = [LogFrame.Stream.stdout, .stderr].map { LogFrame(stream: $0, bytes: bytes) }
                for frame in output.commandFrames(in: frames) {
                    seen[frame.stream, default: ""] += String(buffer: frame.bytes)
                }
            }
            #expect(seen == [.stdout: "first\n\(gate.nonce)\nsecond", .stderr: "first\n\(gate.nonce)\nsecond"])
            #expect(output.hasCommandBegun)
        }
    }

    @Test("without a mark nothing is the command's, and the gate's remarks are kept up to a bound")
    func noMark() {
        var output = GateOutput(ContainerGate())
        let frame = LogFrame(stream: .stderr, bytes: ByteBuffer(string: "no shell"))
        #expect(output.commandFrames(in: [frame]).isEmpty)
        output.finish()
        #expect(String(buffer: output.remarks) == "no shell")
        let long = LogFrame(stream: .stdout, bytes: ByteBuffer(repeating: 65, count: 100_000))
        #expect(output.commandFrames(in: [long]).isEmpty)
        #expect(output.remarks.readableBytes == 4096)
        #expect(!output.hasCommandBegun)
    }
}
