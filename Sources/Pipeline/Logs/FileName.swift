/// Names of stages and steps as names of files.
package enum FileName {
    /// The most bytes of a name, well below the 255 that file systems allow, for what is appended.
    static let limit = 200

    /// The name with everything but letters, digits, `.`, `_` and `-` percent-encoded.
    ///
    /// Leading dots are encoded too, so that no name is `.`, `..` or hidden. Different names stay different: the empty
    /// name is `%`, and a long one is cut and ends in a hash of the whole.
    package static func encode(_ name: String) -> String {
        guard !name.isEmpty else { return "%" }
        var encoded = ""
        for byte in name.utf8 {
            let scalar = Unicode.Scalar(byte)
            if isPlain(byte), !(byte == UInt8(ascii: ".") && encoded.isEmpty) {
                encoded.unicodeScalars.append(scalar)
            } else {
                encoded += "%" + hexadecimal(byte)
            }
        }
        guard encoded.utf8.count > limit else { return encoded }
        return encoded.prefix(limit - 18) + "%~" + hash(name)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return byte < 16 ? "0" + digits : digits
    }

    /// FNV-1a over the name: it need only keep a project's own names apart, not withstand an attacker.
    private static func hash(_ name: String) -> String {
        let value = name.utf8.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
