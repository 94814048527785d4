import Foundation
import Testing

@testable import Pipeline

@Suite("Which runs are kept")
struct RunRetentionTests {
    private let now = Date(timeIntervalSince1970: 1_769_847_330)

    private func run(hoursAgo hours: Double, _ random: UInt32 = 1) -> RunID {
        RunID(date: now.addingTimeInterval(-3600 * hours), random: random)
    }

    private func excess(_ retention: RunRetention, _ hours: [Double], goingOn: Set<Int> = []) -> [RunID] {
        let runs = hours.enumerated().map {
            RunEntry(id: run(hoursAgo: $1), state: goingOn.contains($0) ? .goingOn(nil) : .cutOff)
        }
        return retention.excess(of: runs, now: now)
    }

    @Test("what is beyond the number goes, the oldest first")
    func count() {
        #expect(excess(RunRetention(count: 2), [1, 2, 3, 4]) == [run(hoursAgo: 4), run(hoursAgo: 3)])
        #expect(excess(RunRetention(count: 4), [1, 2, 3, 4]) == [])
        #expect(excess(RunRetention(count: 0), [1]) == [run(hoursAgo: 1)])
    }

    @Test("what is older than the age goes, however few there are")
    func age() {
        #expect(excess(RunRetention(age: .seconds(7200)), [1, 2, 3]) == [run(hoursAgo: 3)])
        #expect(
            excess(RunRetention(count: 1, age: .seconds(7200)), [1, 1.5, 3]) == [
                run(hoursAgo: 3), run(hoursAgo: 1.5),
            ]
        )
        #expect(excess(RunRetention(), [1, 1000]) == [])
    }

    @Test("a run that goes on stays, whatever its place and age, and counts")
    func goingOn() {
        let retention = RunRetention(count: 1, age: .seconds(60))
        #expect(excess(retention, [5, 6], goingOn: [0, 1]) == [])
        #expect(excess(RunRetention(count: 1), [1, 2], goingOn: [0]) == [run(hoursAgo: 2)])
    }

    @Test("names of runs are read strictly: nothing else, and no path, is one")
    func names() throws {
        for _ in 0..<200 {
            let id = RunID(
                date: Date(timeIntervalSince1970: Double(Int.random(in: 0...4_000_000_000))),
                random: UInt32.random(in: 0...UInt32.max)
            )
            let read = try #require(RunID(parsing: id.description))
            #expect(read == id)
        }
        #expect(RunID(parsing: "20260131-081530-4f2a6c")?.startedAt == Date(timeIntervalSince1970: 1_769_847_330))
        for text in [
            "", ".", "..", "../20260131-081530-4f2a6c", "20260131-081530-4f2a6c/", "20260131-081530-4f2a6c\n",
            "20260131-081530-4F2A6C", "20260131-081530-4f2a6", "20260131-081530-4f2a6cc", "20260231-081530-4f2a6c",
            "20261301-081530-4f2a6c", "20260131-251530-4f2a6c", "20260131_081530-4f2a6c", "+0260131-081530-4f2a6c",
            "20260131-081530-..%2f.", "00000131-081530-4f2a6c", "２0260131-081530-4f2",
        ] {
            #expect(RunID(parsing: text) == nil, "\(text)")
        }
    }
}
