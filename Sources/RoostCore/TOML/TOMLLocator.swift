/// Finds where each key of a document stands, and refuses documents that would cost a parser too much.
///
/// TOMLKit tells the place of syntax errors only, and gives a table's keys in alphabetical order. The locator reads just
/// the shape of a document; whether a number fits, a day exists, and a table may be extended is left to TOMLKit. It is the stricter of the two in what it does read, since toml++ beneath
/// TOMLKit ends the process (`TOML_ASSERT`) on some text that it should refuse: no text that the locator cannot follow
/// may reach it.
struct TOMLLocator {
    /// What the locator saw.
    struct Result {
        var tree = TOMLKeyTree()
        var duplicates: [Duplicate] = []
        /// Where reading stopped, if it did; the tree holds what came before.
        var problem: Problem?
    }

    /// A key or table that is defined a second time.
    struct Duplicate {
        let path: [[UInt8]]
        let position: SourcePosition
        let first: SourcePosition
    }

    struct Problem: Error {
        enum Kind {
            /// What should stand there instead, as a sentence.
            case malformed(String)
            case tooDeep
            case tooManyKeys
            /// `\u0000`: the strings of the C interface beneath end there.
            case nulCharacter
        }

        let kind: Kind
        let position: SourcePosition
    }

    /// Tables within tables and arrays within arrays, all counted.
    static let deepest = 64
    /// Keys and array elements, all counted.
    static let mostNodes = 20_000
    /// Nobody reads on after this many.
    static let mostDuplicates = 100

    var cursor: TOMLCursor
    private var result = Result()
    /// The table that `key = value` lines go to, and its path.
    private var table = (node: TOMLKeyTree.root, path: [[UInt8]]())

    private init(_ bytes: [UInt8]) {
        cursor = TOMLCursor(bytes)
    }

    static func locate(_ bytes: [UInt8]) -> Result {
        var locator = TOMLLocator(bytes)
        do {
            try locator.readDocument()
        } catch {
            locator.result.problem = error
        }
        return locator.result
    }

    // MARK: - Lines

    private mutating func readDocument() throws(Problem) {
        while true {
            cursor.skipTrivia()
            guard let byte = cursor.current else { return }
            if byte == UInt8(ascii: "[") {
                try readHeader()
            } else {
                try readAssignment(in: table.node, path: table.path, depth: table.path.count)
            }
            try endLine()
        }
    }

    private mutating func endLine() throws(Problem) {
        cursor.skipBlanks()
        if cursor.current == UInt8(ascii: "#") { cursor.skipComment() }
        guard cursor.current == nil || cursor.isAtLineBreak else {
            throw problem(.malformed("expected the end of the line"))
        }
    }

