import NIOCore

/// One request, as the access log tells it. Nothing in it is a text of the client's own: what was no name is not repeated, and
/// neither headers nor queries are.
package struct AccessEntry: Sendable {
    package enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// All of the answer has been handed to the system.
        case complete
        /// The client left before.
        case left
        /// The rest of the body could not be had; the connection was closed.
        case broken
    }

    /// When the request came, in milliseconds since 1970.
    package var time: Int64
    package var clientPort: Int
    /// `GET`, `HEAD`, or `-` for any other.
    package var method: Method
    package var repository: CachedRepository?
    package var name: String?
    package var status: Int
    /// Of the body.
    package var bytes: Int64
    package var microseconds: Int64
    package var result: CacheResult?
    package var outcome: Outcome

    package enum Method: String, Hashable, Sendable {
        case get = "GET"
        case head = "HEAD"
        case other = "-"
    }
}

extension ByteBuffer {
    /// Writes a line: time, client's port, method, repository, name, status, bytes, milliseconds, result; each without blanks.
    mutating func writeLine(_ entry: AccessEntry, stamp: TimeStamp) {
        writeString(stamp.seconds)
        writeStaticString(".")
        let milliseconds = entry.time - stamp.second * 1000
        writeInteger(UInt8(ascii: "0") + UInt8(clamping: milliseconds / 100 % 10))
        writeInteger(UInt8(ascii: "0") + UInt8(clamping: milliseconds / 10 % 10))
        writeInteger(UInt8(ascii: "0") + UInt8(clamping: milliseconds % 10))
        writeStaticString("Z ")
        writeString(String(entry.clientPort))
        writeStaticString(" ")
        writeString(entry.method.rawValue)
        writeStaticString(" ")
        if let repository = entry.repository {
            writeString(repository.upstream)
            writeStaticString("/")
            writeString(repository.path)
        } else {
            writeStaticString("-")
        }
        writeStaticString(" ")
        writeString(entry.name ?? "-")
        writeStaticString(" ")
        writeString(String(entry.status))
        writeStaticString(" ")
        writeString(String(entry.bytes))
        writeStaticString(" ")
        writeString(String(entry.microseconds / 1000))
        writeStaticString(".")
        writeString(String(entry.microseconds / 100 % 10))
        writeStaticString(" ")
        writeString(entry.result?.rawValue ?? "-")
        if entry.outcome != .complete {
            writeStaticString(",")
            writeString(entry.outcome.rawValue)
        }
        writeStaticString("\n")
    }
}

/// The texts of one second.
struct TimeStamp: Hashable, Sendable {
    /// Since 1970.
    let second: Int64
    /// `2026-11-25T11:58:01`
    let seconds: String
    /// As HTTP has it: `Wed, 25 Nov 2026 11:58:01 GMT`.
    let date: String

    /// - Parameter second: Since 1970; before it there is no time.
    init(second: Int64) {
        let second = max(0, second)
        self.second = second
        let days = second / 86_400
        // Years that begin in March end with the leap day; 719,468 days lie between the first of March of year 0 and 1970.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        let hour = second % 86_400 / 3600
        let clock = "\(Self.two(hour)):\(Self.two(second % 3600 / 60)):\(Self.two(second % 60))"
        seconds = "\(year)-\(Self.two(month))-\(Self.two(day))T\(clock)"
        let weekday = Self.weekdays[Int(days % 7)]
        date = "\(weekday), \(Self.two(day)) \(Self.months[Int(month) - 1]) \(year) \(clock) GMT"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// The first of January 1970 was a Thursday.
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
