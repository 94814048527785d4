import Crypto

/// The name of content by its hash, such as `sha256:e3b0c442…`, parsed strictly: paths are made of digests.
///
/// The two algorithms are those that the OCI image specification registers for general use.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
    package enum Algorithm: String, Hashable, Sendable, CustomStringConvertible, CaseIterable {
        case sha256
        case sha512

        /// The length of the hash in lowercase hexadecimal.
        package var hexLength: Int {
            switch self {
            case .sha256: 64
            case .sha512: 128
            }
        }

        package var description: String { rawValue }
    }

    package let algorithm: Algorithm
    /// The hash in lowercase hexadecimal, of exactly the algorithm's length.
    package let hex: String

    /// Reads `sha256:` or `sha512:` and a hash in lowercase hexadecimal of exact length; nothing else.
    package init(parsing text: String) throws(DigestError) {
        let bytes = text.utf8
        guard bytes.count <= Algorithm.longestText, let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw DigestError(text: QuotedText(text), problem: .malformed)
        }
        guard let algorithm = Algorithm(rawValue: String(text[..<colon])) else {
            throw DigestError(text: QuotedText(text), problem: .unknownAlgorithm)
        }
        let hex = bytes[bytes.index(after: colon)...]
        guard hex.count == algorithm.hexLength, hex.allSatisfy(\.isLowercaseHex) else {
            throw DigestError(text: QuotedText(text), problem: .hash(algorithm))
        }
        self.algorithm = algorithm
        self.hex = String(Substring(hex))
    }

    /// The digest of `bytes` by the given algorithm.
    package init(of bytes: some Sequence<UInt8>, by algorithm: Algorithm) {
        self.algorithm = algorithm
        switch algorithm {
        case .sha256: hex = Self.hex(hashing: bytes, with: SHA256())
        case .sha512: hex = Self.hex(hashing: bytes, with: SHA512())
        }
    }

    /// The SHA-256 digest of `bytes`.
    package static func sha256(of bytes: some Sequence<UInt8>) -> Digest {
        Digest(of: bytes, by: .sha256)
    }

    /// Whether this is the digest of `bytes`.
    package func matches(_ bytes: some Sequence<UInt8>) -> Bool {
        Digest(of: bytes, by: algorithm) == self
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }

    private static func hex(hashing bytes: some Sequence<UInt8>, with hash: some HashFunction) -> String {
        var hash = hash
        let hashedInPlace: Void? = bytes.withContiguousStorageIfAvailable { hash.update(bufferPointer: .init($0)) }
        if hashedInPlace == nil {
            Array(bytes).withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
        let digits = Array("0123456789abcdef".utf8)
        var hex: [UInt8] = []
        for byte in hash.finalize() {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 0xf)])
        }
        return String(decoding: hex, as: UTF8.self)
    }
}

extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        try self.init(parsing: container.decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A text that is no digest.
package struct DigestError: Error, Hashable, CustomStringConvertible {
    package enum Problem: Hashable, Sendable {
        /// No `algorithm:hash`.
        case malformed
        case unknownAlgorithm
        /// The hash has the wrong length or other characters than lowercase hexadecimal.
        case hash(Digest.Algorithm)
    }

    /// The text, safe to print.
    package let text: QuotedText
    package let problem: Problem

    package var description: String {
        switch problem {
        case .malformed: "\(text) is not a digest: it must look like sha256: and 64 hexadecimal digits"
        case .unknownAlgorithm: "\(text) is not a digest that can be checked: only sha256 and sha512 are known"
        case .hash(let algorithm):
            "\(text) is not a digest: \(algorithm) takes exactly \(algorithm.hexLength) lowercase hexadecimal digits"
        }
    }
}

extension Digest.Algorithm {
    fileprivate static let longestText = 7 + 128
}

extension UInt8 {
    var isLowercaseHex: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self) }
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLowercaseLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    var isUppercaseLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
    var isAlphanumeric: Bool { isDigit || isLowercaseLetter || isUppercaseLetter }
}
