/// Text from outside, made safe to show on one line of a terminal.
package enum PrintableText {
    /// `text` in double quotes: control characters, quotes and backslashes escaped, cut after `limit` characters.
    ///
    /// Characters that reorder or hide text (bidirectional controls, zero-width ones) are escaped too.
    package static func quoted(_ text: String, limit: Int = 80) -> String {
        "\"" + escaped(text, limit: limit, isQuoted: true) + "\""
    }

    /// `text` without quotes: control characters escaped, cut after `limit` characters.
    package static func oneLine(_ text: String, limit: Int = 80) -> String {
        escaped(text, limit: limit, isQuoted: false)
    }

    private static func escaped(_ text: String, limit: Int, isQuoted: Bool) -> String {
        var shown = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit { return shown + "…" }
            count += 1
            switch scalar {
            case "\"" where isQuoted: shown += "\\\""
            case "\\" where isQuoted: shown += "\\\\"
            case "\n": shown += "\\n"
            case "\r": shown += "\\r"
            case "\t": shown += "\\t"
            default:
                if isPrintable(scalar) {
                    shown.unicodeScalars.append(scalar)
                } else {
                    shown += "\\u{" + String(scalar.value, radix: 16) + "}"
                }
            }
        }
        return shown
    }

    /// Whether the scalar is visible and leaves its neighbours where they are.
    package static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
        default: true
        }
    }
}
