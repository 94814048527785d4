/// A value of a document, with the place where it stands.
package struct TOMLNode: Sendable {
    package indirect enum Value: Sendable {
        case string(String)
        case integer(Int64)
        case float(Double)
        case boolean(Bool)
        /// A date, a time, or both. Nothing in Roost's files takes one.
        case date
        case array([TOMLNode])
        case table(TOMLTableNode)
    }

    package let value: Value
    /// Where the key stands, or for an array's element the value; `nil` where it could not be found.
    package let position: SourcePosition?
    package let path: TOMLKeyPath

    /// What the value is, for messages: `the string "x"`, `the number 5`, `a table`.
    package var foundText: String {
        switch value {
        case .string(let text): "the string \(PrintableText.quoted(text, limit: 40))"
        case .integer(let number): "the number \(number)"
        case .float(let number): "the number \(number)"
        case .boolean(let flag): "\(flag)"
        case .date: "a date or time"
        case .array: "a list"
        case .table: "a table"
        }
    }
}

/// A table of a document, its keys in the order in which the file names them first.
package struct TOMLTableNode: Sendable {
    package struct Entry: Sendable {
        package let key: String
        package let node: TOMLNode
    }

    package let entries: [Entry]
    /// Where the table is defined; `nil` where that is not known, or it is only part of a path.
    package let position: SourcePosition?
    package let path: TOMLKeyPath
}
