import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("The order of stages in a run's events")
struct StageOrderTests {
    private func name(_ kind: RunEvent.Kind) -> String {
        switch kind {
        case .stageStarted(let header): "begin \(header.name)"
        case .stageFinished(let report): "end \(report.name)"
        case .stepStarted(let start): "start \(start.id)"
        case .stepLog(let log): "log \(log.id)"
        case .stepFinished(let report): "finish \(report.id)"
        case .warning(let text): text
        default: "?"
        }
    }

    private func header(_ name: String) -> StageHeader { StageHeader(name: name, index: 1, count: 2, steps: []) }
    private func report(_ name: String) -> StageReport {
        StageReport(name: name, status: .succeeded, duration: .zero, steps: [])
    }
    private func start(_ step: String, _ stage: String) -> RunEvent.Kind {
        .stepStarted(
            StepStart(id: StepID(stage: stage, step: step), image: "i", attempt: 1, attempts: 1, containerID: "c")
        )
    }

    @Test("what a stage tells is held back, in order, until the one before has ended; its output waits")
    func order() async {
        let told = Shared<[String]>([])
        let order = StageOrder(stages: ["a", "b"]) { kind in told.update { $0.append(name(kind)) } }
        await order.begin(0, header("a"))
        await order.emit(start("x", "a"))
        await order.begin(1, header("b"))
        await order.emit(start("y", "b"))
        await order.emit(.warning("at once"))
        let id = StepID(stage: "b", step: "y")
        async let log: Void = order.emit(.stepLog(StepLog(id: id, attempt: 1, attempts: 1, lines: [])))
        await order.emit(.stepFinished(StepReport(id: id, image: "i", status: .succeeded)))
        #expect(told.value == ["begin a", "start a/x", "at once"])
        await order.end(report("a"))
        await log
        #expect(
            told.value == [
                "begin a", "start a/x", "at once", "end a", "begin b", "start b/y", "finish b/y", "log b/y",
            ]
        )
    }
}
