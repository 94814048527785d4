/// How many terminal columns text takes, and text cut or filled to a number of columns.
enum DisplayWidth {
    /// The columns of text that holds no control characters.
    static func of(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + of($1) }
    }

    /// The columns of text that may be coloured.
    static func ofPainted(_ text: String) -> Int { of(Paint.plain(text)) }

    /// The text in exactly this many columns: cut with the ellipsis, or filled with spaces at its end.
    static func fit(_ text: String, _ columns: Int, ellipsis: String) -> String {
        let cut = truncate(text, columns, ellipsis: ellipsis)
        return cut + String(repeating: " ", count: max(columns - of(cut), 0))
    }

    /// The text with spaces before it up to this many columns.
    static func right(_ text: String, _ columns: Int) -> String {
        String(repeating: " ", count: max(columns - of(text), 0)) + text
    }

    /// The text in at most this many columns.
    static func truncate(_ text: String, _ columns: Int, ellipsis: String) -> String {
        guard of(text) > columns else { return text }
        guard columns > of(ellipsis) else { return columns > 0 ? ellipsis : "" }
        return prefix(text, columns - of(ellipsis)) + ellipsis
    }

    /// The text in at most this many columns, its middle left out: names are told apart by both ends.
    static func truncateMiddle(_ text: String, _ columns: Int, ellipsis: String) -> String {
        guard of(text) > columns else { return text }
        let room = columns - of(ellipsis)
        guard room > 2 else { return truncate(text, columns, ellipsis: ellipsis) }
        let end = String(prefix(String(text.reversed()), room - room / 2).reversed())
        return prefix(text, room / 2) + ellipsis + end
    }

    private static func prefix(_ text: String, _ columns: Int) -> String {
        var result = ""
        var used = 0
        for character in text {
            used += of(character)
            if used > columns { break }
            result.append(character)
        }
        return result
    }

    private static func of(_ character: Character) -> Int {
        var width = 0
        for scalar in character.unicodeScalars {
            // Variation selector 16 asks for the emoji form, which is wide.
            width = max(width, scalar.value == 0xFE0F ? 2 : of(scalar))
        }
        return width
    }

    private static func of(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation { return 2 }
        return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }

    /// The ranges that Unicode's EastAsianWidth.txt calls wide or full-width, joined where only unassigned code points
    /// lie between.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
        0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x3FFFD,
    ]
}
