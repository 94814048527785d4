import Pipeline
import Testing

@Suite("Steps for which there are descriptors")
struct StepCapacityTests {
    private func capacity(_ limit: Int, open: Int = 4, processors: Int = 2, pulls: Int = 4) -> StepCapacity {
        StepCapacity(limit: limit, open: open, processors: processors, concurrentPulls: pulls)
    }

    private func plan(_ steps: Int, maxParallel: Int) throws -> PipelinePlan {
        let text =
            "stages_order = ['s']\n[pipeline]\nmax_parallel = \(maxParallel)\n"
            + (0..<steps).map { "[stages.s.steps.x\($0)]\nimage = 'a'\ncommand = 'true'\n" }.joined()
        let (definition, _) = parsePipeline(text)
        return PipelinePlan(try #require(definition), defaultMaxParallel: 1)
    }

    @Test("each step has eight descriptors, after what the run, its pulls and its event loops take")
    func steps() {
        // 4 open, 16 for the run, 3 for each of 2 event loops, 2 for each of 4 pulls.
        #expect(capacity(34 + 8 * 40).steps == 40)
        #expect(capacity(34 + 8 * 40 - 1).steps == 39)
        #expect(capacity(34 + 8 * 40, open: 5).steps == 39)
        #expect(capacity(34 + 8 * 40, processors: 5).steps == 38)
        #expect(capacity(34 + 8 * 40, pulls: 9).steps == 38)
    }

    @Test("what those that run leave is for those that have ended and those that come next")
    func limits() throws {
        let four = try plan(40, maxParallel: 4)
        #expect(capacity(34 + 8 * 3).limits(for: four) == .init(running: 3, settling: 0, parked: 0))
        #expect(capacity(34 + 8 * 4 + 2).limits(for: four) == .init(running: 4, settling: 0, parked: 0))
        #expect(capacity(34 + 8 * 4 + 20).limits(for: four) == .init(running: 4, settling: 1, parked: 4))
        #expect(capacity(4096).limits(for: four) == .init(running: 4, settling: 4, parked: 8))
    }

    @Test("one step runs whatever the limit is", arguments: [0, 1, 34, 41, 42, 49])
    func atLeastOne(limit: Int) {
        #expect(capacity(limit).steps == 1)
    }

    @Test("a plan is warned of where it would run more steps at once, by its number and by its steps")
    func warning() throws {
        let five = capacity(34 + 8 * 6, open: 4)
        #expect(five.steps == 6)
        #expect(five.warning(for: try plan(40, maxParallel: 6)) == nil)
        #expect(five.warning(for: try plan(6, maxParallel: 40)) == nil)
        let warning = try #require(five.warning(for: try plan(40, maxParallel: 7)))
        #expect(warning.hasPrefix("at most 6 steps run at once instead of 7: this process may have only 82 files"))
        let some = try #require(five.warning(for: try plan(9, maxParallel: 40)))
        #expect(some.contains("6 steps run at once instead of 9"))
        let one = try #require(capacity(20).warning(for: try plan(2, maxParallel: 2)))
        #expect(one.hasPrefix("at most 1 step runs at once instead of 2"))
    }
}
