import RoostCore
import Testing

@testable import Pipeline

@Suite("Waiting for the memory of other runs", .timeLimit(.minutes(1)))
struct MemoryWaitTests {
    private static let me = RunID.next()
    private static let other = "2026-other"

    private func promise(_ run: String, _ mebibytes: Int64, pid: Int32 = 7) -> PromisedMemory {
        PromisedMemory(
            engine: EngineID("E"),
            owner: OwnerIdentity(bootID: "b", pid: pid, startTime: 1),
            run: run,
            step: "s/x",
            memory: .mebibytes(mebibytes)
        )
    }

    @Test("told are the wish, the budget, what is promised, and each run that has it")
    func description() {
        let request = AdmissionRequest(run: Self.me.description, step: "s/a", memory: .mebibytes(512))
        let promises = [
            promise(Self.other, 256), promise(Self.me.description, 128), promise(Self.other, 256),
            promise("third", 128, pid: 9),
        ]
        #expect(
            MemoryWait(request, budget: .mebibytes(1024), promises: promises)?.description
                == "s/a waits for 512 MiB of memory: of the budget of 1 GiB, 768 MiB is promised: "
                + "512 MiB to run \"2026-other\" (process 7), 128 MiB to this run, 128 MiB to run \"third\" (process 9)"
        )
        #expect(MemoryWait(request, budget: .mebibytes(1024), promises: [promise(Self.me.description, 1)]) == nil)
        #expect(MemoryWait(request, budget: .mebibytes(1024), promises: []) == nil)
    }

    /// Its time passes when the test says so.
    private struct DoorClock: Clock {
        struct Instant: InstantProtocol {
            func advanced(by duration: Duration) -> Instant { self }
            func duration(to other: Instant) -> Duration { .zero }
            static func < (left: Instant, right: Instant) -> Bool { false }
        }
        let door = Latch()
        let now = Instant()
        let minimumResolution = Duration.zero
        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            guard await door.wait() else { throw CancellationError() }
        }
    }

    private struct Full: AdmissionLedger {
        let promised: [PromisedMemory]
        let room = Latch()

        func acquire(_ request: AdmissionRequest, budget: ByteCount) async throws -> Admission {
            guard await room.wait() else { throw CancellationError() }
            return Admission(number: 1, memory: request.memory)
        }
        func acquireWithoutWaiting(_ request: AdmissionRequest) async throws -> Admission {
            Admission(number: 1, memory: request.memory)
        }
        func release(_ admission: Admission) async throws {}
        func promises() async throws -> [PromisedMemory] { promised }
    }

    @Test("a run says once that it waits for others, when it has waited a moment, and goes on waiting")
    func toldOnce() async throws {
        let (definition, _) = parsePipeline(
            """
            stages_order = ["s"]
            [stages.s.steps.a]
            image = "x"
            [stages.s.steps.b]
            image = "x"
            """
        )
        let plan = PipelinePlan(try #require(definition), defaultMaxParallel: 2)
        let (clock, ledger) = (DoorClock(), Full(promised: [promise(Self.other, 64)]))
        let (notices, told) = AsyncStream.makeStream(of: String.self)
        let memory = StepMemoryAdmission(
            run: Self.me,
            ledger: ledger,
            budget: .mebibytes(64),
            interruption: Interruption(),
            clock: clock,
            emit: { if case .notice(let text) = $0 { told.yield(text) } }
        )
        async let first = memory.admit(plan.steps[0])
        async let second = memory.admit(plan.steps[1])
        clock.door.open()
        var iterator = notices.makeAsyncIterator()
        let notice = await iterator.next()
        #expect(notice?.contains("64 MiB to run \"2026-other\" (process 7)") == true)
        ledger.room.open()
        for outcome in await [first.outcome, second.outcome] {
            guard case .admitted = outcome else {
                Issue.record("a step was not admitted: \(outcome)")
                continue
            }
        }
        told.finish()
        #expect(await iterator.next() == nil, "told once")
    }
}
