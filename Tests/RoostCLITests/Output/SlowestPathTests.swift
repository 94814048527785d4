import Pipeline
import Testing

@testable import RoostCLI

@Suite("The slowest path of a run")
struct SlowestPathTests {
    private func step(_ name: String, stage: String = "s", offset: Int = 0, _ phases: [StepPhase: Int]) -> StepReport {
        SampleRun.step(StepID(stage: stage, step: name), .succeeded, exit: 0, offset: offset, phases: phases)
    }

    private func lost(_ steps: [StepReport]) -> [StepPhase: Duration] {
        var report = SampleRun.succeeded
        report.stages = Dictionary(grouping: steps, by: \.id.stage).sorted { $0.key < $1.key }
            .map { StageReport(name: $0.key, status: .succeeded, duration: .zero, steps: $0.value) }
        return SlowestPath(report).lost
    }

    @Test("what a step waited for by its needs is on the path; what ran beside it is not")
    func needs() {
        let path = lost([
            step("compile", [.pull: 1000, .start: 200, .run: 300, .cleanup: 90]),
            step("lint", [.wait: 700, .start: 50, .run: 10, .cleanup: 40]),
            step("test", offset: 1500, [.wait: 5, .run: 2000, .cleanup: 60]),
        ])
        #expect(
            path == [
                .pull: .milliseconds(1000), .start: .milliseconds(200), .wait: .milliseconds(5),
                .cleanup: .milliseconds(60),
            ]
        )
    }

    @Test("of a stage that others wait for counts the step whose command ended last, not its removal")
    func stages() {
        let path = lost([
            step("slow", stage: "a", [.create: 20, .run: 400, .cleanup: 30]),
            step("lingers", stage: "a", [.create: 10, .run: 100, .cleanup: 900]),
            step("next", stage: "b", offset: 420, [.start: 7, .run: 800, .cleanup: 80]),
        ])
        #expect(path == [.create: .milliseconds(20), .start: .milliseconds(7), .cleanup: .milliseconds(80)])
    }

    @Test("a run without steps, and one whose steps all began at its start, have the shortest paths")
    func short() {
        #expect(lost([]).isEmpty)
        let two = lost([step("a", [.wait: 3, .run: 5, .cleanup: 2]), step("b", [.wait: 1, .run: 4, .cleanup: 1])])
        #expect(two == [.wait: .milliseconds(3), .cleanup: .milliseconds(2)])
    }
}
