import Testing

@testable import RoostCLI

@Suite("Untrusted text on a terminal")
struct TextSanitizerTests {
    private let colored = TextSanitizer(passesColor: true)
    private let plain = TextSanitizer(passesColor: false)

    private func plain(_ text: String) -> String { plain.line(Array(text.utf8)) }
    private func colored(_ text: String) -> String { colored.line(Array(text.utf8)) }

    @Test("ordinary text and tabs pass")
    func ordinary() {
        #expect(plain("a\tb ~ é 日本語 🙂 \u{301}") == "a\tb ~ é 日本語 🙂 \u{301}")
        #expect(plain("") == "")
    }

    @Test("a control character is escaped wherever in the line it stands", arguments: 0..<24)
    func everyPosition(position: Int) {
        for byte in (0..<0x20).filter({ $0 != 0x09 }) + [0x7F, 0x80, 0xFF] {
            var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 24)
            bytes[position] = UInt8(byte)
            let digits = String(byte, radix: 16)
            let escape = "\\x" + (digits.count < 2 ? "0" : "") + digits
            let expected =
                String(repeating: "x", count: position) + escape + String(repeating: "x", count: 23 - position)
            #expect(plain.line(bytes) == expected)
            #expect(colored.line(bytes) == expected)
        }
    }

    @Test("bytes that are no UTF-8 are shown one by one")
    func invalidUTF8() {
        #expect(plain.line([0x61, 0xFF, 0xC3, 0x62]) == "a\\xff\\xc3b")
        #expect(plain.line([0xED, 0xA0, 0x80]) == "\\xed\\xa0\\x80")
        #expect(plain.line([0xC0, 0x80, 0xF4, 0x90, 0x80, 0x80]) == "\\xc0\\x80\\xf4\\x90\\x80\\x80")
        #expect(plain.line([0xE2, 0x82]) == "\\xe2\\x82")
    }

    @Test("characters that reorder text, and C1 controls, are escaped")
    func hidden() {
        for value in Array(0x202A...0x202E) + Array(0x2066...0x2069) + Array(0x80...0x9F) as [UInt32] {
            guard let scalar = Unicode.Scalar(value) else { continue }
            #expect(plain("a\(Character(scalar))b") == "a\\u{\(String(value, radix: 16))}b")
        }
    }

    @Test("colours pass where there are colours, and end with the line; elsewhere they are left out")
    func colors() {
        #expect(colored("\u{1B}[1;31mred") == "\u{1B}[1;31mred\u{1B}[0m")
        #expect(colored("\u{1B}[38;5;8mx\u{1B}[m") == "\u{1B}[38;5;8mx\u{1B}[m\u{1B}[0m")
        #expect(colored("\u{1B}[48;2;1;8;5mx") == "\u{1B}[48;2;1;8;5mx\u{1B}[0m")
        #expect(plain("\u{1B}[1;31mred\u{1B}[0m") == "red")
    }

    @Test(
        "all other sequences are escaped: cursor, screen, title, hyperlink, clipboard, hidden and blinking text",
        arguments: [
            "\u{1B}[2J", "\u{1B}[1A", "\u{1B}]0;title\u{7}", "\u{1B}]8;;http://x\u{1B}\\", "\u{1B}]52;c;eA==\u{7}",
            "\u{1B}c", "\u{1B}[8m", "\u{1B}[1;5m", "\u{1B}[?25l", "\u{1B}[", "\u{1B}[31", "\u{1B}", "\u{1B}[3\u{7}m",
            "\u{1B}[" + String(repeating: "1;", count: 40) + "m",
        ]
    )
    func otherSequences(sequence: String) {
        for shown in [plain(sequence), colored(sequence)] {
            #expect(!shown.unicodeScalars.contains("\u{1B}"))
            #expect(!shown.unicodeScalars.contains("\u{7}"))
            #expect(shown.hasPrefix("\\x1b"))
        }
    }

    @Test("random bytes never let a control character through")
    func fuzz() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let interesting: [UInt8] = [0x1B, 0x5B, 0x6D, 0x3B, 0x33, 0x31, 0xE2, 0x80, 0xAE, 0xC2, 0x9B, 0x0D, 0x41]
            let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? interesting.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...255, using: &generator)
            }
            let shown = plain.line(bytes).unicodeScalars
            #expect(
                shown.allSatisfy { scalar in
                    let value = scalar.value
                    return value == 0x09 || (value >= 0x20 && !(0x7F...0x9F).contains(value) && value != 0x202E)
                },
                "\(bytes)"
            )
        }
    }
}

