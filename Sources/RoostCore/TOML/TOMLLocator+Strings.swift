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
                if cursor.sees("\"", times: 3) || cursor.sees("'", times: 3) { throw problem(.malformed) }
                keys.append(Key(bytes: try readString(decoding: true), position: position))
            } else {
                let start = cursor.offset
                while let byte = cursor.current, byte.isBareKeyByte { cursor.advance() }
                guard cursor.offset > start else { throw problem(.malformed) }
                keys.append(Key(bytes: Array(cursor.bytes[start..<cursor.offset]), position: position))
            }
            cursor.skipBlanks()
            guard cursor.sees(".") else { return keys }
            cursor.advance()
        }
    }

    /// Reads a string of any of the four kinds. Its text is returned only when `decoding`, for keys.
    mutating func readString(decoding: Bool) throws(Problem) -> [UInt8] {
        guard let quote = cursor.current else { throw problem(.malformed) }
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
                try readEscape(into: &text)
            } else if byte == UInt8(ascii: "\n"), !isMultiline {
                throw problem(.malformed)
            } else {
                if decoding { text.append(byte) }
                cursor.advance()
            }
        }
        throw problem(.malformed)
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(Problem) {
        let start = cursor.position
        cursor.advance()
        guard let byte = cursor.current else { throw problem(.malformed) }
        let digits = byte == UInt8(ascii: "u") ? 4 : byte == UInt8(ascii: "U") ? 8 : 0
        cursor.advance()
        guard digits > 0 else {
            text.append(Self.escapes[byte] ?? byte)
            return
        }
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = cursor.current, let hex = Character(Unicode.Scalar(digit)).hexDigitValue else {
                throw problem(.malformed)
            }
            value = value << 4 | UInt32(hex)
            cursor.advance()
        }
        guard value != 0 else { throw Problem(kind: .nulCharacter, position: start) }
        guard let scalar = Unicode.Scalar(value) else { throw Problem(kind: .malformed, position: start) }
        text.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "b"): 0x08, UInt8(ascii: "t"): 0x09, UInt8(ascii: "n"): 0x0a, UInt8(ascii: "f"): 0x0c,
        UInt8(ascii: "r"): 0x0d, UInt8(ascii: "e"): 0x1b,
    ]
}
