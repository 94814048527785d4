/// Makes text from outside safe to show: steps print what they like, and a terminal obeys what it is shown.
///
/// Everything that could move the cursor, change the terminal's state, hide text or reorder it is shown escaped: `\x1b`
/// for a byte, `\u{202e}` for a character. Colours pass where the stream has colours, and end with the line; elsewhere they
/// are left out.
struct TextSanitizer: Sendable {
    /// Whether SGR sequences (`ESC[…m`) pass; else they are left out.
    let passesColor: Bool

    /// One line of raw bytes as text.
    func line(_ bytes: [UInt8]) -> String {
        if Self.isPlain(bytes) { return String(decoding: bytes, as: UTF8.self) }
        var writer = Writer(passesColor: passesColor)
        writer.write(bytes)
        return writer.finish()
    }

    /// Text that is no step's output, such as a name or a message: never coloured, on one line.
    static func plain(_ text: String) -> String {
        TextSanitizer(passesColor: false).line(Array(text.utf8))
    }

    /// The lines of a message, each safe to show.
    static func plainLines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { plain(String($0)) }
    }

    /// Whether all bytes are printable ASCII, tested eight at a time: most output is, and there is much of it.
    private static func isPlain(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            let ones: UInt64 = 0x0101_0101_0101_0101
            let highs: UInt64 = 0x8080_8080_8080_8080
            var index = 0
            while index + 8 <= buffer.count {
                let word = buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                let deletes = word ^ (ones &* 0x7F)
                let below = (word &- ones &* 0x20) & ~word
                let zero = (deletes &- ones) & ~deletes
                if (word | below | zero) & highs != 0 { return false }
                index += 8
            }
            while index < buffer.count {
                if buffer[index] < 0x20 || buffer[index] > 0x7E { return false }
                index += 1
            }
            return true
        }
    }
}

/// Writes one line, escaping as it goes; what needs no escape is copied in runs.
private struct Writer {
    let passesColor: Bool
    private var output: [UInt8] = []
    private var isColored = false

    init(passesColor: Bool) {
        self.passesColor = passesColor
    }

    mutating func write(_ bytes: [UInt8]) {
        output.reserveCapacity(bytes.count + 16)
        var index = 0
        var runStart = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte >= 0x20 && byte < 0x7F || byte == 0x09 {
                index += 1
                continue
            }
            output += bytes[runStart..<index]
            if byte == 0x1B, let length = ColorSequence.length(bytes[index...]) {
                if passesColor {
                    output += bytes[index..<(index + length)]
                    isColored = true
                }
                index += length
            } else if byte < 0x80 {
                escape(byte)
                index += 1
            } else {
                index += writeCharacter(bytes[index...])
            }
            runStart = index
        }
        output += bytes[runStart...]
    }

    consuming func finish() -> String {
        if isColored { output += Paint.reset.utf8 }
        return String(decoding: output, as: UTF8.self)
    }

    /// Writes the character, or the invalid byte, that the bytes begin with.
    ///
    /// - Returns: How many bytes it took.
    private mutating func writeCharacter(_ bytes: ArraySlice<UInt8>) -> Int {
        let expected = bytes.first.map { $0 >= 0xF0 ? 4 : $0 >= 0xE0 ? 3 : 2 } ?? 1
        let character = bytes.prefix(expected)
        guard let text = String(validating: character, as: UTF8.self), let scalar = text.unicodeScalars.first,
            text.unicodeScalars.count == 1
        else {
            if let byte = bytes.first { escape(byte) }
            return 1
        }
        if Self.isHarmful(scalar) {
            output += "\\u{\(String(scalar.value, radix: 16))}".utf8
        } else {
            output += character
        }
        return expected
    }

    private mutating func escape(_ byte: UInt8) {
        output += (byte < 16 ? "\\x0" : "\\x").utf8
        output += String(byte, radix: 16).utf8
    }

    /// C1 controls, which some terminals obey, and the controls that reorder text (unicode.org TR 36, "Trojan Source").
    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029: true
        default: false
        }
    }
}

/// The escape sequences that set colours and weights.
private enum ColorSequence {
    private static let longest = 32

    /// The length of the SGR sequence that the bytes begin with; `nil` where it is none, or one that hides text or blinks.
    static func length(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.dropFirst().first == UInt8(ascii: "[") else { return nil }
        let body = bytes.dropFirst(2).prefix(longest)
        guard let end = body.firstIndex(where: { !isParameter($0) }), body[end] == UInt8(ascii: "m") else { return nil }
        let parameters = body[..<end].split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            .map { Int(String(decoding: $0, as: UTF8.self)) ?? 0 }
        return isHarmless(parameters) ? end - bytes.startIndex + 1 : nil
    }

    private static func isParameter(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: ";")
    }

    private static func isHarmless(_ parameters: [Int]) -> Bool {
        var rest = parameters[...]
        while let parameter = rest.popFirst() {
            switch parameter {
            case 5, 6, 8: return false
            case 38, 48, 58: rest = rest.dropFirst(rest.first == 2 ? 4 : 2)
            default: break
            }
        }
        return true
    }
}
