/// The bytes of a secret. Nothing that describes or dumps one ever shows them.
package struct SecretValue: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// As they were given: what the file in a container holds.
    let bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Without the line break at the end that editors and `echo` leave: what a variable holds. `nil` where it can't be one.
    var text: String? {
        var end = bytes.count
        if end > 0, bytes[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        if end > 0, end < bytes.count, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        let kept = bytes[..<end]
        return kept.contains(0) ? nil : String(validating: kept, as: UTF8.self)
    }

    /// The most bytes of one secret: what is larger is data, and would have to be looked for in all output in every form.
    package static let largest = 64 << 10
    /// The most bytes of all secrets of a run.
    package static let largestTogether = 128 << 10
    /// The fewest characters: what is shorter is found everywhere, and can be guessed from where it was masked.
    package static let fewestCharacters = 4

    /// What keeps these bytes from being a secret; the value is never part of it.
    package var problem: String? {
        if bytes.isEmpty { return "is empty" }
        if bytes.count > Self.largest {
            return "has more than \(Self.largest >> 10) KiB, the most that a secret may have"
        }
        let core = SecretForms.trimmed(bytes[...])
        let count = String(validating: core, as: UTF8.self)?.unicodeScalars.count ?? core.count
        guard count < Self.fewestCharacters else { return nil }
        return "has fewer than \(Self.fewestCharacters) characters: it could not be masked in a step's output"
    }

    package var description: String { "…" }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: [:] as KeyValuePairs<String, Any>) }
}