    private mutating func readHeader() throws(Problem) {
        let isArray = cursor.sees("[", times: 2)
        cursor.advance(isArray ? 2 : 1)
        let keys = try readKeys(depth: 0)
        guard cursor.sees("]", times: isArray ? 2 : 1) else {
            throw problem(.malformed("expected \"\(isArray ? "]]" : "]")\" after the table's name"))
        }
        cursor.advance(isArray ? 2 : 1)
        guard let last = keys.last else { throw problem(.malformed("expected a key")) }

        let path = keys.map(\.bytes)
        let parent = try descend(keys.dropLast(), from: TOMLKeyTree.root, path: path)
        let existing = result.tree.child(last.bytes, of: parent)
        if isArray {
            let array = try findOrAdd(last, in: parent, kind: .arrayOfTables)
            if result.tree.nodes[array].kind != .arrayOfTables { reportDuplicate(path, at: last, of: array) }
            try checkCount()
            table = (result.tree.addElement(to: array, at: last.position, kind: .header), path)
        } else {
            if let existing {
                if result.tree.nodes[existing].kind == .implied {
                    result.tree.define(existing, at: last.position, kind: .header)
                } else {
                    reportDuplicate(path, at: last, of: existing)
                }
            }
            table = (try findOrAdd(last, in: parent, kind: .header), path)
        }
    }

    private mutating func readAssignment(
        in table: TOMLKeyTree.NodeID,
        path: [[UInt8]],
        depth: Int
    ) throws(Problem) {
        let keys = try readKeys(depth: depth)
        guard let last = keys.last, cursor.sees("=") else {
            throw problem(.malformed("expected \"=\" after the key"))
        }
        cursor.advance()
        cursor.skipBlanks()
        let full = path + keys.map(\.bytes)
        let parent = try descend(keys.dropLast(), from: table, path: full)
        if let existing = result.tree.child(last.bytes, of: parent) {
            reportDuplicate(full, at: last, of: existing)
            // Read on, in a place of its own, to find what else is wrong.
            try checkCount()
            try readValue(
                into: result.tree.addElement(to: existing, at: last.position, kind: .value),
                path: full,
                depth: depth + keys.count
            )
        } else {
            let node = try add(last, to: parent, kind: .value)
            try readValue(into: node, path: full, depth: depth + keys.count)
        }
    }

    /// Goes down a path, making what is missing; from an array of tables to its last element.
    /// The whole `path` that is on its way is for messages.
    private mutating func descend(
        _ keys: some Sequence<Key>,
        from start: TOMLKeyTree.NodeID,
        path: [[UInt8]]
    ) throws(Problem) -> TOMLKeyTree.NodeID {
        var node = start
        for key in keys {
            node = try findOrAdd(key, in: node, kind: .implied)
            // A value is whole where it stands; inline tables and lists cannot be extended elsewhere.
            if result.tree.nodes[node].kind == .value { reportDuplicate(path, at: key, of: node) }
            if result.tree.nodes[node].kind == .arrayOfTables, let last = lastElement(of: node) { node = last }
        }
        return node
    }

    private func lastElement(of array: TOMLKeyTree.NodeID) -> TOMLKeyTree.NodeID? {
        result.tree.element(result.tree.nodes[array].elements - 1, of: array)
    }

    private mutating func findOrAdd(
        _ key: Key,
        in parent: TOMLKeyTree.NodeID,
        kind: TOMLKeyTree.Kind
    ) throws(Problem) -> TOMLKeyTree.NodeID {
        if let existing = result.tree.child(key.bytes, of: parent) { return existing }
        return try add(key, to: parent, kind: kind)
    }

    private mutating func add(_ key: Key, to parent: TOMLKeyTree.NodeID, kind: TOMLKeyTree.Kind) throws(Problem)
        -> TOMLKeyTree.NodeID
    {
        try checkCount()
        return result.tree.add(key.bytes, to: parent, at: key.position, kind: kind)
    }

    private func checkCount() throws(Problem) {
        guard result.tree.count < Self.mostNodes else { throw problem(.tooManyKeys) }
    }

    private mutating func reportDuplicate(_ path: [[UInt8]], at key: Key, of node: TOMLKeyTree.NodeID) {
        guard result.duplicates.count < Self.mostDuplicates else { return }
        result.duplicates.append(
            Duplicate(path: path, position: key.position, first: result.tree.nodes[node].position)
        )
    }

    // MARK: - Values

    private mutating func readValue(into node: TOMLKeyTree.NodeID, path: [[UInt8]], depth: Int) throws(Problem) {
        guard depth <= Self.deepest else { throw problem(.tooDeep) }
        switch cursor.current {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = try readString(decoding: false)
        case UInt8(ascii: "["): try readArray(into: node, path: path, depth: depth)
        case UInt8(ascii: "{"): try readInlineTable(into: node, path: path, depth: depth)
        default: try readScalar()
        }
    }

    private mutating func readArray(into node: TOMLKeyTree.NodeID, path: [[UInt8]], depth: Int) throws(Problem) {
        cursor.advance()
        while true {
            cursor.skipTrivia()
            if cursor.sees("]") { return cursor.advance() }
            try checkCount()
            let element = result.tree.addElement(to: node, at: cursor.position, kind: .value)
            try readValue(into: element, path: path, depth: depth + 1)
            cursor.skipTrivia()
            if cursor.sees(",") {
                cursor.advance()
            } else if !cursor.sees("]") {
                throw problem(.malformed("expected \",\" or \"]\" after the list's item"))
            }
        }
    }

    private mutating func readInlineTable(into node: TOMLKeyTree.NodeID, path: [[UInt8]], depth: Int) throws(Problem) {
        cursor.advance()
        cursor.skipBlanks()
        if cursor.sees("}") { return cursor.advance() }
        while true {
            cursor.skipBlanks()
            try readAssignment(in: node, path: path, depth: depth)
            cursor.skipBlanks()
            if cursor.sees("}") { return cursor.advance() }
            guard cursor.sees(",") else {
                throw problem(.malformed("expected \",\" or \"}\" after the value; an inline table stands on one line"))
            }
            cursor.advance()
        }
    }

    /// A number, a boolean or a date. A date may hold one blank before its time.
    private mutating func readScalar() throws(Problem) {
        let start = (offset: cursor.offset, position: cursor.position)
        while let byte = cursor.current {
            let isBlankOfDate =
                byte == UInt8(ascii: " ") && cursor.offset == start.offset + 10 && cursor.peek(1)?.isDigit == true
            guard byte.isScalarByte || isBlankOfDate else { break }
            cursor.advance()
        }
        let text = cursor.bytes[start.offset..<cursor.offset]
        guard TOMLScalar.isWellFormed(text) else {
            let expectation =
                text.isEmpty ? "expected a value" : "not a number, true, false or a date; text stands in quotes"
            throw Problem(kind: .malformed(expectation), position: start.position)
        }
    }

    func problem(_ kind: Problem.Kind) -> Problem { Problem(kind: kind, position: cursor.position) }
}

extension UInt8 {
    /// What numbers, booleans and dates are written with.
    fileprivate var isScalarByte: Bool {
        isBareKeyByte || self == UInt8(ascii: "+") || self == UInt8(ascii: ".") || self == UInt8(ascii: ":")
    }
}
