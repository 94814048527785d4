import Foundation
import RoostCore

// The bodies of the events of runs, stages and steps, as `docs/events.md` lists them. Kept apart from the model, so that
// a change of the model can't change the format unnoticed. Field names become snake_case in the encoder.

struct StepIDWire: Encodable {
    let stage: String
    let step: String

    init(_ id: StepID) {
        stage = id.stage
        step = id.step
    }
}

struct RunStartedWire: Encodable {
    let runId: String
    let pipeline: String
    let file: String
    let engine: String
    let steps: [StepIDWire]

    init(_ header: RunHeader) {
        runId = header.runID
        pipeline = header.pipeline
        file = header.file
        engine = header.engine
        steps = header.steps.map(StepIDWire.init)
    }
}

struct MessageWire: Encodable {
    let message: String
}

struct StageStartedWire: Encodable {
    let stage: String
    let index: Int
    let count: Int
    let steps: [String]

    init(_ header: StageHeader) {
        stage = header.name
        index = header.index
        count = header.count
        steps = header.steps
    }
}

struct StepStartedWire: Encodable {
    let stage: String
    let step: String
    let image: String
    let attempt: Int
    let attempts: Int
    let containerId: String

    init(_ start: StepStart) {
        stage = start.id.stage
        step = start.id.step
        image = start.image
        attempt = start.attempt
        attempts = start.attempts
        containerId = start.containerID
    }
}

/// A line of output: its text, and its exact bytes where the text can't hold them.
struct LogLineWire: Codable {
    let stream: String
    let text: String
    let bytes: String?
    let continues: Bool?

    init(_ line: LogLine) {
        stream = line.stream.rawValue
        if let valid = String(validating: line.bytes, as: UTF8.self) {
            text = valid
            bytes = nil
        } else {
            text = String(decoding: line.bytes, as: UTF8.self)
            bytes = Data(line.bytes).base64EncodedString()
        }
        continues = line.continues ? true : nil
    }
}

struct StepLogWire: Encodable {
    let stage: String
    let step: String
    let attempt: Int
    let line: LogLineWire

    private enum CodingKeys: String, CodingKey { case stage, step, attempt }

    init(_ log: StepLog, _ line: LogLine) {
        stage = log.id.stage
        step = log.id.step
        attempt = log.attempt
        self.line = LogLineWire(line)
    }

    func encode(to encoder: any Encoder) throws {
        try line.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stage, forKey: .stage)
        try container.encode(step, forKey: .step)
        try container.encode(attempt, forKey: .attempt)
    }
}

struct StepRetryingWire: Encodable {
    let stage: String
    let step: String
    let attempts: Int
    let pauseMs: Int64
    let attempt: AttemptWire

    private enum CodingKeys: String, CodingKey { case stage, step, attempts, pauseMs }

    init(_ retry: StepRetry) {
        stage = retry.id.stage
        step = retry.id.step
        attempts = retry.attempts
        pauseMs = retry.pause.wholeMilliseconds
        attempt = AttemptWire(retry.attempt)
    }

    func encode(to encoder: any Encoder) throws {
        try attempt.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stage, forKey: .stage)
        try container.encode(step, forKey: .step)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(pauseMs, forKey: .pauseMs)
    }
}

struct StepFinishedWire: Encodable {
    let stage: String
    let report: StepReportWire

    private enum CodingKeys: String, CodingKey { case stage }

    init(_ report: StepReport) {
        stage = report.id.stage
        self.report = StepReportWire(report)
    }

    func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stage, forKey: .stage)
    }
}

struct StageFinishedWire: Encodable {
    let stage: String
    let status: String
    let durationMs: Int64

    init(_ report: StageReport) {
        stage = report.name
        status = report.status.rawValue
        durationMs = report.duration.wholeMilliseconds
    }
}

struct RunFinishedWire: Encodable {
    let runId: String
    let pipeline: String
    let status: String
    let exitCode: Int32
    let startedAt: String
    let durationMs: Int64
    let reason: String?

    init(_ report: RunReport) {
        runId = report.runID
        pipeline = report.pipeline
        status = report.status.rawValue
        exitCode = report.exitCode
        startedAt = WireTime.text(report.startedAt)
        durationMs = report.duration.wholeMilliseconds
        reason = report.reason
    }
}
