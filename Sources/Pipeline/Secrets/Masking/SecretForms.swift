/// The forms in which a secret is looked for: as it is, and as programs usually encode what they print.
enum SecretForms {
    /// Shorter ones would be found everywhere.
    static let shortest = 4

    /// Lines of encoded text as `base64` (76), `openssl base64` (64) and `xxd -p` (60) break it.
    private static let base64Widths = [76, 64]
    private static let hexWidths = [60]

    /// All forms of a value, none shorter than ``shortest``.
    static func all(of value: [UInt8]) -> Set<[UInt8]> {
        let core = Array(trimmed(value[...]))
        var forms: Set<[UInt8]> = [core]
        // What `echo` pipes into an encoder ends with a line break.
        var texts: Set<[UInt8]> = [core, core + [UInt8(ascii: "\n")], value]
        for line in core.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            let line = Array(trimmed(line))
            // A form of very few bytes would be found in what has nothing to do with the secret.
            guard line.count >= shortest else { continue }
            forms.insert(line)
            texts.insert(line)
        }
        for text in texts { forms.formUnion(encoded(text)) }
        return forms.filter { $0.count >= shortest }
    }

    /// Without blanks and line breaks at both ends.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { return [] }
        return bytes[first...last]
    }

    private static func encoded(_ text: [UInt8]) -> Set<[UInt8]> {
        var forms: Set<[UInt8]> = []
        for alphabet in [Base64.standard, .urlSafe] {
            forms.formUnion(alphabet.traces(of: text))
            for width in base64Widths { forms.formUnion(wrapped(alphabet.encode(text), at: width)) }
        }
        for digits in [Digits.lower, .upper] {
            let hex = text.flatMap { digits.pair($0) }
            forms.insert(hex)
            for width in hexWidths { forms.formUnion(wrapped(hex, at: width)) }
            for kept in PercentEncoding.allCases { forms.insert(kept.encode(text, digits)) }
            for style in JSONEscaping.allCases { forms.insert(style.escape(text, digits)) }
        }
        forms.insert(text.flatMap { $0 == UInt8(ascii: "'") ? Array("'\\''".utf8) : [$0] })
        // A line break at the end is the output's own, not the secret's.
        return Set(forms.map { Array(trimmed($0[...])) })
    }

    /// A text that was broken into lines: as a whole, for what is short at its end, and line by line.
    private static func wrapped(_ text: [UInt8], at width: Int) -> Set<[UInt8]> {
        guard text.count > width else { return [] }
        let lines = stride(from: 0, to: text.count, by: width).map { Array(text[$0..<min($0 + width, text.count)]) }
        return Set(lines + [Array(lines.joined(separator: [UInt8(ascii: "\n")]))])
    }
}

/// Base64 in one of its alphabets (RFC 4648, sections 4 and 5).
private struct Base64 {
    private let alphabet: [UInt8]

    static let standard = Base64("+/")
    static let urlSafe = Base64("-_")

    private init(_ last: String) {
        alphabet = Array(("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last).utf8)
    }

    func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return text
    }

    /// What of the bytes' text does not depend on what stands before and behind them, for each of the three places that
    /// they can have in a group; and their text with its own end, where nothing is behind them.
    func traces(of bytes: [UInt8]) -> Set<[UInt8]> {
        var traces: Set<[UInt8]> = []
        for offset in 0..<3 {
            let text = encode([UInt8](repeating: 0, count: offset) + bytes)
            // The first characters hold bits of what is before: of one byte two of them, of two bytes three.
            let start = offset == 0 ? 0 : offset + 1
            let rest = (offset + bytes.count) % 3
            let whole = text.count - (rest == 0 ? 0 : 4)
            let end = whole + rest
            guard start < end else { continue }
            traces.insert(Array(text[start..<end]))
            traces.insert(Array(text[start...]))
            // Without the padding, as the URL-safe form is mostly written.
            traces.insert(Array(text[start..<(rest == 0 ? text.count : end + 1)]))
        }
        return traces
    }
}

/// Hexadecimal digits.
private struct Digits {
    private let digits: [UInt8]

    static let lower = Digits(digits: Array("0123456789abcdef".utf8))
    static let upper = Digits(digits: Array("0123456789ABCDEF".utf8))

    func pair(_ byte: UInt8) -> [UInt8] { [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }

    func unit(_ unit: UInt16) -> [UInt8] {
        Array("\\u".utf8) + pair(UInt8(unit >> 8)) + pair(UInt8(unit & 0xFF))
    }
}

/// What URL encoders leave as it is.
private enum PercentEncoding: CaseIterable {
    /// RFC 3986's unreserved characters.
    case strict
    /// JavaScript's `encodeURIComponent`.
    case component
    /// JavaScript's `encodeURI`: what has a meaning in a URL stays, too.
    case url
    /// HTML forms: a blank is a plus.
    case form

    private var kept: [UInt8] {
        switch self {
        case .strict: Array("-._~".utf8)
        case .component: Array("-._~!'()*".utf8)
        case .url: Array("-._~!'()*;/?:@&=+$,#".utf8)
        case .form: Array("-._*".utf8)
        }
    }

    func encode(_ bytes: [UInt8], _ digits: Digits) -> [UInt8] {
        let kept = kept
        return bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                [byte]
            case UInt8(ascii: " ") where self == .form: [UInt8(ascii: "+")]
            case _ where kept.contains(byte): [byte]
            default: [UInt8(ascii: "%")] + digits.pair(byte)
            }
        }
    }
}

/// How encoders of JSON write a string, without its quotes.
private enum JSONEscaping: CaseIterable {
    /// What RFC 8259 asks for.
    case least
    /// With `\/`, as Foundation and PHP write it.
    case slashes
    /// With `<`, `>` and `&` as numbers, as Go writes them.
    case html
    /// All that is not ASCII as numbers, as Python writes it.
    case ascii

    func escape(_ bytes: [UInt8], _ digits: Digits) -> [UInt8] {
        guard self == .ascii, let text = String(validating: bytes, as: UTF8.self) else {
            return bytes.flatMap { escape($0, digits) }
        }
        return text.utf16.flatMap { unit in
            unit < 0x80 ? escape(UInt8(unit), digits) : digits.unit(unit)
        }
    }

    private func escape(_ byte: UInt8, _ digits: Digits) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "/") where self == .slashes: Array("\\/".utf8)
        case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): self == .html ? digits.unit(UInt16(byte)) : [byte]
        case 0x08: Array("\\b".utf8)
        case 0x09: Array("\\t".utf8)
        case 0x0A: Array("\\n".utf8)
        case 0x0C: Array("\\f".utf8)
        case 0x0D: Array("\\r".utf8)
        case 0x00..<0x20: digits.unit(UInt16(byte))
        default: [byte]
        }
    }
}
