package import Foundation

/// Names one run: the time it started, for people and for sorting, and six random digits.
package struct RunID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// The name of a run that starts now.
    package static func next() -> RunID { RunID(date: Date(), random: UInt32.random(in: 0...UInt32.max)) }

    /// - Parameters:
    ///   - date: When the run starts.
    ///   - random: Makes two runs of the same second different.
    package init(date: Date, random: UInt32) {
        let digits = String(random & 0xFF_FFFF, radix: 16)
        let suffix = String(repeating: "0", count: 6 - digits.count) + digits
        let stamp = date.formatted(
            Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day().dateSeparator(.omitted)
                .time(includingFractionalSeconds: false).timeSeparator(.omitted)
        )
        description = stamp.replacing("T", with: "-").replacing("Z", with: "") + "-" + suffix
    }
}
