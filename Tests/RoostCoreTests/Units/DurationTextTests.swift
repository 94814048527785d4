import RoostCore
import Testing

@Suite("Durations")
struct DurationTextTests {
    @Test(
        "durations are read in all the usual forms",
        arguments: [
            ("90", 90_000), ("0", 0), ("1.5", 1500), ("90s", 90_000), ("10m", 600_000), ("10min", 600_000),
            ("1h", 3_600_000),
            ("1h30m", 5_400_000), ("1h 30m", 5_400_000), (" 1 h 30 m ", 5_400_000), ("250ms", 250), ("1D", 86_400_000),
            ("1.5h", 5_400_000), ("0.4ms", 0), ("2 sec", 2000),
        ]
    )
    func reads(text: String, milliseconds: Int64) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(
        "what is no duration, or is longer than a century, is refused",
        arguments: [
            "", " ", "s", "-1s", "1h30", "30 1h", "1 0s", "1x", "1hh", "1e3s", "nan", "inf", "infs", "1..5s", "1m\n",
            "1µs",
            "36501d", "1\u{301}s", "１s", "1\u{0}s", String(repeating: "9", count: 90) + "h",
            String(repeating: "1s", count: 100_000),
        ]
    )
    func refuses(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        "durations are shown as long as they are useful",
        arguments: [
            (Duration.zero, "0 ms"), (.milliseconds(3), "3 ms"), (.milliseconds(1299), "1.2 s"),
            (.milliseconds(59_999), "59.9 s"), (.seconds(125), "2m05s"), (.seconds(3600 + 120), "1h02m"),
            (.seconds(90_061), "25h01m"),
        ]
    )
    func formats(duration: Duration, text: String) {
        #expect(DurationText.format(duration) == text)
    }

    @Test(
        "the written form reads back as the same duration",
        arguments: [
            (Duration.zero, "0s"), (.seconds(3600), "1h"), (.seconds(90), "1m30s"), (.milliseconds(250), "250ms"),
            (.milliseconds(3_661_001), "1h1m1s1ms"),
        ]
    )
    func writes(duration: Duration, text: String) {
        #expect(DurationText.written(duration) == text)
        #expect(DurationText.parse(text) == duration)
    }

    @Test("milliseconds that do not fit stay at the end of the range")
    func saturates() {
        #expect(Duration.seconds(Int64.max).wholeMilliseconds == .max)
        #expect(Duration.seconds(Int64.min + 1).wholeMilliseconds == .min)
        #expect(Duration.microseconds(1999).wholeMilliseconds == 1)
    }
}
