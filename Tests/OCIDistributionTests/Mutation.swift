import RoostTesting

/// Random damage to sound input, for fuzzing.
enum Mutation {
    /// Bytes that mean something to one of the parsers, so that damage finds its way in.
    private static let telling = Array("\0\n\r\t \"\\,;:=/@.-_[]{}%?&<>0aA\u{7f}".utf8) + [0x80, 0xc3, 0xff]

    /// `text` after one to eight random edits.
    static func mutate(_ text: String, with generator: inout SplitMix64) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
            let byte = Bool.random(using: &generator) ? telling.randomElement(using: &generator) : generator.bytes(1)[0]
            let position = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes.insert(byte ?? 0, at: position)
            case 1 where position < bytes.count: bytes[position] = byte ?? 0
            case 2 where position < bytes.count: bytes.remove(at: position)
            case 3:
                let end = Int.random(in: position...bytes.count, using: &generator)
                bytes.insert(contentsOf: bytes[position..<end], at: position)
            default: bytes.removeSubrange(position...)
            }
        }
        return bytes
    }

    static func mutateText(_ text: String, with generator: inout SplitMix64) -> String {
        String(decoding: mutate(text, with: &generator), as: UTF8.self)
    }

    /// A round of fuzzing found something.
    struct Finding: Error, CustomStringConvertible {
        let description: String
    }

    static func require(_ condition: Bool, _ finding: @autoclosure () -> String) throws {
        if !condition { throw Finding(description: finding()) }
    }
}
