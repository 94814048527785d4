package import Foundation

extension RunID {
    /// Reads a run's name back, `YYYYMMDD-HHMMSS-` and six hexadecimal digits; anything else is none, so that no name leads
    /// out of the folder of the runs.
    package init?(parsing text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 22, bytes[8] == UInt8(ascii: "-"), bytes[15] == UInt8(ascii: "-"),
            (bytes[0..<8] + bytes[9..<15]).allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            bytes[16...].allSatisfy({ byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }),
            let random = UInt32(String(decoding: bytes[16...], as: UTF8.self), radix: 16),
            let date = Self.date(bytes)
        else { return nil }
        self.init(date: date, random: random)
        // A day such as the 31st of February is another when it is written again.
        guard description == text else { return nil }
    }

    /// When the run started, to the second.
    package var startedAt: Date { Self.date(Array(description.utf8)) ?? .distantPast }

    private static func date(_ bytes: [UInt8]) -> Date? {
        func number(_ range: Range<Int>) -> Int? { Int(String(decoding: bytes[range], as: UTF8.self)) }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8), let hour = number(9..<11),
            let minute = number(11..<13), let second = number(13..<15), year > 0
        else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(
            from: DateComponents(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        )
    }
}
