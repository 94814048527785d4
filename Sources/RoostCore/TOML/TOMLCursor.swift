/// Walks over the bytes of a document and knows the line and the column. It only goes forward, so that every scan that
/// is made of it takes time in proportion to the text.
struct TOMLCursor {
    let bytes: [UInt8]
    private(set) var offset = 0
    private var line = 1
    private var column = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // A byte order mark is no part of the document.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { offset = 3 }
    }

    var position: SourcePosition { SourcePosition(line: line, column: column) }

    var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func peek(_ distance: Int) -> UInt8? { offset + distance < bytes.count ? bytes[offset + distance] : nil }

    func sees(_ text: StaticString, times: Int = 1) -> Bool {
        let byte = text.utf8Start.pointee
        return (0..<times).allSatisfy { peek($0) == byte }
    }

    mutating func advance(_ count: Int = 1) {
        for _ in 0..<count {
            guard let byte = current else { return }
            offset += 1
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if offset == bytes.count || bytes[offset] & 0xc0 != 0x80 {
                // The last byte of a scalar: UTF-8's continuation bytes do not count.
                column += 1
            }
        }
    }

    mutating func skipBlanks() {
        while let byte = current, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { advance() }
    }

    /// Whether a line ends here, in the way of Unix or of Windows. A carriage return alone ends none.
    var isAtLineBreak: Bool {
        current == UInt8(ascii: "\n") || (current == UInt8(ascii: "\r") && peek(1) == UInt8(ascii: "\n"))
    }

    /// Goes to the line break or the end, but not past a character that no comment may hold.
    mutating func skipComment() {
        while let byte = current, !isAtLineBreak, !byte.isForbiddenControl { advance() }
    }

    /// Skips blanks, line breaks and comments.
    mutating func skipTrivia() {
        while let byte = current {
            if byte == UInt8(ascii: "#") {
                skipComment()
                if current?.isForbiddenControl == true, !isAtLineBreak { return }
            } else if byte.isBlank || isAtLineBreak {
                advance()
            } else {
                return
            }
        }
    }
}

extension UInt8 {
    /// The control characters that TOML forbids outside escapes: all but the tab.
    var isForbiddenControl: Bool { (self < 0x20 && self != UInt8(ascii: "\t")) || self == 0x7f }
}
