import RoostTesting
import Testing

@testable import Pipeline

@Suite("Catching up by the log")
struct LogCatchUpTests {
    private static let full = LogCatchUp.fullRecord

    /// The records that Docker's copier makes of an output (moby, daemon/logger/copier.go).
    private func records(of output: [UInt8], forgetsBreaks: Bool) -> [[UInt8]] {
        var records: [[UInt8]] = []
        var lines = output.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let last = lines.removeLast()
        for line in lines {
            var rest = line
            while rest.count >= Self.full {
                records.append(Array(rest.prefix(Self.full)))
                rest = rest.dropFirst(Self.full)
            }
            let isBroken = line.count >= Self.full
            let record = Array(rest) + (isBroken && forgetsBreaks ? [] : [UInt8(ascii: "\n")])
            if !record.isEmpty { records.append(record) }
        }
        if !last.isEmpty { records.append(Array(last)) }
        return records
    }

    private func unread(of output: [UInt8], after read: Int, forgetsBreaks: Bool) -> [UInt8] {
        var position = OutputPosition()
        position.advance(over: output.prefix(read))
        var catchUp = LogCatchUp(after: position)
        return records(of: output, forgetsBreaks: forgetsBreaks).flatMap { catchUp.unread(in: $0) }
    }

    private func long(_ count: Int) -> String { String(repeating: "x", count: count) }

    @Test("wherever the reading stopped, the rest comes and nothing twice", arguments: [true, false])
    func everyPlace(forgetsBreaks: Bool) {
        let output = Array("a\n\n\(long(Self.full + 3))\n\nb\n\(long(2 * Self.full + 1))\nend\n\n\n".utf8)
        for read in [0, 1, 2, 3, 4, 5] + Array((Self.full + 1)...(Self.full + 12))
            + Array((output.count - 12)...output.count)
        {
            let rest = unread(of: output, after: read, forgetsBreaks: forgetsBreaks)
            #expect(rest == Array(output.dropFirst(read)), "after \(read)")
        }
    }

    @Test("the line break that a long last line has lost can't be known", arguments: [true, false])
    func lastLine(forgetsBreaks: Bool) {
        let line = long(Self.full + 3)
        let rest = unread(of: Array("a\n\(line)\n".utf8), after: 1, forgetsBreaks: forgetsBreaks)
        #expect(rest == Array("\n\(line)\(forgetsBreaks ? "" : "\n")".utf8))
        #expect(unread(of: Array("\(line)\n".utf8), after: line.utf8.count + 1, forgetsBreaks: forgetsBreaks).isEmpty)
    }

    @Test("a line of exactly 16 KiB is told from the next one once a line break was seen to be forgotten")
    func exactMultiples() {
        let exact = long(Self.full)
        let output = Array("\(long(Self.full + 1))\na\n\(exact)\nb\n".utf8)
        #expect(unread(of: output, after: 0, forgetsBreaks: true) == output)
        // Nobody can tell here; nothing is lost but the line break.
        #expect(
            unread(of: Array("\(exact)\nb\n".utf8), after: 1, forgetsBreaks: true)
                == Array("\(exact.dropFirst())b\n".utf8)
        )
        #expect(
            unread(of: Array("\(exact)\nb\n".utf8), after: 1, forgetsBreaks: false)
                == Array("\(exact.dropFirst())\nb\n".utf8)
        )
    }

    @Test("an engine that breaks lines elsewhere is taken at its word")
    func otherRecords() {
        var catchUp = LogCatchUp(after: OutputPosition())
        #expect(["ab", "cd\n", "e"].flatMap { catchUp.unread(in: Array($0.utf8)) } == Array("abcd\ne".utf8))
    }

    @Test("any output, stopped anywhere")
    func fuzz() async throws {
        struct Wrong: Error {}
        try await Fuzzing.run(rounds: 200) { generator in
            var output: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                var length = Bool.random(using: &generator) ? Int.random(in: 0...3, using: &generator) : 0
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    length += Self.full * Int.random(in: 1...2, using: &generator) + 1
                }
                output += Array(repeating: UInt8.random(in: 11...255, using: &generator), count: length) + [0x0A]
            }
            output += Array("end\n".utf8)
            let read = Int.random(in: 0...output.count, using: &generator)
            let forgets = Bool.random(using: &generator)
            guard unread(of: output, after: read, forgetsBreaks: forgets) == Array(output.dropFirst(read)) else {
                throw Wrong()
            }
        }
    }
}
