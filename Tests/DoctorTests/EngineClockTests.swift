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
}
