import Foundation
import ImagePull
import OCIDistribution
import Pipeline
import RoostCore

/// A run of three stages whose second fails, for the tests of its display.
struct SampleRun {
    static let compile = StepID(stage: "build", step: "compile")
    static let lint = StepID(stage: "build", step: "lint")
    static let unit = StepID(stage: "test", step: "unit")
    static let deploy = StepID(stage: "deploy", step: "push")

    static let header = RunHeader(
        runID: "20260131-081530-4f2a",
        pipeline: "demo",
        file: "roost.toml",
        steps: [compile, lint, unit, deploy],
        engine: "Docker Engine 20.10.24 at unix:///var/run/docker.sock"
    )

    static func event(_ kind: RunEvent.Kind) -> RunEvent {
        RunEvent(time: Date(timeIntervalSince1970: 1_769_847_330), kind: kind)
    }

    static func line(_ text: String, _ stream: LogLine.Stream = .stdout) -> LogLine {
        LogLine(stream: stream, bytes: Array(text.utf8), continues: false)
    }

    static func step(
        _ id: StepID,
        _ status: StepStatus,
        exit: Int? = nil,
        offset: Int = 0,
        phases: [StepPhase: Int] = [:]
    ) -> StepReport {
        var step = StepReport(id: id, image: "gcc:14", status: status)
        step.exitCode = exit
        step.attempts = phases.isEmpty ? 0 : 1
        step.offset = .milliseconds(offset)
        step.phases = phases.mapValues { .milliseconds($0) }
        return step
    }

    static let failed: RunReport = {
        let phases: [StepPhase: Int] = [
            .resolve: 100, .pull: 1000, .create: 20, .start: 180, .run: 1000, .cleanup: 100,
        ]
        var compile = step(Self.compile, .succeeded, exit: 0, phases: phases)
        compile.peakMemory = .mebibytes(300)
        compile.memoryLimit = .mebibytes(1024)
        let lint = step(
            Self.lint,
            .succeeded,
            exit: 0,
            phases: [.resolve: 100, .wait: 300, .create: 20, .start: 180, .run: 200, .cleanup: 100]
        )
        var unit = step(
            Self.unit,
            .failed,
            exit: 2,
            offset: 2400,
            phases: [.create: 20, .start: 180, .run: 1500, .cleanup: 100]
        )
        unit.reason = "the command ended with exit code 2"
        unit.logPath = ".roost/runs/20260131-081530-4f2a/test/unit.1.log"
        unit.lastLines = [line("running 3 tests"), line("\u{1B}[2Jassertion failed", .stderr)]
        unit.peakMemory = .mebibytes(12)
        return RunReport(
            runID: header.runID,
            pipeline: "demo",
            status: .failed,
            exitCode: 1,
            startedAt: Date(timeIntervalSince1970: 1_769_847_330),
            duration: .milliseconds(4200),
            stages: [
                StageReport(name: "build", status: .succeeded, duration: .milliseconds(2400), steps: [compile, lint]),
                StageReport(name: "test", status: .failed, duration: .milliseconds(1800), steps: [unit]),
                StageReport(name: "deploy", status: .skipped, duration: .zero, steps: [step(deploy, .skipped)]),
            ]
        )
    }()

    static let succeeded: RunReport = {
        var report = failed
        report.status = .succeeded
        report.exitCode = 0
        report.stages = [failed.stages[0]]
        return report
    }()

    static func image(_ text: String) throws -> ImageReference { try ImageReference(parsing: text) }

    static func pulled(_ image: ImageReference, bytes: Int64 = 40 << 20) -> PullEvent {
        .finished(
            PullOutcome(
                image: image,
                result: .pulled,
                imageID: "sha256:1",
                digest: nil,
                bytes: ByteCount(bytes),
                duration: .seconds(3),
                source: "registry-1.docker.io"
            )
        )
    }

    static func progress(_ image: ImageReference, _ layers: [(String, Int64, Int64)]) -> PullEvent {
        .progress(
            PullProgress(
                image: image,
                layers: layers.map {
                    LayerProgress(
                        layer: $0.0,
                        state: $0.1 == $0.2 ? .complete : .downloading,
                        downloaded: $0.1,
                        total: $0.2
                    )
                }
            )
        )
    }
}
