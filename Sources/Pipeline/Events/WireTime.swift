package import Foundation
import RoostCore

/// Times and durations in the forms that Roost's JSON uses.
package enum WireTime {
    /// RFC 3339 in UTC with milliseconds: `2026-01-31T08:15:30.042Z`.
    package static func text(_ date: Date) -> String {
        // The style cuts off what is less than a millisecond, and no binary fraction is exactly one: a little more is kept.
        style.format(Date(timeIntervalSince1970: ((date.timeIntervalSince1970 * 1000).rounded() + 0.1) / 1000))
    }

    /// Reads a time back; `nil` where the text is none.
    static func parse(_ text: String) -> Date? { try? style.parse(text) }

    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

/// The JSON writer of events and reports: keys sorted, so that two encodings of the same thing are the same bytes.
enum WireJSON {
    static func encoder(pretty: Bool) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return encoder
    }
}
