import Testing

@testable import Pipeline

@Suite("Scheduling a run")
struct RunSchedulerTests {
    private func id(_ text: String) -> StepID {
        let parts = text.split(separator: "/")
        return StepID(stage: String(parts[0]), step: String(parts[1]))
    }

    private func scheduler(_ stages: [(String, [String])], maxParallel: Int = 4) -> RunScheduler {
        RunScheduler(
            stages: stages.map { stage in
                (stage.0, stage.1.map { RunScheduler.Step(id: StepID(stage: stage.0, step: $0)) })
            },
            limits: .init(running: maxParallel)
        )
    }

    @Test("no step starts before its stage's whole set of images is there")
    func waitsForImages() {
        var run = scheduler([("a", ["x", "y"]), ("b", ["z"])])
        #expect(run.handle(.began) == [.beginStage(0)])
        #expect(run.handle(.imagesReady(stage: 1)) == [])
        #expect(run.handle(.imagesReady(stage: 0)) == [.start(id("a/x")), .start(id("a/y"))])
    }

    @Test("a stage begins only when every step of the one before has ended")
    func barrier() {
        var run = scheduler([("a", ["x", "y"]), ("b", ["z"])])
        _ = run.handle(.began)
        _ = run.handle(.imagesReady(stage: 0))
        _ = run.handle(.imagesReady(stage: 1))
        #expect(run.handle(.stepFinished(id("a/x"), .succeeded)) == [])
        #expect(
            run.handle(.stepFinished(id("a/y"), .succeeded)) == [.endStage(0), .beginStage(1), .start(id("b/z"))]
        )
        #expect(run.handle(.stepFinished(id("b/z"), .succeeded)) == [.endStage(1), .endRun])
    }

    @Test(
        "a stage begins when the commands of the one before have ended well, whose end is told when they have been looked at"
    )
    func passing() {
        var run = scheduler([("a", ["x", "y"]), ("b", ["z"]), ("c", ["w"])])
        _ = run.handle(.began)
        for stage in 0...2 { _ = run.handle(.imagesReady(stage: stage)) }
        #expect(run.handle(.stepPassed(id("a/x"))) == [])
        #expect(run.handle(.stepPassed(id("a/y"))) == [.beginStage(1), .start(id("b/z"))])
        #expect(run.handle(.stepPassed(id("b/z"))) == [.beginStage(2), .start(id("c/w"))])
        #expect(run.handle(.stepFinished(id("b/z"), .succeeded)) == [], "not before the stage ahead of it")
        #expect(run.handle(.stepFinished(id("a/x"), .succeeded)) == [])
        #expect(run.handle(.stepFinished(id("a/y"), .succeeded)) == [.endStage(0), .endStage(1)])
        #expect(run.handle(.stepFinished(id("c/w"), .succeeded)) == [.endStage(2), .endRun])
    }

    @Test("a command that passed and turns out to have failed ends the run, though the next stage has begun")
    func passedInVain() {
        var run = scheduler([("a", ["x"]), ("b", ["y", "z"]), ("c", ["w"])], maxParallel: 2)
        _ = run.handle(.began)
        for stage in 0...2 { _ = run.handle(.imagesReady(stage: stage)) }
        #expect(run.handle(.stepPassed(id("a/x"))) == [.beginStage(1), .start(id("b/y"))])
        let failed = "a/x could not be run"
        #expect(
            run.handle(.stepFinished(id("a/x"), .infrastructureError))
                == [.cancelPulls, .skip(id("b/z"), reason: failed), .endStage(0)]
        )
        #expect(run.handle(.stepPassed(id("b/y"))) == [], "how it ends is waited for now")
        #expect(
            run.handle(.stepFinished(id("b/y"), .succeeded))
                == [.endStage(1), .beginStage(2), .skip(id("c/w"), reason: failed), .endStage(2), .endRun]
        )
    }

    @Test("no more steps run at once than allowed, in the order of the file")
    func boundsParallelism() {
        var run = scheduler([("a", ["1", "2", "3", "4"])], maxParallel: 2)
        _ = run.handle(.began)
        #expect(run.handle(.imagesReady(stage: 0)) == [.start(id("a/1")), .start(id("a/2"))])
        #expect(run.handle(.stepFinished(id("a/2"), .succeeded)) == [.start(id("a/3"))])
        #expect(run.handle(.stepFinished(id("a/1"), .succeeded)) == [.start(id("a/4"))])
    }

    @Test("one failure lets the running steps finish and skips all that has not started")
    func failure() {
        var run = scheduler([("a", ["x", "y", "z"]), ("b", ["w"])], maxParallel: 2)
        _ = run.handle(.began)
        _ = run.handle(.imagesReady(stage: 0))
        _ = run.handle(.imagesReady(stage: 1))
        #expect(
            run.handle(.stepFinished(id("a/x"), .failed))
                == [.cancelPulls, .skip(id("a/z"), reason: "a/x failed")]
        )
        #expect(
            run.handle(.stepFinished(id("a/y"), .succeeded))
                == [.endStage(0), .beginStage(1), .skip(id("b/w"), reason: "a/x failed"), .endStage(1), .endRun]
        )
    }

    @Test("images that can't be had skip everything before anything starts")
    func noImages() {
        var run = scheduler([("a", ["x"]), ("b", ["y"])])
        _ = run.handle(.began)
        #expect(
            run.handle(.imagesFailed(reason: "no"))
                == [
                    .cancelPulls, .skip(id("a/x"), reason: "no"), .endStage(0), .beginStage(1),
                    .skip(id("b/y"), reason: "no"), .endStage(1), .endRun,
                ]
        )
    }

    @Test("a failed pull for a later stage lets the current stage's steps finish")
    func laterImagesFail() {
        var run = scheduler([("a", ["x"]), ("b", ["y"])])
        _ = run.handle(.began)
        _ = run.handle(.imagesReady(stage: 0))
        #expect(run.handle(.imagesFailed(reason: "gone")) == [.cancelPulls])
        #expect(
            run.handle(.stepFinished(id("a/x"), .succeeded))
                == [.endStage(0), .beginStage(1), .skip(id("b/y"), reason: "gone"), .endStage(1), .endRun]
        )
    }

    @Test("after an interruption nothing starts, and the run ends with the last running step")
    func interruption() {
        var run = scheduler([("a", ["x", "y"])], maxParallel: 1)
        _ = run.handle(.began)
        _ = run.handle(.imagesReady(stage: 0))
        let reason = "the run was interrupted (SIGINT)"
        #expect(run.handle(.interrupted(.interrupt)) == [.cancelPulls, .skip(id("a/y"), reason: reason)])
        #expect(run.handle(.interrupted(.interrupt)) == [])
        #expect(run.handle(.stepFinished(id("a/x"), .cancelled)) == [.endStage(0), .endRun])
        #expect(run.handle(.interrupted(.interrupt)) == [])
    }

    @Test("an interruption before the images are there ends the run")
    func earlyInterruption() {
        var run = scheduler([("a", ["x"])])
        _ = run.handle(.began)
        #expect(run.handle(.interrupted(.terminate)).last == .endRun)
    }

    @Test("a pipeline without steps ends at once")
    func empty() {
        var run = scheduler([])
        #expect(run.handle(.began) == [.endRun])
    }

    @Test("whatever the order of events, every step is started or skipped exactly once, and the run ends")
    func randomOrders() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let shape = (0..<Int.random(in: 1...4, using: &random)).map { stage in
                ("s\(stage)", (0..<Int.random(in: 1...5, using: &random)).map { "t\($0)" })
            }
            let limit = Int.random(in: 1...3, using: &random)
            var run = scheduler(shape, maxParallel: limit)
            var pending: [RunScheduler.Event] =
                shape.indices.map { .imagesReady(stage: $0) }.shuffled(using: &random)
            if Int.random(in: 0..<4, using: &random) == 0 { pending.append(.imagesFailed(reason: "x")) }
            if Int.random(in: 0..<4, using: &random) == 0 { pending.append(.interrupted(.interrupt)) }
            var running: Set<StepID> = []
            var seen: [StepID] = []
            var hasEnded = false
            func apply(_ actions: [RunScheduler.Action]) {
                for action in actions {
                    #expect(!hasEnded)
                    switch action {
                    case .start(let step):
                        running.insert(step)
                        seen.append(step)
                        #expect(running.count <= limit)
                    case .skip(let step, _): seen.append(step)
                    case .endRun: hasEnded = true
                    default: break
                    }
                }
            }
            apply(run.handle(.began))
            while !hasEnded {
                if let step = running.randomElement(using: &random), pending.isEmpty || Bool.random(using: &random) {
                    running.remove(step)
                    let status: StepStatus = Int.random(in: 0..<5, using: &random) == 0 ? .failed : .succeeded
                    apply(run.handle(.stepFinished(step, status)))
                } else if !pending.isEmpty {
                    apply(run.handle(pending.removeFirst()))
                } else {
                    Issue.record("the run hangs")
                    break
                }
            }
            #expect(running.isEmpty)
            #expect(seen.count == shape.reduce(0) { $0 + $1.1.count })
            #expect(Set(seen).count == seen.count)
        }
    }
}
