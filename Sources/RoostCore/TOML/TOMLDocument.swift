/// A TOML file, read: its values, in the order of the file, each with its line and column.
///
/// Text that is hostile (large, deep, with many keys) is refused before a parser sees it.
package struct TOMLDocument: Sendable {
    /// The file as messages name it.
    package let file: String
    package let root: TOMLTableNode

    /// The largest text that is read.
    package static let mostBytes = ByteCount.mebibytes(1)

    /// Reads `text`.
    ///
    /// - Parameters:
    ///   - text: The file's text.
    ///   - file: The file as messages should name it.
    /// - Returns: The document, or `nil` and at least one error.
    package static func parse(_ text: String, file: String) -> (document: TOMLDocument?, diagnostics: [Diagnostic]) {
        let refuse = { (message: String, position: SourcePosition?) -> (TOMLDocument?, [Diagnostic]) in
            (nil, [Diagnostic(.error, file: file, position: position, message: message)])
        }
        guard text.utf8.count <= mostBytes.bytes else {
            return refuse("the file has \(ByteCount(Int64(text.utf8.count))); at most \(mostBytes) is read", nil)
        }
        let bytes = Array(text.utf8)
        if let nul = bytes.firstIndex(of: 0) {
            let before = bytes[..<nul]
            let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let position = SourcePosition(
                line: before.count { $0 == UInt8(ascii: "\n") } + 1,
                column: before[lineStart...].count { $0 & 0xc0 != 0x80 } + 1
            )
            return refuse("the file holds a NUL byte; is it a text file?", position)
        }

        let located = TOMLLocator.locate(bytes)
        if let problem = located.problem, let message = message(for: problem.kind) {
            return refuse(message, problem.position)
        }
        let duplicates = located.duplicates.map { diagnostic(for: $0, file: file) }
        do {
            let isWhole = located.problem == nil
            let root = try TOMLTree.parse(isWhole ? text : readable(bytes, upTo: located.end), places: located.tree)
            guard duplicates.isEmpty else { return (nil, duplicates) }
            if let problem = located.problem {
                return refuse("this is not TOML: a value, a key or a line break is expected here", problem.position)
            }
            return (TOMLDocument(file: file, root: root), [])
        } catch {
            // The parser stops at the first error, the locator reads on: where both mean the same line, its words tell
            // more.
            let knownLines = Set(duplicates.compactMap(\.line))
            if let line = error.position?.line, knownLines.contains(line) { return (nil, duplicates) }
            let syntax = Diagnostic(.error, file: file, position: error.position, message: error.message)
            return (nil, (duplicates + [syntax]).sortedByPosition())
        }
    }

    /// The message for what the parser must not see; `nil` for what it words better itself.
    private static func message(for kind: TOMLLocator.Problem.Kind) -> String? {
        switch kind {
        case .malformed: nil
        case .tooDeep: "tables and lists are nested more than \(TOMLLocator.deepest) deep here"
        case .tooManyKeys: "the file has more than \(TOMLLocator.mostNodes) keys and list items"
        case .nulCharacter: "a NUL character cannot stand in a string"
        }
    }

    private static func diagnostic(for duplicate: TOMLLocator.Duplicate, file: String) -> Diagnostic {
        let path = TOMLKeyPath(duplicate.path.map { .key(String(decoding: $0, as: UTF8.self)) })
        return Diagnostic(
            .error,
            file: file,
            position: duplicate.position,
            keyPath: path.description,
            message: "defined twice; the first is in line \(duplicate.first.line)"
        )
    }

    /// What the parser may see of text that the locator could not follow: what it has checked, and the rest of that
    /// line for the parser's message, but never enough to nest deeply.
    private static func readable(_ bytes: [UInt8], upTo end: Int) -> String {
        let rest = bytes[end...].prefix(200).prefix { $0 != UInt8(ascii: "\n") }
        return String(decoding: bytes[..<end] + rest, as: UTF8.self)
    }
}
