import RoostCore
import Synchronization
import Testing

@testable import Pipeline

@Suite("Scheduling steps beside services")
struct ServiceSchedulingTests {
    private func id(_ text: String) -> StepID {
        let parts = text.split(separator: "/")
        return StepID(stage: String(parts[0]), step: String(parts[1]))
    }

    private func scheduler(_ stages: [(String, [String])], services: [Range<Int>]) -> RunScheduler {
        RunScheduler(
            stages: stages.map { stage in
                let steps = stage.1.map {
                    RunScheduler.Step(
                        id: StepID(stage: stage.0, step: $0),
                        schedule: StepSchedule(isAlways: $0 == "cleanup")
                    )
                }
                return (stage.0, steps)
            },
            services: services,
            limits: .init(running: 4)
        )
    }

    @Test("services start with their stage's images, steps when they are ready, and the stage ends when they have")
    func oneStage() {
        var run = scheduler([("a", ["x"]), ("b", ["y"])], services: [1..<2])
        _ = run.handle(.began)
        #expect(run.handle(.imagesReady(stage: 1)) == [], "not before their stage")
        #expect(run.handle(.imagesReady(stage: 0)) == [.start(id("a/x"))])
        #expect(
            run.handle(.stepFinished(id("a/x"), .succeeded)) == [.endStage(0), .beginStage(1), .startServices(0)]
        )
        #expect(run.handle(.servicesReady(0)) == [.start(id("b/y"))])
        #expect(run.handle(.stepFinished(id("b/y"), .succeeded)) == [.stopServices(0)])
        #expect(run.handle(.servicesEnded(0)) == [.endStage(1), .endRun])
    }

    @Test("services beside all stages start with the first and end with the last")
    func allStages() {
        var run = scheduler([("1", ["x"]), ("2", ["y"])], services: [0..<2])
        _ = run.handle(.began)
        _ = run.handle(.imagesReady(stage: 1))
        #expect(run.handle(.imagesReady(stage: 0)) == [.startServices(0)])
        #expect(run.handle(.servicesReady(0)) == [.start(id("1/x"))])
        #expect(run.handle(.stepFinished(id("1/x"), .succeeded)) == [.endStage(0), .beginStage(1), .start(id("2/y"))])
        #expect(run.handle(.stepFinished(id("2/y"), .succeeded)) == [.stopServices(0)])
        #expect(run.handle(.servicesEnded(0)) == [.endStage(1), .endRun])
    }

    @Test("a service that can't be used skips the steps with that reason, but for those that always run")
    func failed() {
        var run = scheduler([("a", ["x", "cleanup"]), ("b", ["y"])], services: [0..<1])
        _ = run.handle(.began)
        _ = run.handle(.imagesReady(stage: 0))
        #expect(
            run.handle(.servicesFailed(0, reason: "db fell")) == [
                .cancelPulls, .skip(id("a/x"), reason: "db fell"), .start(id("a/cleanup")),
            ]
        )
        #expect(run.handle(.servicesReady(0)) == [])
        #expect(run.handle(.stepFinished(id("a/cleanup"), .succeeded)) == [.stopServices(0)])
        #expect(
            run.handle(.servicesEnded(0)) == [
                .endStage(0), .beginStage(1), .skip(id("b/y"), reason: "db fell"), .endStage(1), .endRun,
            ]
        )
    }

    @Test("once the run has failed no services start any more; steps that always run do without them")
    func afterFailure() {
        var run = scheduler([("a", ["x"]), ("b", ["y", "cleanup"])], services: [1..<2])
        _ = run.handle(.began)
        _ = run.handle(.imagesReady(stage: 0))
        _ = run.handle(.imagesReady(stage: 1))
        #expect(
            run.handle(.stepFinished(id("a/x"), .failed)) == [
                .cancelPulls, .endStage(0), .beginStage(1), .skip(id("b/y"), reason: "a/x failed"),
                .start(id("b/cleanup")),
            ]
        )
        #expect(run.handle(.stepFinished(id("b/cleanup"), .succeeded)) == [.endStage(1), .endRun])
    }

    @Test("an interruption while they start stops them at once, and the run ends when they have")
    func interrupted() {
        var run = scheduler([("a", ["x"])], services: [0..<1])
        _ = run.handle(.began)
        _ = run.handle(.imagesReady(stage: 0))
        #expect(
            run.handle(.interrupted(.interrupt)) == [
                .cancelPulls, .skip(id("a/x"), reason: "the run was interrupted (SIGINT)"), .stopServices(0),
            ]
        )
        #expect(run.handle(.killed(.interrupt)) == [])
        #expect(run.handle(.servicesEnded(0)) == [.endStage(0), .endRun])
    }

    // MARK: Memory

    /// Admits one request, and no other before that is released.
    private final class OneAtATime: AdmissionLedger {
        private let place = ConcurrencyLimit(1)
        let requests = Mutex<[AdmissionRequest]>([])

        func acquire(_ request: AdmissionRequest, budget: ByteCount) async throws -> Admission {
            requests.withLock { $0.append(request) }
            guard await place.enter() else { throw CancellationError() }
            return Admission(number: 1, memory: request.memory)
        }

        func acquireWithoutWaiting(_ request: AdmissionRequest) async throws -> Admission {
            Admission(number: 2, memory: request.memory)
        }

        func release(_ admission: Admission) async throws {
            if admission.number == 1 { place.leave() }
        }

        func promises() async throws -> [PromisedMemory] { [] }
    }

    @Test("services take memory for a step beside them too, so that a step always comes to its turn")
    func memory() async throws {
        let (definition, _) = parsePipeline(
            """
            stages_order = ["s"]
            [pipeline]
            memory = "32mb"
            [stages.s.services.db]
            image = "x"
            [stages.s.steps.a]
            image = "x"
            [stages.s.steps.b]
            image = "x"
            """
        )
        let plan = PipelinePlan(try #require(definition), defaultMaxParallel: 2)
        let group = try #require(plan.services.first)
        let ledger = OneAtATime()
        let memory = StepMemoryAdmission(
            run: .next(),
            ledger: ledger,
            budget: .mebibytes(64),
            interruption: Interruption(),
            emit: { _ in }
        )
        let services = await memory.admit(group, until: Latch())
        #expect(ledger.requests.withLock { $0.map(\.memory) } == [.mebibytes(64)])
        let first = await memory.admit(plan.steps[0])
        guard case .reserved = first.outcome else {
            Issue.record("the first step has not what is kept free: \(first.outcome)")
            return
        }
        // The ledger has nothing left: the second gets its memory from the first.
        async let second = memory.admit(plan.steps[1])
        await memory.release(first)
        let outcome = await second
        guard case .reserved = outcome.outcome else {
            Issue.record("the second step has not what the first gave back: \(outcome.outcome)")
            return
        }
        await memory.release(outcome)
        await memory.release(services, of: group)
        guard case .admitted = await memory.admit(plan.steps[0]).outcome else {
            Issue.record("without services a step asks the ledger")
            return
        }
    }
}
