import OCIDistribution
import Testing

@testable import Pipeline

@Suite("The life of a step's container")
struct StepLifecycleTests {
    @Test("ends when the container has ended and its output has been read, in either order")
    func normalEnd() {
        var first = StepLifecycle()
        #expect(first.handle(.ended(.exited(code: 0))) == [.watchOutput])
        #expect(first.handle(.outputEnded) == [.finish])
        var second = StepLifecycle()
        #expect(second.handle(.outputEnded) == [])
        #expect(second.handle(.ended(.exited(code: 3))) == [.finish])
        #expect(second.end == .exited(code: 3))
    }

    @Test("a timeout stops the container once and stays the reason")
    func timeout() {
        var step = StepLifecycle()
        #expect(step.handle(.deadlinePassed) == [.stop])
        #expect(step.handle(.stopRequested) == [])
        #expect(step.handle(.ended(.exited(code: 143))) == [.watchOutput])
        #expect(step.handle(.outputEnded) == [.finish])
        #expect(step.endedBy == .timeout)
    }

    @Test("a second interruption kills")
    func kill() {
        var step = StepLifecycle()
        #expect(step.handle(.stopRequested) == [.stop])
        #expect(step.handle(.killRequested) == [.kill])
        #expect(step.endedBy == .interruption)
    }

    @Test("a kill during a timeout's grace keeps the timeout as the reason")
    func killAfterTimeout() {
        var step = StepLifecycle()
        _ = step.handle(.deadlinePassed)
        #expect(step.handle(.killRequested) == [.kill])
        #expect(step.endedBy == .timeout)
    }

    @Test("what comes after the exit changes nothing")
    func lateEvents() {
        var step = StepLifecycle()
        _ = step.handle(.ended(.exited(code: 0)))
        #expect(step.handle(.deadlinePassed) == [])
        #expect(step.handle(.stopRequested) == [])
        #expect(step.handle(.killRequested) == [])
        #expect(step.endedBy == nil)
    }

    @Test("a timeout or an interruption between the kernel's word and the engine's is not what ended the command")
    func afterTheCommand() {
        for event in [StepLifecycle.Event.deadlinePassed, .stopRequested, .killRequested] {
            var step = StepLifecycle()
            #expect(step.handle(.commandEnded) == [])
            #expect(step.handle(event) == (event == .killRequested ? [.kill] : []))
            #expect(step.endedBy == nil)
            var stopped = StepLifecycle()
            _ = stopped.handle(.deadlinePassed)
            _ = stopped.handle(.commandEnded)
            _ = stopped.handle(event)
            #expect(stopped.endedBy == .timeout, "what was asked to stop has ended for that")
        }
    }

    @Test("output that stalls is given up only after the container has ended")
    func stall() {
        var step = StepLifecycle()
        #expect(step.handle(.outputStalled) == [])
        _ = step.handle(.ended(.engineLost("gone")))
        #expect(step.handle(.outputStalled) == [.finish])
        #expect(step.handle(.outputEnded) == [])
        #expect(!step.isOutputComplete)
    }

    @Test(
        "of a lost engine nothing more is waited for where a kill was asked for, before or after; of an exit the output is"
    )
    func killAndLostEngine() {
        var killed = StepLifecycle()
        #expect(killed.handle(.killRequested) == [.kill])
        #expect(killed.handle(.ended(.engineLost("gone"))) == [.finish])
        var lost = StepLifecycle()
        #expect(lost.handle(.ended(.engineLost("gone"))) == [.watchOutput])
        #expect(lost.handle(.stopRequested) == [])
        #expect(lost.handle(.killRequested) == [.finish])
        for end in [ContainerEnd.exited(code: 137), .removed] {
            var ended = StepLifecycle()
            _ = ended.handle(.killRequested)
            #expect(ended.handle(.ended(end)) == [.watchOutput])
            #expect(ended.handle(.killRequested) == [])
        }
    }
}

