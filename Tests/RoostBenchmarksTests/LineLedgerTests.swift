import Testing

@testable import RoostBenchmarks

@Suite("Lines that many steps printed at once")
struct LineLedgerTests {
    private func line(_ step: Int, _ number: Int, before: String? = nil) -> String {
        "\(before ?? "stage1/\(LineLedger.name(step)) │ ")#\(LineLedger.name(step)) \(number)\(LineLedger.text)\n"
    }

    /// The ledger of two steps with three lines each.
    private func ledger(_ text: String, cutAt cut: Int? = nil) -> LineLedger {
        var ledger = LineLedger(steps: 2, lines: 3)
        let bytes = Array(text.utf8)
        bytes[..<(cut ?? 0)].withUnsafeBytes { ledger.read($0) }
        bytes[(cut ?? 0)...].withUnsafeBytes { ledger.read($0) }
        return ledger
    }

    private var whole: String {
        "run of two steps\n" + line(0, 0) + line(1, 0) + line(0, 1) + line(0, 2) + line(1, 1) + line(1, 2)
            + "succeeded\n"
    }

    @Test("all lines in each step's order are right, wherever the stream is cut, and whoever shows them")
    func wholeLines() {
        for cut in 0...whole.utf8.count {
            let ledger = ledger(whole, cutAt: cut)
            #expect(ledger.lost == 0 && ledger.wrong.isEmpty)
        }
        let compose = (0..<2).flatMap { step in (0..<3).map { line(step, $0, before: "p0\(step)_1  | ") } }
        #expect(ledger(compose.joined()).lost == 0)
    }

    @Test("a line that does not come is lost")
    func lostLine() {
        #expect(ledger("").lost == 6)
        #expect(ledger(whole.replacing(line(1, 2), with: "")).lost == 1)
        let inTheMiddle = ledger(whole.replacing(line(0, 1), with: ""))
        #expect(inTheMiddle.lost == 2, "the next one is not in its place either")
        #expect(inTheMiddle.wrongCount == 1)
    }

    @Test("lines that come twice, or late, make up for none that are missing, and each of them counts")
    func repeatedLines() {
        let lines = (0..<20).map { line(0, $0) }
        var ledger = LineLedger(steps: 1, lines: 20)
        // Five to nine are missing, and five others come in their place, and once more in their own.
        Array((lines[..<5] + lines[10..<15] + lines[10...]).joined().utf8).withUnsafeBytes { ledger.read($0) }
        #expect(ledger.lost == 6)
        #expect(ledger.wrongCount == 6)
        #expect(ledger.wrong.count == 5, "the first few are enough to look at")
    }

    @Test(
        "a line that is torn, twice there or shown as another step's is wrong",
        arguments: [
            "p01 | #p01 1 compiling a\n", "p01 | #p01 1 compiling a p00 | #p00 1 compiling a module\n",
            "p01 | #p01 0\(LineLedger.text)\n", "p00 | #p01 1\(LineLedger.text)\n", "p09 | #p09 1\(LineLedger.text)\n",
            "p01 | #p01 1\(LineLedger.text)!\n", "p01 | #p01 \(LineLedger.text)\n", "#\n",
        ]
    )
    func wrongLine(text: String) {
        let ledger = ledger(whole.replacing(line(1, 1), with: text))
        #expect(ledger.lost > 0)
        #expect(ledger.wrong.contains(String(text.dropLast())))
    }
}
