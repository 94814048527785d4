import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The `Retry-After` header: seconds, or a date (RFC 9110, section 10.2.3).
enum RetryAfter {
    /// No server is believed beyond a day.
    static let longest = Duration.seconds(86_400)

    static func parse(_ headers: HTTPHeaders, now: Date = Date()) -> Duration? {
        guard let text = headers.first(name: "retry-after"), text.utf8.count <= 64 else { return nil }
        if !text.isEmpty, text.utf8.allSatisfy(\.isDigit) {
            guard let seconds = Double(text) else { return nil }
            // Some registries give the time itself, in seconds since 1970.
            return clamp(seconds > 1_000_000_000 ? seconds - now.timeIntervalSince1970 : seconds)
        }
        return secondsSince1970(text).map { clamp(Double($0) - now.timeIntervalSince1970) }
    }

    private static func clamp(_ seconds: Double) -> Duration {
        .seconds(Int64(max(0, min(seconds.rounded(.up), 86_400))))
    }

    /// Reads the one form of date that servers still send (IMF-fixdate): `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func secondsSince1970(_ text: String) -> Int? {
        let fields = text.split(separator: " ")
        guard fields.count == 6, fields[5] == "GMT",
            let day = Int(fields[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(fields[2])),
            let year = Int(fields[3]), (1970...9999).contains(year)
        else { return nil }
        let time = fields[4].split(separator: ":").compactMap { Int($0) }
        guard time.count == 3, (0...23).contains(time[0]), (0...59).contains(time[1]), (0...60).contains(time[2]) else {
            return nil
        }
        // Days since 1970 in the Gregorian calendar, with years that begin in March, after the leap day.
        let shifted = month < 2 ? year - 1 : year
        let dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
        let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return days * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
