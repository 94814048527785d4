/// Finds where each key of a document stands, and refuses documents that would cost a parser too much.
///
/// TOMLKit tells the place of syntax errors only, and gives a table's keys in alphabetical order. The locator reads just
/// enough of the grammar to follow keys, brackets, strings and comments; whether values are right is left to TOMLKit.
struct TOMLLocator {
    /// What the locator saw.
    struct Result {
        var tree = TOMLKeyTree()
        var duplicates: [Duplicate] = []
        /// Where reading stopped, if it did; the tree holds what came before.
        var problem: Problem?
        /// The offset in bytes up to which the document was read.
        var end = 0
    }

    /// A key or table that is defined a second time.
    struct Duplicate {
        let path: [[UInt8]]
        let position: SourcePosition
        let first: SourcePosition
    }

    struct Problem: Error {
        enum Kind {
            case malformed
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
    static let mostNodes = 50_000
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
        locator.result.end = locator.cursor.offset
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
        if cursor.current == UInt8(ascii: "#") { cursor.skipLine() }
        if cursor.current == UInt8(ascii: "\r") { cursor.advance() }
        guard cursor.current == nil || cursor.current == UInt8(ascii: "\n") else { throw problem(.malformed) }
    }

    private mutating func readHeader() throws(Problem) {
        let isArray = cursor.sees("[", times: 2)
        cursor.advance(isArray ? 2 : 1)
        let keys = try readKeys(depth: 0)
        guard cursor.sees("]", times: isArray ? 2 : 1) else { throw problem(.malformed) }
        cursor.advance(isArray ? 2 : 1)
        guard let last = keys.last else { throw problem(.malformed) }

        let parent = try descend(keys.dropLast(), from: TOMLKeyTree.root)
        let path = keys.map(\.bytes)
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
        guard let last = keys.last, cursor.sees("=") else { throw problem(.malformed) }
        cursor.advance()
        cursor.skipBlanks()
        let parent = try descend(keys.dropLast(), from: table)
        let full = path + keys.map(\.bytes)
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
    private mutating func descend(_ keys: some Sequence<Key>, from start: TOMLKeyTree.NodeID) throws(Problem)
        -> TOMLKeyTree.NodeID
    {
        var node = start
        for key in keys {
            node = try findOrAdd(key, in: node, kind: .implied)
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
                throw problem(.malformed)
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
            guard cursor.sees(",") else { throw problem(.malformed) }
            cursor.advance()
        }
    }

    /// A number, a boolean or a date: anything up to what can follow a value. A date may hold a blank.
    private mutating func readScalar() throws(Problem) {
        let start = cursor.offset
        scan: while let byte = cursor.current {
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"), UInt8(ascii: "\n"),
                UInt8(ascii: "\r"):
                break scan
            case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "="):
                throw problem(.malformed)
            default: cursor.advance()
            }
        }
        guard cursor.offset > start else { throw problem(.malformed) }
    }

    func problem(_ kind: Problem.Kind) -> Problem { Problem(kind: kind, position: cursor.position) }
}
