import RoostCore
import Testing

@testable import Pipeline

@Suite("The verdict on a run")
struct RunVerdictTests {
    private func report(_ status: StepStatus) -> StepReport {
        var report = StepReport(id: StepID(stage: "a", step: "x"), image: "i", status: status)
        report.reason = "why"
        return report
    }

    @Test(
        "the first cause decides the exit code",
        arguments: [
            (StepStatus.failed, Int32(1), RunReport.RunStatus.failed), (.timedOut, 124, .timedOut),
            (.oomKilled, 137, .oomKilled), (.infrastructureError, 125, .infrastructureError),
        ]
    )
    func stepCause(_ status: StepStatus, _ code: Int32, _ expected: RunReport.RunStatus) {
        let verdict = RunVerdict(interruption: nil, firstCause: .step(report(status)))
        #expect(verdict.exitCode == code)
        #expect(verdict.status == expected)
        #expect(verdict.reason == "a/x: why")
    }

    @Test("images that can't be had are the engine's or a registry's failure")
    func images() {
        let verdict = RunVerdict(interruption: nil, firstCause: .images("no such image"))
        #expect(verdict.exitCode == 125)
        #expect(verdict.reason == "no such image")
    }

    @Test("a run without a cause has succeeded")
    func success() {
        let verdict = RunVerdict(interruption: nil, firstCause: nil)
        #expect(verdict.status == .succeeded)
        #expect(verdict.exitCode == 0)
    }

    @Test(
        "an interruption wins over everything, with its signal's code",
        arguments: [
            (InterruptionCause.interrupt, Int32(130)), (.terminate, 143), (.hangup, 129), (.outputClosed, 141),
        ]
    )
    func interruption(_ cause: InterruptionCause, _ code: Int32) {
        let verdict = RunVerdict(interruption: cause, firstCause: .step(report(.failed)))
        #expect(verdict.exitCode == code)
        #expect(verdict.status == .interrupted)
        #expect(RunVerdict(interruption: cause, firstCause: nil).exitCode == code)
    }

    @Test("an interruption twice kills, three times leaves; a closed output is only ever the first")
    func interruption() {
        let interruption = Interruption()
        interruption.raise(.interrupt)
        interruption.raise(.outputClosed)
        #expect(interruption.stop.isOpen && !interruption.kill.isOpen)
        interruption.raise(.interrupt)
        #expect(interruption.kill.isOpen && !interruption.abandon.isOpen)
        interruption.raise(.terminate)
        #expect(interruption.abandon.isOpen)
        #expect(interruption.cause == .interrupt)
        let closed = Interruption()
        closed.raise(.outputClosed)
        #expect(closed.stop.isOpen && closed.cause == .outputClosed)
    }
}
