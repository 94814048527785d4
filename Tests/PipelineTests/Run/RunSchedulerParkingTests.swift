import Testing

@testable import Pipeline

@Suite("Parking steps ahead of their turn")
struct RunSchedulerParkingTests {
    private func id(_ step: String, _ stage: String = "s") -> StepID { StepID(stage: stage, step: step) }

    private func step(
        _ name: String,
        needs: [String] = [],
        stage: String = "s",
        always: Bool = false,
        parkable: Bool = true
    ) -> RunScheduler.Step {
        let schedule = StepSchedule(needs: needs.map { id($0, stage) }, isAlways: always)
        return RunScheduler.Step(id: id(name, stage), schedule: schedule, isParkable: parkable)
    }

    private func begun(
        _ stages: [(String, [RunScheduler.Step])],
        _ limits: RunScheduler.Limits
    ) -> (RunScheduler, [RunScheduler.Action]) {
        var run = RunScheduler(stages: stages, limits: limits)
        #expect(run.handle(.began) == [.beginStage(0)], "nothing is parked before its images are there")
        let first = run.handle(.imagesReady(stage: 0))
        return (run, first)
    }

    @Test("along a chain of needs, as far ahead as allowed; each start makes room for one more")
    func chain() {
        let steps = [step("d", needs: ["c"]), step("a"), step("b", needs: ["a"]), step("c", needs: ["b"])]
        var (run, first) = begun([("s", steps)], .init(running: 1, settling: 1, parked: 2))
        #expect(first == [.start(id("a")), .park(id("b")), .park(id("c"))])
        #expect(run.handle(.stepPassed(id("a"))) == [.start(id("b")), .park(id("d"))])
        #expect(run.handle(.stepPassed(id("b"))) == [], "two commands that have ended are still looked after")
        #expect(run.handle(.stepFinished(id("a"), .succeeded)) == [.start(id("c"))])
    }

    @Test("of steps that wait for a place, the next ones; one that can't be parked is passed over")
    func wide() {
        let steps = [step("a"), step("b"), step("c", parkable: false), step("d")]
        let (_, first) = begun([("s", steps)], .init(running: 1, parked: 8))
        #expect(first == [.start(id("a")), .park(id("b")), .park(id("d"))])
    }

    @Test("on into the stages that follow, where their images are there")
    func stages() {
        let stages = [
            ("s", [step("a")]), ("t", [step("b", stage: "t"), step("c", needs: ["b"], stage: "t")]),
            ("u", [step("d", stage: "u")]),
        ]
        var (run, first) = begun(stages, .init(running: 2, parked: 4))
        #expect(first == [.start(id("a"))])
        #expect(run.handle(.imagesReady(stage: 2)) == [], "not before those of the stage between")
        #expect(
            run.handle(.imagesReady(stage: 1))
                == [.park(id("b", "t")), .park(id("c", "t")), .park(id("d", "u"))]
        )
        #expect(
            run.handle(.stepFinished(id("a"), .succeeded)) == [.endStage(0), .beginStage(1), .start(id("b", "t"))]
        )
    }

    @Test(
        "after a failure what is parked and won't run is discarded, nothing more is parked, and what always runs stays"
    )
    func failure() {
        let steps = [step("a"), step("b", needs: ["a"]), step("clean", always: true), step("c", needs: ["b"])]
        var (run, first) = begun([("s", steps)], .init(running: 1, parked: 2))
        #expect(first == [.start(id("a")), .park(id("b")), .park(id("clean"))])
        #expect(
            run.handle(.stepFinished(id("a"), .failed)) == [
                .cancelPulls, .discard(id("b")), .skip(id("b"), reason: "it needs s/a, which failed"),
                .skip(id("c"), reason: "it needs s/b, which was skipped"), .start(id("clean")),
            ]
        )
    }

    @Test(
        "what is parked for later stages goes as soon as it won't run; what always runs there stays, unless all is over"
    )
    func failureBeforeLaterStages() {
        let stages = [
            ("s", [step("a"), step("b")]),
            ("t", [step("c", stage: "t"), step("clean", stage: "t", always: true)]),
        ]
        func halted(by event: RunScheduler.Event) -> [RunScheduler.Action] {
            var (run, first) = begun(stages, .init(running: 2, parked: 4))
            #expect(first == [.start(id("a")), .start(id("b"))])
            #expect(run.handle(.imagesReady(stage: 1)) == [.park(id("c", "t")), .park(id("clean", "t"))])
            return run.handle(event)
        }
        #expect(halted(by: .stepFinished(id("a"), .failed)) == [.cancelPulls, .discard(id("c", "t"))])
        #expect(halted(by: .interrupted(.interrupt)) == [.cancelPulls, .discard(id("c", "t"))])
        #expect(
            halted(by: .killed(.interrupt)) == [.cancelPulls, .discard(id("c", "t")), .discard(id("clean", "t"))]
        )
    }
}
