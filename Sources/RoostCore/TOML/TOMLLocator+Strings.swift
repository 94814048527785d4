/// Keys and strings.
extension TOMLLocator {
    /// One part of a key, decoded.
    struct Key {
        let bytes: [UInt8]
        let position: SourcePosition
    }

    /// Reads `a."b c".d`, and the blanks around it.
    mutating func readKeys(depth: Int) throws(Problem) -> [Key] {
        var keys: [Key] = []
        while true {
            cursor.skipBlanks()
            guard depth + keys.count < Self.deepest else { throw problem(.tooDeep) }
            let position = cursor.position
            if cursor.sees("\"") || cursor.sees("'") {
                // A multi-line string is no key, and a file that tries is no TOML.
                if cursor.sees("\"", times: 3) || cursor.sees("'", times: 3) {
                    throw problem(.malformed("a key cannot be a string of many lines"))
                }
                keys.append(Key(bytes: try readString(decoding: true), position: position))
            } else {
                let start = cursor.offset
                while let byte = cursor.current, byte.isBareKeyByte { cursor.advance() }
                guard cursor.offset > start else { throw problem(.malformed("expected a key")) }
                keys.append(Key(bytes: Array(cursor.bytes[start..<cursor.offset]), position: position))
            }
            cursor.skipBlanks()
            guard cursor.sees(".") else { return keys }
            cursor.advance()
        }
    }

    /// Reads a string of any of the four kinds. Its text is returned only when `decoding`, for keys.
    mutating func readString(decoding: Bool) throws(Problem) -> [UInt8] {
        let start = cursor.position
        let unclosed = Problem(kind: .malformed("this string is not closed"), position: start)
        guard let quote = cursor.current else { throw unclosed }
        let isLiteral = quote == UInt8(ascii: "'")
        let isMultiline = cursor.peek(1) == quote && cursor.peek(2) == quote
        cursor.advance(isMultiline ? 3 : 1)
        var text: [UInt8] = []
        while let byte = cursor.current {
            if byte == quote {
                if !isMultiline {
                    cursor.advance()
                    return text
                }
                var run = 0
                while run < 5, cursor.peek(run) == quote { run += 1 }
                cursor.advance(run)
                // Up to two quotes may stand just before the closing three.
                if run >= 3 { return text }
            } else if byte == UInt8(ascii: "\\"), !isLiteral {
                try readEscape(into: &text, isMultiline: isMultiline)
            } else if cursor.isAtLineBreak {
                guard isMultiline else { throw unclosed }
                cursor.advance()
            } else if byte.isForbiddenControl {
                throw problem(.malformed("a control character cannot stand here; write it as an escape"))
            } else {
                if decoding { text.append(byte) }
                cursor.advance()
            }
        }
        throw unclosed
    }

    private mutating func readEscape(into text: inout [UInt8], isMultiline: Bool) throws(Problem) {
        let start = cursor.position
        let unknown = Problem(kind: .malformed("no escape of TOML; a backslash is written \\\\"), position: start)
        cursor.advance()
        guard let byte = cursor.current else { throw unknown }
        if let escaped = Self.escapes[byte] {
            text.append(escaped)
            return cursor.advance()
        }
        if byte == UInt8(ascii: "u") || byte == UInt8(ascii: "U") {
            cursor.advance()
            let scalar = try readScalarValue(digits: byte == UInt8(ascii: "u") ? 4 : 8, orThrow: unknown)
            guard scalar.value != 0 else { throw Problem(kind: .nulCharacter, position: start) }
            text.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
            return
        }
        // A backslash at the end of a line takes the line break and what is blank after it out of the text.
        cursor.skipBlanks()
        guard isMultiline, cursor.isAtLineBreak else { throw unknown }
    }

    private mutating func readScalarValue(digits: Int, orThrow problem: Problem) throws(Problem) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = cursor.current, let hex = Character(Unicode.Scalar(digit)).hexDigitValue else {
                throw problem
            }
            value = value << 4 | UInt32(hex)
            cursor.advance()
        }
        guard let scalar = Unicode.Scalar(value) else { throw problem }
        return scalar
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "b"): 0x08, UInt8(ascii: "t"): 0x09, UInt8(ascii: "n"): 0x0a, UInt8(ascii: "f"): 0x0c,
        UInt8(ascii: "r"): 0x0d, UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
    ]
}
