package import Foundation

/// Times as an engine writes them.
package enum EngineTime {
    /// Reads RFC 3339 with up to nine decimals, of which Foundation reads three.
    ///
    /// - Returns: `nil` where the text is no time.
    package static func parse(_ text: String) -> Date? {
        guard text.utf8.count <= 40 else { return nil }
        let formatter = ISO8601DateFormatter()
        guard let point = text.firstIndex(of: ".") else { return formatter.date(from: text) }
        let decimals = text[text.index(after: point)...].prefix { ("0"..."9").contains($0) }
        guard !decimals.isEmpty, let fraction = Double("0.\(decimals)"),
            let whole = formatter.date(from: "\(text[..<point])\(text[decimals.endIndex...])")
        else { return nil }
        return whole.addingTimeInterval(fraction)
    }
}