@Suite("The width of text")
struct DisplayWidthTests {
    @Test(
        "columns of characters",
        arguments: [
            ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("🙂", 2), ("👩‍👩‍👧", 2), ("🇩🇪", 2), ("│", 1), ("한", 2),
            ("❤️", 2), ("", 0),
        ]
    )
    func widths(text: String, columns: Int) {
        #expect(DisplayWidth.of(text) == columns)
    }

    @Test("cut text is never wider than asked, also where a wide character does not fit")
    func cuts() {
        #expect(DisplayWidth.truncate("abcdef", 4, ellipsis: "…") == "abc…")
        #expect(DisplayWidth.truncate("日本語", 4, ellipsis: "…") == "日…")
        #expect(DisplayWidth.truncateMiddle("build/compile-all", 9, ellipsis: "…") == "buil…-all")
        #expect(DisplayWidth.fit("ab", 4, ellipsis: "…") == "ab  ")
        for columns in 0...12 {
            for text in ["abcdefghijkl", "日本語日本語", "a日b本c語"] {
                #expect(DisplayWidth.of(DisplayWidth.truncate(text, columns, ellipsis: "…")) <= columns)
                #expect(DisplayWidth.of(DisplayWidth.truncateMiddle(text, columns, ellipsis: "…")) <= columns)
            }
        }
    }
}

@Suite("What a stream can show")
struct OutputStyleTests {
    private let size = TerminalSize(columns: 100, rows: 30)

    private func style(_ environment: [String: String], isTerminal: Bool = true, _ color: ColorChoice = .auto)
        -> OutputStyle
    {
        OutputStyle.decide(size: isTerminal ? size : nil, color: color, environment: environment)
    }

    @Test("a terminal has bars and colours, a pipe has neither")
    func terminal() {
        #expect(
            style(["LANG": "en_US.UTF-8"])
                == OutputStyle(isLive: true, usesColor: true, usesUnicode: true, columns: 100)
        )
        #expect(
            style(["LANG": "C"], isTerminal: false)
                == OutputStyle(isLive: false, usesColor: false, usesUnicode: false, columns: nil)
        )
    }

    @Test("NO_COLOR wins over FORCE_COLOR, the user's choice over both; empty values say nothing")
    func colors() {
        #expect(!style(["NO_COLOR": "1"]).usesColor)
        #expect(style(["NO_COLOR": ""]).usesColor)
        #expect(style(["NO_COLOR": "1"]).isLive)
        #expect(style(["FORCE_COLOR": "1"], isTerminal: false).usesColor)
        #expect(!style(["FORCE_COLOR": "0"]).usesColor)
        #expect(!style(["FORCE_COLOR": "1", "NO_COLOR": "1"], isTerminal: false).usesColor)
        #expect(style(["NO_COLOR": "1"], .always).usesColor)
        #expect(!style(["FORCE_COLOR": "1"], .never).usesColor)
    }

    @Test("a dumb terminal and a CI system have no bars")
    func noBars() {
        #expect(!style(["TERM": "dumb"]).isLive)
        #expect(!style(["TERM": "dumb"]).usesColor)
        #expect(!style(["CI": "true"]).isLive)
        #expect(style(["CI": "false"]).isLive)
    }

    @Test("the first locale variable that is set decides about glyphs")
    func locale() {
        #expect(style(["LC_ALL": "C", "LANG": "en_US.UTF-8"]).usesUnicode == false)
        #expect(style(["LC_ALL": "", "LC_CTYPE": "de_DE.utf8"]).usesUnicode)
        #expect(!style([:]).usesUnicode)
    }
}
