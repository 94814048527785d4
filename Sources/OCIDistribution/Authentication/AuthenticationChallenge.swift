import NIOHTTP1

/// One challenge of a `WWW-Authenticate` header (RFC 9110, section 11): a scheme and its parameters.
struct AuthenticationChallenge: Hashable, Sendable {
    /// The scheme in lowercase: `bearer`, `basic`.
    let scheme: String
    /// The parameters, their names in lowercase.
    let parameters: [String: String]

    /// The challenges of all the headers, in their order. What can't be read is left out.
    static func parse(_ headers: HTTPHeaders) -> [AuthenticationChallenge] {
        // Not the canonical form, which splits at commas also within quotes.
        headers["www-authenticate"].prefix(8).flatMap { parse($0) }
    }

    /// The challenges of one header's value. A header comes from outside: whatever it holds, this ends and does not
    /// trap, and a challenge that names a parameter twice is dropped, since two readers could disagree on it.
    static func parse(_ value: String) -> [AuthenticationChallenge] {
        guard value.utf8.count <= 8192 else { return [] }
        var reader = Reader(bytes: Array(value.utf8))
        var challenges: [AuthenticationChallenge] = []
        while challenges.count < 16, let challenge = reader.challenge() {
            if let challenge { challenges.append(challenge) }
        }
        return challenges
    }
}

/// Reads challenges off bytes; every step consumes something or ends.
private struct Reader {
    let bytes: [UInt8]
    var position = 0

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The next challenge; inner `nil` where it was malformed, outer `nil` at the end.
    mutating func challenge() -> AuthenticationChallenge?? {
        skipSeparators()
        guard next != nil else { return nil }
        guard let scheme = token() else {
            skipToComma()
            return .some(nil)
        }
        skipSpaces()
        var parameters: [String: String] = [:]
        var isSound = true
        while let (name, value) = parameter() {
            if parameters.updateValue(value, forKey: name.lowercased()) != nil || parameters.count > 16 {
                isSound = false
            }
            skipSpaces()
            guard next == UInt8(ascii: ",") else { break }
            skipSeparators()
        }
        if next != nil, next != UInt8(ascii: ","), !startsChallenge {
            // A token68 or rubbish: neither has anything to offer.
            skipToComma()
        }
        let challenge = AuthenticationChallenge(scheme: scheme.lowercased(), parameters: parameters)
        return .some(isSound ? challenge : nil)
    }

    /// `name=value` with a token or a quoted string as the value; consumes nothing where there is none.
    private mutating func parameter() -> (String, String)? {
        let start = position
        if let name = token() {
            skipSpaces()
            if next == UInt8(ascii: "=") {
                position += 1
                skipSpaces()
                if let value = next == UInt8(ascii: "\"") ? quotedString() : token() { return (name, value) }
            }
        }
        position = start
        return nil
    }

    /// Whether a token followed by a space or the end stands here, which begins another challenge.
    private var startsChallenge: Bool {
        var ahead = self
        guard ahead.token() != nil else { return false }
        return ahead.next == nil || ahead.next == UInt8(ascii: " ") || ahead.next == UInt8(ascii: ",")
    }

    private mutating func token() -> String? {
        let start = position
        while let byte = next, byte.isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(byte) { position += 1 }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    private mutating func quotedString() -> String? {
        var text: [UInt8] = []
        var ahead = position + 1
        while ahead < bytes.count {
            switch bytes[ahead] {
            case UInt8(ascii: "\""):
                position = ahead + 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard ahead + 1 < bytes.count else { return nil }
                text.append(bytes[ahead + 1])
                ahead += 2
            case let byte:
                text.append(byte)
                ahead += 1
            }
        }
        return nil
    }

    private mutating func skipSpaces() {
        while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { position += 1 }
    }

    private mutating func skipSeparators() {
        while let byte = next, byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
            position += 1
        }
    }

    /// Skips at least one byte, so that malformed text comes to an end.
    private mutating func skipToComma() {
        position += 1
        while let byte = next, byte != UInt8(ascii: ",") { position += 1 }
    }
}
