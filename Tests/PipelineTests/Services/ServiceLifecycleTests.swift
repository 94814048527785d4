import RoostCore
import Testing

@testable import Pipeline

@Suite("The life of a service")
struct ServiceLifecycleTests {
    @Test("it is ready once, and is stopped with its grace when its steps are over")
    func wholeLife() {
        var service = ServiceLifecycle()
        #expect(service.handle(.becameReady) == [.tellReady])
        #expect(service.handle(.becameReady) == [])
        #expect(service.handle(.stopRequested) == [.stop, .watchEnd])
        #expect(service.handle(.killRequested) == [.kill])
        #expect(service.handle(.ended(.exited(code: 143))) == [.watchOutput])
        #expect(service.handle(.outputEnded) == [.finish])
        #expect(service.wasReady && service.endedBy == .stepsEnded)
    }

    @Test("one that is never ready is killed, and that stays the reason")
    func neverReady() {
        var service = ServiceLifecycle()
        #expect(service.handle(.neverReady("late")) == [.kill, .watchEnd])
        #expect(service.handle(.becameReady) == [])
        #expect(service.handle(.stopRequested) == [])
        #expect(service.handle(.outputEnded) == [])
        #expect(service.handle(.ended(.exited(code: 137))) == [.finish])
        #expect(service.endedBy == .neverReady("late") && !service.wasReady)
    }

    @Test("an end that is never told is given up, and is the engine's fault")
    func overdue() {
        var service = ServiceLifecycle()
        _ = service.handle(.stopRequested)
        #expect(service.handle(.endOverdue) == [.finish])
        #expect(service.end == .engineLost("its end was never reported"))
    }

    @Test("in any order of events it finishes once, does nothing afterwards, and is ready at most once")
    func anyOrder() {
        let events: [ServiceLifecycle.Event] = [
            .becameReady, .neverReady("x"), .stopRequested, .killRequested, .ended(.exited(code: 0)), .ended(.removed),
            .endOverdue, .outputEnded, .outputStalled,
        ]
        func explore(_ service: ServiceLifecycle, _ actions: [ServiceLifecycle.Action], _ depth: Int) {
            #expect(actions.count { $0 == .finish } <= 1)
            #expect(actions.count { $0 == .tellReady } <= 1)
            #expect(actions.count { $0 == .watchEnd } <= 1)
            #expect(actions.count { $0 == .stop } <= 1)
            if let end = actions.firstIndex(of: .finish) {
                #expect(end == actions.count - 1)
                #expect(service.end != nil)
            }
            guard depth > 0 else { return }
            for event in events {
                var next = service
                let more = next.handle(event)
                explore(next, actions + more, depth - 1)
            }
        }
        explore(ServiceLifecycle(), [], 5)
    }

    // MARK: What it comes to

    private func service() throws -> ServiceDefinition {
        let (definition, _) = parsePipeline(
            """
            stages_order = ["s"]
            [stages.s.services.db]
            image = "x"
            memory = "16mb"
            [stages.s.steps.x]
            image = "x"
            """
        )
        return try #require(definition?.stages[0].services.first)
    }

    @Test(
        "the verdict names what happened, and before or after it was ready",
        arguments: [
            ([.becameReady, .stopRequested, .ended(.exited(code: 143))], false, StepStatus.succeeded, nil),
            ([.stopRequested, .ended(.exited(code: 143))], false, .cancelled, "was stopped before it was ready"),
            ([.ended(.exited(code: 3))], false, .failed, "exited with code 3 before it was ready"),
            ([.ended(.exited(code: 0))], false, .failed, "exited with code 0 before it was ready"),
            ([.becameReady, .ended(.exited(code: 1))], false, .failed, "exited with code 1 after it was ready"),
            (
                [.becameReady, .ended(.exited(code: 137))], true, .oomKilled,
                "ran out of memory at its limit of 16 MiB after it was ready; raise `memory`, to \"32mb\" at first"
            ),
            ([.neverReady("was late"), .ended(.exited(code: 137))], false, .timedOut, "was late"),
            ([.becameReady, .ended(.engineLost("gone"))], false, .infrastructureError, "was lost: gone"),
        ] as [([ServiceLifecycle.Event], Bool, StepStatus, String?)]
    )
    func verdict(_ events: [ServiceLifecycle.Event], _ wasOOMKilled: Bool, _ status: StepStatus, _ reason: String?)
        throws
    {
        var lifecycle = ServiceLifecycle()
        for event in events { _ = lifecycle.handle(event) }
        let verdict = ServiceVerdict(lifecycle, end: lifecycle.end, wasOOMKilled: wasOOMKilled, service: try service())
        #expect(verdict.status == status && verdict.reason == reason)
    }

    @Test("a group is ready when all are; the first that can't be used is told, once, and not what Roost stopped")
    func group() {
        func report(_ status: StepStatus) -> ServiceReport {
            var report = ServiceReport(id: ServiceID(stage: "s", service: "db"), image: "x", status: status)
            report.reason = "fell"
            return report
        }
        var all = ServiceGroupBook(count: 2)
        let first = all.noteReady(), second = all.noteReady()
        #expect(!first && second)
        let later = [all.note(report(.failed), at: 1), all.note(report(.succeeded), at: 0)]
        #expect(later == [nil, nil], "steps run already")
        #expect(all.isComplete && all.reports.map(\.status) == [.succeeded, .failed])
        var one = ServiceGroupBook(count: 2)
        _ = one.noteReady()
        let problem = one.note(report(.failed), at: 0)
        #expect(problem == "service db of stage s fell")
        let isReady = one.noteReady(), more = one.note(report(.timedOut), at: 1)
        #expect(!isReady && more == nil, "the other comes too late")
        var stopped = ServiceGroupBook(count: 1)
        let none = stopped.note(report(.cancelled), at: 0)
        #expect(none == nil)
    }
}
