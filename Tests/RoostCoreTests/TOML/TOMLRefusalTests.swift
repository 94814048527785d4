import RoostCore
import Testing

@Suite("TOML that is refused")
struct TOMLRefusalTests {
    private func refusal(_ text: String) -> [String] {
        let (document, diagnostics) = TOMLDocument.parse(text, file: "f")
        #expect(document == nil)
        #expect(diagnostics.hasErrors)
        return diagnostics.map(\.description)
    }

    @Test("a syntax error has its line and column")
    func syntax() throws {
        let (_, diagnostics) = TOMLDocument.parse("a = 1\nb = [1, zz]\n", file: "f")
        #expect(diagnostics.map(\.position) == [SourcePosition(line: 2, column: 9)])
    }

    @Test("every key that is defined twice is told, with the line of the first")
    func duplicates() {
        #expect(
            refusal("[a]\nb = 1\nb = 2\n[c]\nd.e = 1\nd.e = 2\n[a]\nx = { y = 1, y = 2 }\n")
                == [
                    "f:3:1: error: a.b: defined twice; the first is in line 2",
                    "f:6:3: error: c.d.e: defined twice; the first is in line 5",
                    "f:7:2: error: a: defined twice; the first is in line 1",
                    "f:8:14: error: a.x.y: defined twice; the first is in line 8",
                ]
        )
    }

    @Test("duplicates and the syntax error after them are told together")
    func duplicatesAndSyntax() {
        #expect(
            refusal("a = 1\na = 2\nb = ?\n")
                == ["f:2:1: error: a: defined twice; the first is in line 1", "f:3:5: error: expected a value"]
        )
    }

    @Test("NUL is refused, raw and escaped, since C strings end there")
    func nul() {
        #expect(refusal("a = 1\né = \u{0}").first == "f:2:5: error: the file holds a NUL byte; is it a text file?")
        #expect(refusal("a = \"x\\u0000y\"") == ["f:1:7: error: a NUL character cannot stand in a string"])
        #expect(refusal("\"a\\U00000000\" = 1") == ["f:1:3: error: a NUL character cannot stand in a string"])
    }

    @Test(
        "deep nesting of every kind is refused where it begins to be too deep",
        arguments: 0..<8
    )
    func deep(number: Int) {
        let text = Self.deep(number)
        #expect(refusal(text).first?.contains("nested more than 64 deep") == true)
    }

    @Test("64 levels are read, 65 are not")
    func deepEnough() {
        let nested = { (depth: Int) in
            "a=" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(TOMLDocument.parse(nested(64), file: "f").diagnostics.isEmpty)
        #expect(refusal(nested(65)) == ["f:1:67: error: tables and lists are nested more than 64 deep here"])
    }

    @Test(
        "text that is no TOML is told what should stand there instead",
        arguments: [
            ("= 1", "1:1: error: expected a key"),
            ("a", "1:2: error: expected \"=\" after the key"),
            ("a.", "1:3: error: expected a key"),
            ("a = ", "1:5: error: expected a value"),
            ("a = 1 b = 2", "1:7: error: expected the end of the line"),
            ("a = 1\rb = 2", "1:6: error: expected the end of the line"),
            ("[a", "1:3: error: expected \"]\" after the table's name"),
            ("[[a]", "1:4: error: expected \"]]\" after the table's name"),
            ("a = [1 2]", "1:8: error: expected \",\" or \"]\" after the list's item"),
            (
                "a = {b = 1\n}",
                "1:11: error: expected \",\" or \"}\" after the value; an inline table stands on one line"
            ),
            ("a = {b = 1,}", "1:12: error: expected a key"),
            ("\na = \"x\nb = 1", "2:5: error: this string is not closed"),
            ("a = '''x\n'", "1:5: error: this string is not closed"),
            ("a = \"\\x\"", "1:6: error: no escape of TOML; a backslash is written \\\\"),
            ("a = \"\\ud800\"", "1:6: error: no escape of TOML; a backslash is written \\\\"),
            ("a = \"\u{1b}\"", "1:6: error: a control character cannot stand here; write it as an escape"),
            ("# \u{7}", "1:3: error: expected a key"),
            ("é = 1", "1:1: error: expected a key"),
            ("\"\"\"a\"\"\" = 1", "1:1: error: a key cannot be a string of many lines"),
            ("a = {b = 1}\na.c = 2", "2:1: error: a.c: defined twice; the first is in line 1"),
            ("a = [1]\n[[a]]", "2:3: error: a: defined twice; the first is in line 1"),
        ]
    )
    func expectations(text: String, line: String) {
        #expect(refusal(text).first == "f:\(line)")
    }

    @Test(
        "a value of no known shape is refused where it begins",
        arguments: [
            "alpine", "truee", "True", "1__0", "_1", "1_", "0x", "0xg", "0b2", "0o8", "00", "+01", "1.", ".5", "1.e5",
            "1e",
            "+-1", "+0x1", ":", "-", "1979-05-27T", "1979-05-27T07:32", "1979-05-27 7", "1979-05-27T07:32:00.", "07:32",
            "1979-05-27T07:32:00+", "1979-05-27T07:32:00+1:00", "07:32:00Z", String(repeating: "1", count: 101),
        ]
    )
    func shapes(value: String) {
        let message = "not a number, true, false or a date; text stands in quotes"
        #expect(refusal("\n a = \(value) # x") == ["f:2:6: error: \(message)"])
    }

    @Test(
        "values of every shape are read",
        arguments: [
            "true", "false", "0", "+0", "-17", "1_000", "0xDEAD_beef", "0o755", "0b1101", "1.5", "-0.0", "1e9",
            "6.6_2e-3_4",
            "inf", "-inf", "+nan", "1979-05-27", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.99-07:00", "07:32:00.5",
            "1979-05-27t07:32:00",
        ]
    )
    func goodShapes(value: String) {
        #expect(TOMLDocument.parse("a = \(value) # x", file: "f").diagnostics.isEmpty)
        #expect(TOMLDocument.parse("a = [\(value),\(value)]", file: "f").diagnostics.isEmpty)
        #expect(TOMLDocument.parse("a = {b=\(value)}", file: "f").diagnostics.isEmpty)
    }

    @Test(
        "what the locator leaves to the parser is refused with a place too",
        arguments: [
            "a = truee", "a = 1__0", "a = 1979-13-01", "a = 0x", "a = 1.", "a = +-1", "a = 99999999999999999999",
            "a = :",
            "a.b = 1\n[a]",
        ]
    )
    func values(text: String) {
        let (document, diagnostics) = TOMLDocument.parse(text, file: "f")
        #expect(document == nil)
        #expect(diagnostics.count == 1)
        #expect(diagnostics.first?.line == (text.contains("\n") ? 2 : 1))
    }

    @Test("a large file is refused unread")
    func large() {
        #expect(
            refusal(String(repeating: "a = 1\n", count: 2_000_000))
                == ["f: error: the file is larger than 1 MiB, which is the most that is read"]
        )
    }

    @Test("too many keys or elements are refused")
    func many() {
        #expect(refusal((0..<100_000).map { "k\($0)=1\n" }.joined()).first?.contains("more than 20000 keys") == true)
        #expect(refusal("a=[" + String(repeating: "1,", count: 200_000)).first?.contains("more than 20000") == true)
        #expect(refusal(String(repeating: "[[a]]\n", count: 100_000)).first?.contains("more than 20000") == true)
    }

    @Test(
        "hostile text of the largest size is dealt with in time",
        .timeLimit(.minutes(1)),
        arguments: 0..<15
    )
    func inTime(number: Int) {
        let text = Self.hostile(number)
        let (document, diagnostics) = TOMLDocument.parse(text, file: "f")
        #expect((document == nil) == diagnostics.hasErrors)
        #expect(diagnostics.count <= 101)
    }

    private static func hostile(_ number: Int) -> String {
        switch number {
        case 0: (0..<18_000).map { "key\($0) = 1\n" }.joined()
        case 1: "a={" + (0..<18_000).map { "k\($0)=1" }.joined(separator: ",") + "}"
        case 2: (0..<4_500).map { "[a\($0).b.c]\n" }.joined() + (0..<4_500).map { "[a\($0)]\n" }.joined()
        case 14: (0..<6500).map { "[[a\($0)]]\n" }.joined() + (0..<6500).map { "[a\($0).b]\n" }.joined()
        case 3: "a=[" + String(repeating: "{},", count: 18_000) + "]"
        case 4: "[a]\nb=1\n" + String(repeating: "b=1\n", count: 18_000)
        case 5: "a=\"\"\"" + String(repeating: "\"x\n", count: 300_000)
        case 6: "a='" + String(repeating: "x", count: 1_000_000)
        case 7: "a=" + String(repeating: "\"", count: 1_000_000)
        case 8: "a=\"" + String(repeating: "\\", count: 1_000_000)
        case 9: String(repeating: "\r", count: 1_000_000)
        case 10: String(repeating: "=", count: 1_000_000)
        case 11: String(repeating: "]", count: 1_000_000)
        case 12: String(repeating: "é", count: 500_000)
        default: "#" + String(repeating: "\u{1f469}", count: 250_000)
        }
    }

    // Numbers rather than texts as arguments: a log shows the arguments.
    private static func deep(_ number: Int) -> String {
        switch number {
        case 0: "a=" + String(repeating: "[", count: 500_000)
        case 1: "a=" + String(repeating: "{a=", count: 300_000)
        case 2: "a=" + String(repeating: "[{a=", count: 200_000)
        case 3: "[" + String(repeating: "a.", count: 400_000) + "a]"
        case 4: String(repeating: "a.", count: 400_000) + "a=1"
        case 5: "a={" + String(repeating: "'a'.", count: 200_000) + "a=1}"
        case 6: "[[" + String(repeating: "a.", count: 400_000) + "a]]"
        default: "a = \"\"\"\"\"\"\n[" + String(repeating: "a.", count: 400_000) + "a]"
        }
    }
}
