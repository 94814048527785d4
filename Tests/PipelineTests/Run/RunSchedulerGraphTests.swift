import Testing

@testable import Pipeline

@Suite("Scheduling by needs")
struct RunSchedulerGraphTests {
    private func id(_ step: String) -> StepID { StepID(stage: "s", step: step) }

    private func step(
        _ name: String,
        needs: [String] = [],
        alone: Bool = false,
        always: Bool = false
    ) -> RunScheduler.Step {
        RunScheduler.Step(
            id: id(name),
            schedule: StepSchedule(needs: needs.map(id), runsAlone: alone, isAlways: always)
        )
    }

    private func begun(_ steps: [RunScheduler.Step], maxParallel: Int = 4) -> (RunScheduler, [RunScheduler.Action]) {
        var run = RunScheduler(stages: [("s", steps)], limits: .init(running: maxParallel))
        _ = run.handle(.began)
        let actions = run.handle(.imagesReady(stage: 0))
        return (run, actions)
    }

    @Test("a step starts the moment its own needs have succeeded, whatever else goes on")
    func eager() {
        var (run, first) = begun([step("a"), step("b"), step("c", needs: ["b"])])
        #expect(first == [.start(id("a")), .start(id("b"))])
        #expect(run.handle(.stepPassed(id("b"))) == [.start(id("c"))])
        #expect(run.handle(.stepFinished(id("b"), .succeeded)) == [])
    }

    @Test("a step that is still being cleaned up keeps its place")
    func place() {
        var (run, first) = begun([step("a"), step("b"), step("c", needs: ["a"])], maxParallel: 2)
        #expect(first == [.start(id("a")), .start(id("b"))])
        #expect(run.handle(.stepPassed(id("a"))) == [])
        #expect(run.handle(.stepFinished(id("a"), .succeeded)) == [.start(id("c"))])
    }

