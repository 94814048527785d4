/// The grammar of `distribution/reference`, over bytes: every name in it is ASCII.
enum ReferenceGrammar {
    typealias Bytes = Substring.UTF8View

    /// As in `distribution/reference`; the registry is not counted.
    static let longestRepository = 255
    /// The longest name of a host in DNS, and room for brackets and a port.
    static let longestRegistry = 253 + 8

    /// `[\w][\w.-]{0,127}`.
    static func isTag(_ text: Bytes) -> Bool {
        guard let first = text.first, text.count <= 128, first.isAlphanumeric || first == UInt8(ascii: "_") else {
            return false
        }
        return text.allSatisfy {
            $0.isAlphanumeric || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
        }
    }

    /// Parts between slashes, each of lowercase letters and digits with single `.`, `_`, `__` or dashes between them.
    static func isRepository(_ text: Bytes) -> Bool {
        text.count <= longestRepository
            && text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy(isPathPart)
    }

    /// A host name, IPv4 address or IPv6 address in brackets, and perhaps a port.
    static func isRegistry(_ text: Bytes) -> Bool {
        guard text.count <= longestRegistry else { return false }
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let address = text[text.startIndex..<end].dropFirst()
            let after = text[end...].dropFirst()
            return isIPv6(address) && (after.isEmpty || (after.first == UInt8(ascii: ":") && isPort(after.dropFirst())))
        }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard let host = parts.first, parts.count <= 2, parts.count == 1 || isPort(parts[1]) else { return false }
        return host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isHostPart)
    }

    private static func isPathPart(_ part: Bytes) -> Bool {
        var separator: [UInt8] = []
        var afterWord = false
        for byte in part {
            if byte.isDigit || byte.isLowercaseLetter {
                if !separator.isEmpty, !afterWord || !isSeparator(separator) { return false }
                separator = []
                afterWord = true
            } else {
                separator.append(byte)
            }
        }
        return afterWord && separator.isEmpty
    }

    private static func isSeparator(_ text: [UInt8]) -> Bool {
        text == [UInt8(ascii: ".")] || text == [UInt8(ascii: "_")]
            || text == [UInt8(ascii: "_"), UInt8(ascii: "_")] || text.allSatisfy { $0 == UInt8(ascii: "-") }
    }

    private static func isHostPart(_ part: Bytes) -> Bool {
        guard let first = part.first, first.isAlphanumeric else { return false }
        var last = first
        for byte in part {
            guard byte.isAlphanumeric || byte == UInt8(ascii: "-") else { return false }
            last = byte
        }
        return last.isAlphanumeric
    }

    private static func isPort(_ text: Bytes) -> Bool {
        guard (1...5).contains(text.count), text.allSatisfy(\.isDigit) else { return false }
        return (1...65535).contains(text.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
    }

    /// Hexadecimal groups and colons, as `distribution/reference` takes them; the resolver judges the rest.
    private static func isIPv6(_ text: Bytes) -> Bool {
        let colon = UInt8(ascii: ":")
        let capitals = UInt8(ascii: "A")...UInt8(ascii: "F")
        return (2...39).contains(text.count) && text.contains(colon)
            && text.allSatisfy { $0 == colon || $0.isLowercaseHex || capitals.contains($0) }
    }
}
