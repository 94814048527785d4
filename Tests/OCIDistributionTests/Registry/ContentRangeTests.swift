import RoostTesting
import Testing

@testable import OCIDistribution

@Suite("What part of a body a server says it sends")
struct ContentRangeTests {
    static let readable: [(String, Range<Int64>, Int64?)] = [
        ("bytes 0-0/1", 0..<1, 1), ("bytes 5-9/10", 5..<10, 10), ("Bytes 5-9/*", 5..<10, nil),
        ("bytes 0-9223372036854775805/9223372036854775806", 0..<9_223_372_036_854_775_806, 9_223_372_036_854_775_806),
    ]

    @Test("a range and the size of the whole are read", arguments: readable)
    func reads(row: (String, Range<Int64>, Int64?)) {
        let range = ContentRange(parsing: row.0)
        #expect(range?.range == row.1 && range?.total == row.2)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "bytes", "bytes */10", "bytes 5-4/10", "bytes 5-10/10", "bytes 5-9", "bytes 5-9/", "bytes -5-9/10",
            "bytes +5-9/10", "items 5-9/10", "bytes 5-9/10/11", "bytes  5-9/10", "bytes 5-9/10 ", "bytes 5-9/1x",
            "bytes 0-9223372036854775807/*", "bytes 0-99999999999999999999/*", "bytes ٥-٩/10", "bytes=5-9/10",
        ]
    )
    func refuses(text: String) {
        #expect(ContentRange(parsing: text) == nil)
    }

    @Test("whatever a server sends, what is read of it lies within the whole")
    func fuzz() async throws {
        try await Fuzzing.run(rounds: 20_000) { generator in
            let text = Mutation.mutateText("bytes 100-4095/65536", with: &generator)
            guard let read = ContentRange(parsing: text) else { return }
            try Mutation.require(!read.range.isEmpty && read.range.lowerBound >= 0, "\(text): \(read)")
            try Mutation.require(read.total.map { read.range.upperBound <= $0 } ?? true, "\(text): \(read)")
        }
    }
}
