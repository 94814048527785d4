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
            return refuse("the file is larger than \(mostBytes), which is the most that is read", nil)
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
        var found = located.duplicates.map { diagnostic(for: $0, file: file) }
        if let problem = located.problem {
            found.append(
                Diagnostic(.error, file: file, position: problem.position, message: message(for: problem.kind))
            )
        }
        guard found.isEmpty else { return (nil, found.sortedByPosition()) }
        do {
            return (TOMLDocument(file: file, root: try TOMLTree.parse(text, places: located.tree)), [])
        } catch {
            return refuse(error.message, error.position)
        }
    }

    private static func message(for kind: TOMLLocator.Problem.Kind) -> String {
        switch kind {
        case .malformed(let expectation): expectation
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
}
