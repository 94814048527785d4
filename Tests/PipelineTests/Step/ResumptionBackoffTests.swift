import Testing

@testable import Pipeline

@Suite("Taking up a stream of events again")
struct ResumptionBackoffTests {
    @Test("a stream that is cut each time is asked for ever more seldom, one that has lasted at once")
    func pauses() {
        var backoff = ResumptionBackoff()
        let pauses = (0..<10).map { _ in backoff.pause(afterLasting: .milliseconds(3)) }
        #expect(pauses.first == ResumptionBackoff.shortest)
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $1 == min($0 * 2, ResumptionBackoff.longest) })
        #expect(pauses.last == ResumptionBackoff.longest)
        #expect(backoff.pause(afterLasting: .seconds(60)) == ResumptionBackoff.shortest)
    }
}
