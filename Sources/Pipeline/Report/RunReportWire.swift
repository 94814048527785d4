import RoostCore

// The parts of `roost.report/1`, as `docs/events.md` lists them. Field names become snake_case in the encoder.

struct RunReportWire: Codable {
    let schema: String
    let runId: String
    let pipeline: String
    let file: String?
    let status: String
    let exitCode: Int32
    let startedAt: String
    let durationMs: Int64
    let reason: String?
    let firstFault: StepNameWire?
    let images: [PulledImageWire]
    let stages: [StageReportWire]
    /// Absent where no service was begun.
    let services: [ServiceReportWire]?
    let warnings: [String]

    init(_ report: RunReport) {
        schema = RunReportEncoder.schema
        runId = report.runID
        pipeline = report.pipeline
        file = report.file
        status = report.status.rawValue
        exitCode = report.exitCode
        startedAt = WireTime.text(report.startedAt)
        durationMs = report.duration.wholeMilliseconds
        reason = report.reason
        firstFault = report.firstFault.map(StepNameWire.init)
        images = report.images.map(PulledImageWire.init)
        stages = report.stages.map(StageReportWire.init)
        services = report.services.isEmpty ? nil : report.services.map(ServiceReportWire.init)
        warnings = report.warnings
    }
}

struct StepNameWire: Codable {
    let stage: String
    let step: String

    init(_ id: StepID) {
        stage = id.stage
        step = id.step
    }

    var id: StepID { StepID(stage: stage, step: step) }
}

struct PulledImageWire: Codable {
    let image: String
    let outcome: String
    let digest: String?
    let bytes: Int64
    let durationMs: Int64
    let source: String?
    let error: String?

    init(_ image: PulledImage) {
        self.image = image.image
        outcome = image.outcome.rawValue
        digest = image.digest
        bytes = image.bytes.bytes
        durationMs = image.duration.wholeMilliseconds
        source = image.source
        error = image.error
    }
}

struct StageReportWire: Codable {
    let stage: String
    let status: String
    let durationMs: Int64
    let steps: [StepReportWire]

    init(_ report: StageReport) {
        stage = report.name
        status = report.status.rawValue
        durationMs = report.duration.wholeMilliseconds
        steps = report.steps.map(StepReportWire.init)
    }
}

struct StepReportWire: Codable {
    let step: String
    let image: String
    let status: String
    let exitCode: Int?
    let attempts: Int
    let earlierAttempts: [AttemptWire]?
    let offsetMs: Int64
    let durationMs: Int64
    let phases: PhasesWire
    let memoryLimitBytes: Int64?
    let peakMemoryBytes: Int64?
    let logPath: String?
    let reason: String?
    let warning: String?
    let lastLines: [LogLineWire]?

    init(_ report: StepReport) {
        step = report.id.step
        image = report.image
        status = report.status.rawValue
        exitCode = report.exitCode
        attempts = report.attempts
        earlierAttempts = report.earlierAttempts.isEmpty ? nil : report.earlierAttempts.map(AttemptWire.init)
        offsetMs = report.offset.wholeMilliseconds
        durationMs = report.total.wholeMilliseconds
        phases = PhasesWire(report.phases)
        memoryLimitBytes = report.memoryLimit?.bytes
        peakMemoryBytes = report.peakMemory?.bytes
        logPath = report.logPath
        reason = report.reason
        warning = report.warning
        lastLines = report.lastLines.isEmpty ? nil : report.lastLines.map(LogLineWire.init)
    }
}

/// An attempt that was not the step's last.
struct AttemptWire: Codable {
    let attempt: Int
    let status: String
    let exitCode: Int?
    let reason: String?
    let durationMs: Int64
    let logPath: String?

    init(_ report: AttemptReport) {
        attempt = report.number
        status = report.status.rawValue
        exitCode = report.exitCode
        reason = report.reason
        durationMs = report.duration.wholeMilliseconds
        logPath = report.logPath
    }
}

/// The phases that the step went through; one that it never reached is absent.
struct PhasesWire: Codable {
    let resolveMs: Int64?
    let waitMs: Int64?
    let pullMs: Int64?
    let createMs: Int64?
    let startMs: Int64?
    let runMs: Int64?
    let cleanupMs: Int64?

    init(_ phases: [StepPhase: Duration]) {
        resolveMs = phases[.resolve]?.wholeMilliseconds
        waitMs = phases[.wait]?.wholeMilliseconds
        pullMs = phases[.pull]?.wholeMilliseconds
        createMs = phases[.create]?.wholeMilliseconds
        startMs = phases[.start]?.wholeMilliseconds
        runMs = phases[.run]?.wholeMilliseconds
        cleanupMs = phases[.cleanup]?.wholeMilliseconds
    }
}