@Suite("The verdict on a step")
struct StepVerdictTests {
    private func verdict(
        _ end: ContainerEnd,
        endedBy: StepLifecycle.EndedBy? = nil,
        oom: Bool = false
    ) throws -> StepVerdict {
        let step = StepDefinition(
            id: StepID(stage: "a", step: "x"),
            image: try .init(parsing: "alpine"),
            imageText: "alpine"
        )
        return StepVerdict(end: end, endedBy: endedBy, wasOOMKilled: oom, step: step)
    }

    @Test("an exit code other than 0 is a failure that names it")
    func failure() throws {
        let verdict = try verdict(.exited(code: 2))
        #expect(verdict.status == .failed)
        #expect(verdict.exitCode == 2)
        #expect(verdict.reason == "exited with 2")
    }

    @Test("out of memory needs a failure: a killed child of a successful command is a warning")
    func outOfMemory() throws {
        let killed = try verdict(.exited(code: 137), oom: true)
        #expect(killed.status == .oomKilled)
        #expect(killed.reason == "ran out of memory at its limit of 512 MiB; raise `memory`, to \"1gb\" at first")
        #expect(killed.reason?.contains("512 MiB") == true)
        let survived = try verdict(.exited(code: 0), oom: true)
        #expect(survived.status == .succeeded)
        #expect(survived.warning?.contains("512 MiB") == true)
        #expect(try verdict(.exited(code: 1), oom: true).status == .oomKilled)
        #expect(try verdict(.exited(code: 137)).status == .failed)
    }

    @Test("a lost engine and a removed container are never the step's failure")
    func infrastructure() throws {
        let lost = try verdict(.engineLost("the socket is gone"))
        #expect(lost.status == .infrastructureError)
        #expect(lost.exitCode == nil)
        #expect(lost.reason?.hasPrefix("engine lost") == true)
        #expect(try verdict(.removed).status == .infrastructureError)
    }

    @Test("a timeout and an interruption win over the exit code, even of 0")
    func endedByRoost() throws {
        #expect(try verdict(.exited(code: 0), endedBy: .timeout).status == .timedOut)
        #expect(try verdict(.exited(code: 137), endedBy: .timeout, oom: true).status == .timedOut)
        #expect(try verdict(.exited(code: 0), endedBy: .interruption).status == .cancelled)
    }
}

@Suite("A step's phases")
struct StepTimelineTests {
    @Test("phases follow one another and add up to the whole")
    func addsUp() {
        let start = ContinuousClock.now
        var timeline = StepTimeline(runStart: start, eligible: start + .seconds(1))
        timeline.end(.resolve, at: start + .seconds(2))
        timeline.end(.pull, at: start + .seconds(5))
        timeline.end(.wait, at: start + .seconds(5))
        timeline.end(.run, at: start + .seconds(9))
        #expect(timeline.offset == .seconds(1))
        #expect(timeline.phases == [.resolve: .seconds(1), .pull: .seconds(3), .wait: .zero, .run: .seconds(4)])
    }

    @Test("a phase that was over before the step was eligible takes no time")
    func overBefore() {
        let start = ContinuousClock.now
        var timeline = StepTimeline(runStart: start, eligible: start + .seconds(10))
        timeline.end(.resolve, at: start + .seconds(2))
        timeline.end(.pull, at: start + .seconds(12))
        #expect(timeline.phases == [.resolve: .zero, .pull: .seconds(2)])
    }

    @Test(
        "a run is as long as the engine says, since it begins before the start is answered; nothing is counted twice",
        arguments: [
            (nil, start: 5, run: 2), (.seconds(4), start: 3, run: 4), (.seconds(1), start: 5, run: 2),
            (.seconds(60), start: 0, run: 7),
        ] as [(Duration?, start: Int, run: Int)]
    )
    func runByTheEngine(_ ran: Duration?, start: Int, run: Int) {
        let begin = ContinuousClock.now
        var timeline = StepTimeline(runStart: begin, eligible: begin)
        timeline.end(.create, at: begin + .seconds(1))
        timeline.endRun(answered: begin + .seconds(6), endedAt: begin + .seconds(8), ran: ran)
        #expect(timeline.phases == [.create: .seconds(1), .start: .seconds(start), .run: .seconds(run)])
    }
}