    @Test("a step whose need failed is skipped and says which, and so is what needs that")
    func failedNeed() {
        let steps = [step("a"), step("b", needs: ["a"]), step("c", needs: ["b"]), step("d")]
        var (run, _) = begun(steps, maxParallel: 1)
        let actions = run.handle(.stepFinished(id("a"), .oomKilled))
        #expect(
            actions == [
                .cancelPulls, .skip(id("b"), reason: "it needs s/a, which ran out of memory"),
                .skip(id("c"), reason: "it needs s/b, which was skipped"),
                .skip(id("d"), reason: "s/a ran out of memory"), .endStage(0), .endRun,
            ]
        )
    }

    @Test("a verdict that contradicts a good end still fails the run")
    func contradiction() {
        var (run, _) = begun([step("a"), step("b", needs: ["a"]), step("c", needs: ["b"])])
        #expect(run.handle(.stepPassed(id("a"))) == [.start(id("b"))])
        #expect(
            run.handle(.stepFinished(id("a"), .infrastructureError))
                == [.cancelPulls, .skip(id("c"), reason: "s/a could not be run")]
        )
    }

    @Test("a step that runs alone waits for the others, keeps its turn, and lets nobody beside it")
    func alone() {
        var (run, first) = begun([step("a"), step("b", alone: true), step("c")])
        #expect(first == [.start(id("a"))])
        #expect(run.handle(.stepFinished(id("a"), .succeeded)) == [.start(id("b"))])
        #expect(run.handle(.stepFinished(id("b"), .succeeded)) == [.start(id("c"))])
    }

    @Test("a step that would run alone but still waits for its needs holds nobody up")
    func aloneNotReady() {
        let (_, first) = begun([step("a"), step("b", needs: ["a"], alone: true), step("c")])
        #expect(first == [.start(id("a")), .start(id("c"))])
    }

    @Test("a step that always runs is run after a failure, once what it needs has ended")
    func alwaysAfterFailure() {
        var (run, _) = begun([step("a"), step("b", needs: ["a"]), step("clean", needs: ["a", "b"], always: true)])
        #expect(
            run.handle(.stepFinished(id("a"), .failed)) == [
                .cancelPulls, .skip(id("b"), reason: "it needs s/a, which failed"), .start(id("clean")),
            ]
        )
        #expect(run.handle(.stepFinished(id("clean"), .failed)) == [.endStage(0), .endRun])
    }

    @Test("a step that always runs is run after an interruption and after lost images, also in a later stage")
    func alwaysInLaterStage() {
        let clean = RunScheduler.Step(
            id: StepID(stage: "t", step: "clean"),
            schedule: StepSchedule(isAlways: true)
        )
        for event in [RunScheduler.Event.interrupted(.interrupt), .imagesFailed(reason: "gone")] {
            var run = RunScheduler(stages: [("s", [step("a"), step("b")]), ("t", [clean])], limits: .init(running: 1))
            _ = run.handle(.began)
            _ = run.handle(.imagesReady(stage: 0))
            #expect(run.handle(event).first == .cancelPulls)
            #expect(
                run.handle(.stepFinished(id("a"), .cancelled)) == [.endStage(0), .beginStage(1), .start(clean.id)],
                "without waiting for the stage's images"
            )
            #expect(run.handle(.stepFinished(clean.id, .succeeded)) == [.endStage(1), .endRun])
        }
    }

    @Test("nothing runs where images are found missing before anything began, nor after a second interruption")
    func complete() {
        var run = RunScheduler(stages: [("s", [step("clean", always: true)])], limits: .init(running: 1))
        _ = run.handle(.began)
        #expect(
            run.handle(.imagesFailed(reason: "no", beforeAnything: true))
                == [.cancelPulls, .skip(id("clean"), reason: "no"), .endStage(0), .endRun]
        )
        var (other, _) = begun([step("a"), step("clean", needs: ["a"], always: true)])
        #expect(other.handle(.interrupted(.interrupt)) == [.cancelPulls])
        #expect(
            other.handle(.killed(.interrupt))
                == [.skip(id("clean"), reason: "the run was interrupted (SIGINT)")]
        )
        #expect(other.handle(.stepFinished(id("a"), .cancelled)) == [.endStage(0), .endRun])
    }

    @Test("a need that is no step of the stage holds nothing up")
    func unknownNeed() {
        let (_, first) = begun([step("a", needs: ["left-out"])])
        #expect(first == [.start(id("a"))])
    }

    @Test("whatever the graph and the order of events, needs are kept, every step has one end, and the run ends")
    func randomGraphs() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1000 {
            let count = Int.random(in: 1...8, using: &random)
            let steps = (0..<count).map { index in
                let needs = (0..<index).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }.map(String.init)
                let alone = Int.random(in: 0..<5, using: &random) == 0
                let always = Int.random(in: 0..<5, using: &random) == 0
                var made = step(String(index), needs: needs, alone: alone, always: always)
                made.isParkable = Bool.random(using: &random)
                return made
            }
            let limit = Int.random(in: 1...3, using: &random)
            let limits = RunScheduler.Limits(
                running: limit,
                settling: Int.random(in: 0...2, using: &random),
                parked: Int.random(in: 0...4, using: &random)
            )
            var run = RunScheduler(stages: [("s", steps.shuffled(using: &random))], limits: limits)
            var parked: Set<StepID> = []
            var running: Set<StepID> = []
            var passed: Set<StepID> = []
            var ended: [StepID: StepStatus] = [:]
            var isHalted = false
            var isOver = false
            func apply(_ actions: [RunScheduler.Action]) {
                for action in actions {
                    switch action {
                    case .start(let id):
                        let step = steps.first { $0.id == id }
                        let needs = step?.schedule.needs ?? []
                        #expect(ended[id] == nil && !running.contains(id) && !passed.contains(id))
                        #expect(
                            needs.allSatisfy {
                                passed.contains($0) || ended[$0] == .succeeded
                                    || step?.schedule.isAlways == true && ended[$0] != nil
                            }
                        )
                        #expect(!isHalted || step?.schedule.isAlways == true)
                        running.insert(id)
                        parked.remove(id)
                        #expect(running.count <= limit)
                        #expect(running.count + passed.count <= limit + limits.settling)
                        let alone = running.contains { id in steps.first { $0.id == id }?.schedule.runsAlone == true }
                        #expect(!alone || running.count == 1)
                    case .park(let id):
                        #expect(!isHalted && ended[id] == nil && !running.contains(id) && !passed.contains(id))
                        #expect(steps.first { $0.id == id }?.isParkable == true)
                        #expect(parked.insert(id).inserted)
                        #expect(parked.count <= limits.parked)
                    case .discard(let id): #expect(parked.remove(id) != nil)
                    case .skip(let id, _):
                        #expect(ended[id] == nil)
                        #expect(!parked.contains(id), "it was discarded before")
                        ended[id] = .skipped
                    case .cancelPulls: isHalted = true
                    case .endRun: isOver = true
                    default: break
                    }
                }
            }
            apply(run.handle(.began))
            apply(run.handle(.imagesReady(stage: 0)))
            while !isOver {
                if Int.random(in: 0..<20, using: &random) == 0 { apply(run.handle(.interrupted(.interrupt))) }
                if let id = running.union(passed).randomElement(using: &random) {
                    if running.contains(id), Bool.random(using: &random) {
                        running.remove(id)
                        passed.insert(id)
                        apply(run.handle(.stepPassed(id)))
                    } else {
                        let status: StepStatus = Int.random(in: 0..<4, using: &random) == 0 ? .failed : .succeeded
                        running.remove(id)
                        passed.remove(id)
                        ended[id] = status
                        apply(run.handle(.stepFinished(id, status)))
                    }
                } else {
                    Issue.record("the run hangs")
                    break
                }
            }
            #expect(ended.count == count)
            #expect(parked.isEmpty)
        }
    }
}
