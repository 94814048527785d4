/// Lines of text broken at their words, so that the terminal does not break them within one.
struct WordWrap: Sendable {
    /// What becomes of a word that no line has room for.
    enum LongWords: Sendable {
        /// It loses its middle: names are told apart by both ends.
        case cut
        /// It stays whole, and the terminal breaks it: what is to be copied must not lose anything.
        case keep
    }

    /// The columns there are; `nil` where lines may be as long as they like.
    let columns: Int?
    let ellipsis: String

    /// Breaks a line at its blanks; what follows the first is indented by two columns more.
    ///
    /// - Parameters:
    ///   - line: May hold colours, which take no columns and go on over a break.
    ///   - longWords: What becomes of a word wider than the terminal.
    /// - Returns: At least one line; none is wider than the columns, but for long words that are kept.
    func lines(_ line: String, _ longWords: LongWords = .cut) -> [String] {
        guard let columns, DisplayWidth.ofPainted(line) > columns else { return [line] }
        // A very narrow terminal has no room to lose.
        let indent = min(line.prefix { $0 == " " }.count + 2, columns / 4)
        var lines: [String] = []
        var current = ""
        var blanks = 0
        var hasWord = false
        for (index, part) in line.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            if index > 0 { blanks += 1 }
            guard !part.isEmpty else { continue }
            let word = String(part)
            let width = DisplayWidth.ofPainted(word)
            if hasWord, DisplayWidth.ofPainted(current) + blanks + width > columns {
                lines.append(current)
                current = String(repeating: " ", count: indent)
                hasWord = false
            } else {
                current += String(repeating: " ", count: hasWord ? blanks : min(blanks, columns / 4))
            }
            current += longWords == .cut ? cut(word, to: columns - DisplayWidth.ofPainted(current)) : word
            blanks = 0
            // A colour alone is no word yet.
            hasWord = hasWord || width > 0
        }
        return lines + [current]
    }

    /// Breaks each of the lines; see ``lines(_:_:)-(String,_)``.
    func lines(_ lines: [String], _ longWords: LongWords = .cut) -> [String] {
        lines.flatMap { self.lines($0, longWords) }
    }

    /// The word in at most this many columns, its colours kept.
    private func cut(_ word: String, to columns: Int) -> String {
        guard DisplayWidth.ofPainted(word) > columns else { return word }
        let parts = Paint.parts(of: word)
        let before = parts.prefix { $0.isSequence }
        let after = parts.dropFirst(before.count).filter(\.isSequence)
        let text = DisplayWidth.truncateMiddle(Paint.plain(word), columns, ellipsis: ellipsis)
        return (before + [(text, false)] + after).reduce(into: "") { $0 += $1.text }
    }
}
