import Foundation

/// Compares the engine's clock with this machine's.
enum EngineClock {
    /// How far the engine's clock is ahead.
    ///
    /// The engine read its clock at some moment between the request and its answer; a time within that span, give or take a
    /// hundredth of a second, is no difference.
    ///
    /// - Parameters:
    ///   - text: The engine's time, RFC 3339 with up to nine decimals.
    ///   - before: This machine's time when the request was sent.
    ///   - after: This machine's time when the answer was there.
    /// - Returns: `nil` where the text is no time.
    static func offset(of text: String, between before: Date, and after: Date) -> Duration? {
        guard let time = parse(text) else { return nil }
        let tolerance = 0.01
        let ahead = time.timeIntervalSince(after)
        let behind = before.timeIntervalSince(time)
        if ahead > tolerance { return .seconds(ahead) }
        return behind > tolerance ? .zero - .seconds(behind) : .zero
    }

    /// Foundation reads at most three decimals, the engine writes nine.
    static func parse(_ text: String) -> Date? {
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
