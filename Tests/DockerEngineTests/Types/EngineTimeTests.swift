import DockerEngine
import Foundation
import Testing

@Suite("An engine's times")
struct EngineTimeTests {
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
        #expect(EngineTime.parse(text)?.timeIntervalSince1970 == expected)
    }
}
