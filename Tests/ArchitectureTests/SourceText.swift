/// A Swift source file taken apart into code and comments, each with the line breaks of the file, so that a rule can
/// look at one without being misled by the other. String literals are in neither: what they say is data.
struct SourceText {
    /// The code, with every comment and the inside of every string literal blanked.
    let code: [Substring]
    /// The comments, with everything else blanked.
    let comments: [Substring]

    init(_ text: String) {
        var splitter = Splitter(characters: Array(text))
        splitter.split()
        code = splitter.code.split(separator: "\n", omittingEmptySubsequences: false)
        comments = splitter.comments.split(separator: "\n", omittingEmptySubsequences: false)
    }
}

/// Walks through a file once. Knows nested block comments, raw and multi-line strings, and interpolation.
private struct Splitter {
    private enum Place {
        case code
        /// Code inside an interpolation, with the number of parentheses that are open in it.
        case interpolation(depth: Int)
        case lineComment
        case blockComment(depth: Int)
        case string(pounds: Int, quotes: Int)
    }

    let characters: [Character]
    private(set) var code = ""
    private(set) var comments = ""
    private var index = 0
    private var places: [Place] = []

    init(characters: [Character]) { self.characters = characters }

    mutating func split() {
        while index < characters.count {
            switch places.last ?? .code {
            case .code: stepInCode(depth: nil)
            case .interpolation(let depth): stepInCode(depth: depth)
            case .lineComment:
                if characters[index].isNewline { places.removeLast() }
                take(isComment: true)
            case .blockComment(let depth): stepInBlockComment(depth: depth)
            case .string(let pounds, let quotes): stepInString(pounds: pounds, quotes: quotes)
            }
        }
    }

    private mutating func stepInCode(depth: Int?) {
        if follows("//") {
            places.append(.lineComment)
            take(isComment: true)
        } else if follows("/*") {
            places.append(.blockComment(depth: 1))
            take(2, isComment: true)
        } else if let (pounds, quotes) = openingQuote() {
            places.append(.string(pounds: pounds, quotes: quotes))
            take(pounds + quotes, isComment: false)
        } else {
            if let depth {
                let character = characters[index]
                let newDepth = character == "(" ? depth + 1 : character == ")" ? depth - 1 : depth
                places.removeLast()
                if newDepth > 0 { places.append(.interpolation(depth: newDepth)) }
            }
            take(isComment: false)
        }
    }

    private mutating func stepInBlockComment(depth: Int) {
        if follows("/*") {
            places[places.count - 1] = .blockComment(depth: depth + 1)
            take(2, isComment: true)
        } else if follows("*/") {
            places.removeLast()
            if depth > 1 { places.append(.blockComment(depth: depth - 1)) }
            take(2, isComment: true)
        } else {
            take(isComment: true)
        }
    }

    private mutating func stepInString(pounds: Int, quotes: Int) {
        let pound = String(repeating: "#", count: pounds)
        if follows("\\" + pound + "(") {
            places.append(.interpolation(depth: 1))
            blank(pounds + 2)
        } else if follows("\\" + pound) {
            blank(pounds + 2)
        } else if follows(String(repeating: "\"", count: quotes) + pound) {
            places.removeLast()
            take(quotes + pounds, isComment: false)
        } else {
            // A one-line string that does not end on its line is no string: do not swallow the rest of the file.
            if quotes == 1, characters[index].isNewline { places.removeLast() }
            blank(1)
        }
    }

    private func openingQuote() -> (pounds: Int, quotes: Int)? {
        var pounds = 0
        while index + pounds < characters.count, characters[index + pounds] == "#" { pounds += 1 }
        let quote = index + pounds
        guard quote < characters.count, characters[quote] == "\"" else { return nil }
        let isMultiline = quote + 2 < characters.count && characters[quote + 1] == "\"" && characters[quote + 2] == "\""
        return (pounds, isMultiline ? 3 : 1)
    }

    private func follows(_ text: String) -> Bool {
        characters[index...].starts(with: text)
    }

    private mutating func take(_ count: Int = 1, isComment: Bool) {
        for _ in 0..<count where index < characters.count {
            let character = characters[index]
            let blank: Character = character.isNewline ? "\n" : " "
            code.append(isComment ? blank : character.isNewline ? "\n" : character)
            comments.append(isComment ? (character.isNewline ? "\n" : character) : blank)
            index += 1
        }
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where index < characters.count {
            let blank: Character = characters[index].isNewline ? "\n" : " "
            code.append(blank)
            comments.append(blank)
            index += 1
        }
    }
}
