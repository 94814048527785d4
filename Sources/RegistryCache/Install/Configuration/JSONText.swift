import Foundation
package import RoostCore

/// A text is no JSON, and where it stops being so.
package struct JSONTextError: Error, Hashable, CustomStringConvertible {
    package let position: SourcePosition
    package let message: String

    package var description: String { "line \(position.line), column \(position.column): \(message)" }
}

/// A JSON value with its place in the text that it was read from, so that one value can be changed and every other byte stays.
struct JSONNode: Hashable, Sendable {
    struct Member: Hashable, Sendable {
        let key: String
        let keyRange: Range<Int>
        let value: JSONNode
    }

    enum Content: Hashable, Sendable {
        case object([Member])
        case array([JSONNode])
        case string(String)
        case number
        case boolean
        case null
    }

    /// The value's bytes, brackets and quotes included.
    let range: Range<Int>
    let content: Content
}

/// Reads JSON as RFC 8259 has it, nothing beyond: no comments, no commas at the end, no two documents.
struct JSONTextReader {
    /// Deeper nesting than any configuration has; the reader calls itself.
    private static let deepest = 64

    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// - Throws: ``JSONTextError``.
    static func read(_ bytes: [UInt8]) throws(JSONTextError) -> JSONNode {
        var reader = JSONTextReader(bytes)
        guard String(validating: bytes, as: UTF8.self) != nil else { throw reader.error("it is not UTF-8", at: 0) }
        reader.skipBlanks()
        let node = try reader.value()
        reader.skipBlanks()
        guard reader.index == bytes.count else { throw reader.error("nothing may follow the value") }
        return node
    }

    private mutating func value() throws(JSONTextError) -> JSONNode {
        let start = index
        let content: JSONNode.Content
        switch peek {
        case UInt8(ascii: "{"): content = .object(try nested { reader throws(JSONTextError) in try reader.members() })
        case UInt8(ascii: "["): content = .array(try nested { reader throws(JSONTextError) in try reader.elements() })
        case UInt8(ascii: "\""): content = .string(try string())
        case UInt8(ascii: "t"): content = try word("true", .boolean)
        case UInt8(ascii: "f"): content = try word("false", .boolean)
        case UInt8(ascii: "n"): content = try word("null", .null)
        case nil: throw error("it ends where a value is expected")
        case let byte?:
            guard byte == UInt8(ascii: "-") || Self.isDigit(byte) else { throw error("a value is expected") }
            try number()
            content = .number
        }
        return JSONNode(range: start..<index, content: content)
    }

    private mutating func nested<Value>(
        _ read: (inout JSONTextReader) throws(JSONTextError) -> Value
    ) throws(JSONTextError) -> Value {
        guard depth < Self.deepest else { throw error("it is nested too deeply") }
        depth += 1
        defer { depth -= 1 }
        index += 1
        skipBlanks()
        return try read(&self)
    }

    private mutating func members() throws(JSONTextError) -> [JSONNode.Member] {
        var members: [JSONNode.Member] = []
        if take("}") { return members }
        while true {
            let start = index
            guard peek == UInt8(ascii: "\"") else { throw error("a key in double quotes is expected") }
            let key = try string()
            let range = start..<index
            skipBlanks()
            guard take(":") else { throw error("a colon is expected after a key") }
            skipBlanks()
            members.append(JSONNode.Member(key: key, keyRange: range, value: try value()))
            skipBlanks()
            if take("}") { return members }
            guard take(",") else { throw error("a comma or a closing brace is expected") }
            skipBlanks()
        }
    }

    private mutating func elements() throws(JSONTextError) -> [JSONNode] {
        var elements: [JSONNode] = []
        if take("]") { return elements }
        while true {
            elements.append(try value())
            skipBlanks()
            if take("]") { return elements }
            guard take(",") else { throw error("a comma or a closing bracket is expected") }
            skipBlanks()
        }
    }

    private mutating func string() throws(JSONTextError) -> String {
        let start = index
        index += 1
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                // What escapes stand for is Foundation's to know, lone surrogates included.
                guard let text = try? JSONDecoder().decode(String.self, from: Data(bytes[start..<index])) else {
                    throw error("the string has an escape that means nothing", at: start)
                }
                return text
            case UInt8(ascii: "\\"): index += 2
            case 0..<0x20: throw error("a string holds a control character")
            default: index += 1
            }
        }
        throw error("a string does not end", at: start)
    }

    private mutating func word(_ text: String, _ content: JSONNode.Content) throws(JSONTextError) -> JSONNode.Content {
        guard bytes[index...].starts(with: text.utf8) else { throw error("a value is expected") }
        index += text.utf8.count
        return content
    }

    private mutating func number() throws(JSONTextError) {
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            try digits()
        }
    }

    private mutating func digits() throws(JSONTextError) {
        let start = index
        while let byte = peek, Self.isDigit(byte) { index += 1 }
        if start == index { throw error("a digit is expected") }
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte = peek, JSONTextReader.isBlank(byte) { index += 1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private func error(_ message: String, at place: Int? = nil) -> JSONTextError {
        let before = bytes.prefix(min(place ?? index, bytes.count))
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1
        return JSONTextError(position: SourcePosition(line: line, column: column), message: message)
    }
}
