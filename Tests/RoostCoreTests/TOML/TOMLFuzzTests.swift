import RoostCore
import RoostTesting
import Testing

@Suite("Damaged TOML")
struct TOMLFuzzTests {
    private static let sound = """
        stages_order = ["build", "test"] # order
        [pipeline]
        name = 'demo'
        "quoted key" = { a = 1, b.c = "x", d = [ 1.5, true, 1979-05-27T07:32:00Z ] }
        text = \"""
        [not.a.table]
        x = "1" \\
        \"""
        literal = '''
        raw \\'''
        [stages."Main Execution".steps.compile]
        image = "gcc:14"
        env = [
          "A=1", # one
          "B=\\u00e9\\"",
        ]
        [[list]]
        n = 0x10
        [list.sub]
        o = -1_000
        [[list]]
        n = 2
        """

    struct Finding: Error, CustomStringConvertible {
        let description: String
    }

    @Test("5,000 damaged files: an answer each, every place right")
    func soakDamaged() async throws {
        let telling = Array("\n\r\t \"'\\#=.,[]{}_-\u{0}aA0é\u{feff}".unicodeScalars)
        try await Fuzzing.run(rounds: 5000) { generator in
            var scalars = Array(Self.sound.unicodeScalars)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let position = Int.random(in: 0..<scalars.count, using: &generator)
                let scalar = telling[Int.random(in: 0..<telling.count, using: &generator)]
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: scalars.insert(scalar, at: position)
                case 1: scalars[position] = scalar
                case 2: scalars.remove(at: position)
                case 3:
                    let end = min(scalars.count, position + Int.random(in: 0...60, using: &generator))
                    let target = Int.random(in: 0..<scalars.count, using: &generator)
                    scalars.insert(contentsOf: scalars[position..<end], at: target)
                default:
                    let end = min(scalars.count, position + Int.random(in: 0...20, using: &generator))
                    scalars.removeSubrange(position..<end)
                    if scalars.isEmpty { scalars = ["a"] }
                }
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            try check(String(text))
        }
    }

    private func check(_ text: String) throws {
        let (document, diagnostics) = TOMLDocument.parse(text, file: "f")
        guard (document == nil) == diagnostics.hasErrors else {
            throw Finding(description: "no reason given:\n\(text)")
        }
        if let document {
            let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            try check(document.root, lines: lines, text: text)
        }
    }

    private func check(_ table: TOMLTableNode, lines: [Substring.UnicodeScalarView], text: String) throws {
        for entry in table.entries {
            guard let position = entry.node.position, position.line <= lines.count else {
                throw Finding(description: "\(entry.node.path) has no place:\n\(text)")
            }
            var line = lines[position.line - 1]
            if position.line == 1, line.first == "\u{feff}" { line.removeFirst() }
            let rest = Substring(line.dropFirst(position.column - 1))
            guard rest.utf8.starts(with: entry.key.utf8) || rest.first == "\"" || rest.first == "'" else {
                throw Finding(description: "\(entry.node.path) is not at \(position):\n\(text)")
            }
            if case .table(let inner) = entry.node.value { try check(inner, lines: lines, text: text) }
        }
    }
}
