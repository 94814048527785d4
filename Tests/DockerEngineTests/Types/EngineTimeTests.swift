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

    @Test(
        "a container ran from its start to its end, where both are told",
        arguments: [
            ("2023-11-14T22:13:20.250000000Z", "2023-11-14T22:13:20.500000000Z", false, Duration.milliseconds(250)),
            ("2023-11-14T22:13:20.250000000Z", "2023-11-14T22:13:20.500000000Z", true, nil),
            ("2023-11-14T22:13:20Z", "2023-11-14T22:13:19Z", false, nil),
            ("0001-01-01T00:00:00Z", "2023-11-14T22:13:19Z", false, nil),
            ("2023-11-14T22:13:20Z", "0001-01-01T00:00:00Z", false, nil),
            ("soon", "2023-11-14T22:13:19Z", false, nil),
        ] as [(String, String, Bool, Duration?)]
    )
    func ran(start: String, end: String, isRunning: Bool, expected: Duration?) throws {
        let text = """
            {"Status": "x", "Running": \(isRunning), "ExitCode": 0, "OOMKilled": false,
            "StartedAt": "\(start)", "FinishedAt": "\(end)"}
            """
        let state = try JSONDecoder().decode(ContainerInspection.State.self, from: Data(text.utf8))
        #expect(state.ran == expected)
    }
}
