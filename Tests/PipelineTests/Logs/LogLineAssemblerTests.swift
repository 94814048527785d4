import Testing

@testable import Pipeline

@Suite("Assembling log lines")
struct LogLineAssemblerTests {
    private func texts(_ lines: [LogLine]) -> [String] { lines.map { String(decoding: $0.bytes, as: UTF8.self) } }

    @Test("a line that spans chunks comes out whole, once")
    func spansChunks() {
        var assembler = LogLineAssembler()
        #expect(assembler.feed(Array("one\ntw".utf8), from: .stdout) == [line("one")])
        #expect(assembler.feed(Array("o".utf8), from: .stdout).isEmpty)
        #expect(assembler.feed(Array("\n\nthree".utf8), from: .stdout) == [line("two"), line("")])
        #expect(assembler.finish() == [line("three")])
        #expect(assembler.finish().isEmpty)
    }

    @Test("the two streams are assembled apart")
    func streamsApart() {
        var assembler = LogLineAssembler()
        #expect(assembler.feed(Array("out".utf8), from: .stdout).isEmpty)
        #expect(assembler.feed(Array("err\n".utf8), from: .stderr) == [line("err", .stderr)])
        #expect(assembler.feed(Array("put\n".utf8), from: .stdout) == [line("output")])
    }

    @Test("one carriage return before a line break is no part of the line, even where the chunk ends between them")
    func carriageReturns() {
        var assembler = LogLineAssembler()
        #expect(texts(assembler.feed(Array("a\r\nb\r\r\nc\r".utf8), from: .stdout)) == ["a", "b\r"])
        #expect(texts(assembler.feed(Array("\nd\re\n".utf8), from: .stdout)) == ["c", "d\re"])
    }

    @Test("any byte is kept, NUL and bad UTF-8 included")
    func rawBytes() {
        var assembler = LogLineAssembler()
        let bytes = (0...255).map(UInt8.init).filter { $0 != 0x0A }
        #expect(assembler.feed(bytes + [0x0A], from: .stdout).map(\.bytes) == [bytes])
    }

    @Test("a 10 MB line without a break is split with a mark, in bounded memory, and loses nothing")
    func longLine() {
        var assembler = LogLineAssembler()
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 16_384)
        var lines: [LogLine] = []
        for _ in 0..<640 { lines += assembler.feed(chunk, from: .stdout) }
        lines += assembler.feed(Array("end\n".utf8), from: .stdout)
        #expect(lines.dropLast().allSatisfy { $0.continues && $0.bytes.count == LogLineAssembler.longestLine })
        #expect(lines.last?.continues == false)
        #expect(lines.reduce(0) { $0 + $1.bytes.count } == 640 * 16_384 + 3)
    }

    @Test("a line of just the longest length is not split")
    func longestLine() {
        var assembler = LogLineAssembler()
        let bytes = [UInt8](repeating: 0x61, count: LogLineAssembler.longestLine)
        #expect(assembler.feed(bytes + [0x0A], from: .stdout).map(\.continues) == [false])
        let lines = assembler.feed(bytes + [0x62, 0x0A], from: .stdout)
        #expect(lines.map(\.continues) == [true, false])
        #expect(lines.last?.bytes == [0x62])
    }

    @Test("a long line is split between characters, never inside one", arguments: 0..<4)
    func splitsBetweenCharacters(shift: Int) {
        var assembler = LogLineAssembler()
        let text = String(repeating: "a", count: shift) + String(repeating: "🙂", count: 40_000)
        let lines = assembler.feed(Array((text + "\n").utf8), from: .stdout)
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { String(validating: $0.bytes, as: UTF8.self) != nil })
        #expect(texts(lines).joined() == text)
    }

    @Test("100,000 lines in chunks of any size keep their number and order", arguments: [1, 7, 4096, 16_384])
    func manyLines(chunk: Int) {
        let count = chunk == 1 ? 2_000 : 100_000
        let bytes = Array((0..<count).map { "line \($0) of the output\n" }.joined().utf8)
        var assembler = LogLineAssembler()
        var number = 0
        var start = 0
        while start < bytes.count {
            let end = min(start + chunk, bytes.count)
            for line in assembler.feed(bytes[start..<end], from: .stdout) {
                if line.bytes.count < 20 || number % 1000 == 0 {
                    #expect(String(decoding: line.bytes, as: UTF8.self) == "line \(number) of the output")
                }
                number += 1
            }
            start = end
        }
        #expect(number == count)
    }

    private func line(_ text: String, _ stream: LogLine.Stream = .stdout) -> LogLine {
        LogLine(stream: stream, bytes: Array(text.utf8), continues: false)
    }
}

@Suite("The last lines of a log")
struct LogTailTests {
    private func entry(_ text: String, _ stream: LogLine.Stream = .stdout, continues: Bool = false) -> LogLine {
        LogLine(stream: stream, bytes: Array(text.utf8), continues: continues)
    }

    private func texts(_ tail: LogTail) -> [String] { tail.lines.map { String(decoding: $0.bytes, as: UTF8.self) } }

    @Test("the last twenty lines are kept, oldest first")
    func lastTwenty() {
        var tail = LogTail()
        #expect(tail.lines.isEmpty)
        for number in 0..<3 { tail.append(entry("\(number)")) }
        #expect(texts(tail) == ["0", "1", "2"])
        for number in 3..<47 { tail.append(entry("\(number)")) }
        #expect(texts(tail) == (27..<47).map(String.init))
    }

    @Test("a line in pieces counts as one, shortened, with what is missing by number")
    func pieces() {
        var tail = LogTail()
        tail.append(entry(String(repeating: "x", count: 5000), continues: true))
        tail.append(entry("between", .stderr))
        tail.append(entry(String(repeating: "y", count: 100)))
        tail.append(entry("after"))
        #expect(tail.lines.count == 3)
        #expect(texts(tail)[0] == String(repeating: "x", count: 4096) + " … (1004 bytes more)")
        #expect(texts(tail)[1...] == ["between", "after"])
        #expect(tail.lines[1].stream == .stderr)
    }

    @Test("a piece of a line that has left the tail takes no other line's place")
    func lostLine() {
        var tail = LogTail()
        tail.append(entry("long", continues: true))
        for number in 0..<20 { tail.append(entry("\(number)", .stderr)) }
        tail.append(entry("rest"))
        #expect(texts(tail) == (0..<20).map(String.init))
    }
}
