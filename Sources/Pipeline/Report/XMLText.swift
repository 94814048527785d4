/// Text from outside as part of an XML document (XML 1.0, 2.2 and 2.4).
enum XMLText {
    /// Between two tags.
    static func content(_ text: String) -> String { escaped(text, keepsBreaks: true) }

    /// Between double quotes: line breaks and tabs are written as references, or a reader would make blanks of them.
    static func attribute(_ text: String) -> String { escaped(text, keepsBreaks: false) }

    private static func escaped(_ text: String, keepsBreaks: Bool) -> String {
        var output = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.first {
            if let length = controlSequence(rest) {
                rest = rest.dropFirst(length)
                continue
            }
            rest = rest.dropFirst()
            switch scalar {
            case "&": output += "&amp;".unicodeScalars
            case "<": output += "&lt;".unicodeScalars
            case ">": output += "&gt;".unicodeScalars
            case "\"": output += "&quot;".unicodeScalars
            case "\n", "\t":
                if keepsBreaks { output.append(scalar) } else { output += "&#\(scalar.value);".unicodeScalars }
            default: if isCharacter(scalar) { output.append(scalar) }
            }
        }
        return String(output)
    }

    /// What a document may hold, without the control characters that only terminals know what to do with.
    private static func isCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF: false
        default: true
        }
    }

    /// How long a control sequence is that the text begins with (ECMA-48, 5.4), such as a colour; `nil` where it is none. Taking
    /// away its first character alone would leave the rest to be read.
    private static func controlSequence(_ text: Substring.UnicodeScalarView) -> Int? {
        guard text.first == "\u{1B}", text.dropFirst().first == "[" else { return nil }
        let body = text.dropFirst(2).prefix(64)
        let parameters = body.prefix { (0x20...0x3F).contains($0.value) }
        guard let end = body[parameters.endIndex...].first, (0x40...0x7E).contains(end.value) else { return nil }
        return 2 + parameters.count + 1
    }
}
