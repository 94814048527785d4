import Foundation
import NIOHTTP1
import Testing

@testable import OCIDistribution

@Suite("Rate limits")
struct RateLimitTests {
    @Test("Docker Hub's headers are read")
    func dockerHub() {
        let limit = RateLimit(headers: [
            "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600",
            "docker-ratelimit-source": "192.0.2.1",
        ])
        #expect(limit?.limit == 100)
        #expect(limit?.remaining == 76)
        #expect(limit?.window == .seconds(21_600))
        #expect(limit?.source == "192.0.2.1")
    }

    @Test("no limit and nonsense are no limit", arguments: ["", "x", "-1", "1e9", "99999999999999999999", ";w=1"])
    func nonsense(value: String) {
        #expect(RateLimit(headers: [:]) == nil)
        #expect(RateLimit(headers: ["ratelimit-limit": value]) == nil)
    }

    static let times: [(value: String, seconds: Int?)] = [
        ("0", 0), ("30", 30), ("86401", 86_400), ("99999999999999999999999", 86_400), ("-5", nil), ("", nil),
        ("soon", nil), ("1700000060", 60), ("Tue, 14 Nov 2023 22:15:20 GMT", 120),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 0), ("Thu, 29 Feb 2024 00:00:00 GMT", 86_400),
        ("Tue, 14 Xxx 2023 22:15:20 GMT", nil), ("Tue, 99 Nov 2023 22:15:20 GMT", nil),
    ]

    @Test("Retry-After is seconds or a date, and never more than a day", arguments: times)
    func retryAfter(row: (value: String, seconds: Int?)) {
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        #expect(RetryAfter.parse(["Retry-After": row.value], now: now) == row.seconds.map { .seconds($0) })
    }
}
