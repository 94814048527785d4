import Foundation
import Testing

@testable import Doctor

@Suite("The engine's clock")
struct EngineClockTests {
    private let noon = Date(timeIntervalSince1970: 1_700_000_000)

    @Test(
        "a time between request and answer is no difference, one outside of it is",
        arguments: [
            (1_700_000_000.5, Duration.zero),
            (1_700_000_001.5, .milliseconds(500)),
            (1_699_999_970.0, .seconds(-30)),
        ]
    )
    func offset(time: Double, expected: Duration) throws {
        let text = Date(timeIntervalSince1970: time).formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        )
        let offset = try #require(
            EngineClock.offset(of: text, between: noon, and: noon.addingTimeInterval(1))
        )
        #expect(abs((offset - expected).components.attoseconds) < 5_000_000_000_000_000)
        #expect((offset - expected).components.seconds == 0)
    }

    @Test(
        "nine decimals and a zone are read, and what is no time is none",
        arguments: [
            ("2023-11-14T22:13:20.250000000Z", 1_700_000_000.25),
            ("2023-11-14T23:13:20.5+01:00", 1_700_000_000.5),
            ("2023-11-14T22:13:20Z", 1_700_000_000),
            ("2023-11-14T22:13:20.Z", nil),
            ("yesterday", nil),
            ("", nil),
            (String(repeating: "9", count: 4000), nil),
        ] as [(String, Double?)]
    )
    func parse(text: String, expected: Double?) {
        #expect(EngineClock.parse(text)?.timeIntervalSince1970 == expected)
    }
}
