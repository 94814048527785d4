/// Text from outside, made fit for a message: in quotes, on one line, printable ASCII only, of bounded length.
///
/// Everything beyond printable ASCII is escaped, so a terminal sees neither control sequences nor characters that
/// change the direction of writing.
package struct QuotedText: Hashable, Sendable, CustomStringConvertible {
    /// The quoted text, quotation marks included.
    package let description: String

    /// Quotes `text`.
    ///
    /// - Parameters:
    ///   - text: The text, of any length and content.
    ///   - limit: How many Unicode scalars of it are shown at most.
    package init(_ text: String, limit: Int = 80) {
        var quoted = "\""
        var shown = 0
        for scalar in text.unicodeScalars {
            if shown == limit {
                quoted += "…"
                break
            }
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case " "..."~": quoted.unicodeScalars.append(scalar)
            default: quoted += scalar.escaped(asASCII: true)
            }
            shown += 1
        }
        description = quoted + "\""
    }

    /// The same without the quotation marks, for text that is a message itself.
    var unquoted: String { String(description.dropFirst().dropLast()) }
}
