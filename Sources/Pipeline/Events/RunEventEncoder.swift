package import Foundation
package import ImagePull
import OCIDistribution
import RoostCore

/// Writes events as `roost.events/1`: NDJSON, one event a line, described in `docs/events.md`.
///
/// The first event that an encoder writes carries `schema`. Use one encoder for one stream.
package struct RunEventEncoder {
    /// The name and version of the format; fields are only ever added within a version.
    package static let schema = "roost.events/1"

    private let encoder = WireJSON.encoder(pretty: false)
    private var isFirst = true

    package init() {}

    /// The event as whole lines, each ended by `\n`; more than one where a log event holds more than one line.
    ///
    /// - Throws: `EncodingError`, which no event that can be built leads to.
    package mutating func encode(_ event: RunEvent) throws -> [UInt8] {
        let time = WireTime.text(event.time)
        switch event.kind {
        case .runStarted(let header):
            return try line("run.started", time, RunStartedWire(header))
        case .warning(let message):
            return try line("warning", time, MessageWire(message: message))
        case .notice(let message):
            return try line("notice", time, MessageWire(message: message))
        case .pull(let pull):
            return try encode(pull, time)
        case .stageStarted(let stage):
            return try line("stage.started", time, StageStartedWire(stage))
        case .serviceStarted(let service):
            return try line("service.started", time, ServiceStartedWire(service))
        case .serviceReady(let service):
            return try line("service.ready", time, ServiceReadyWire(service))
        case .serviceFinished(let service):
            return try line("service.finished", time, ServiceReportWire(service))
        case .stepStarted(let step):
            return try line("step.started", time, StepStartedWire(step))
        case .stepLog(let log):
            return try encode(log, time)
        case .stepRetrying(let retry):
            return try line("step.retrying", time, StepRetryingWire(retry))
        case .stepFinished(let step):
            return try line("step.finished", time, StepFinishedWire(step))
        case .stageFinished(let stage):
            return try line("stage.finished", time, StageFinishedWire(stage))
        case .runFinished(let report):
            return try line("run.finished", time, RunFinishedWire(report))
        }
    }

    private mutating func encode(_ log: StepLog, _ time: String) throws -> [UInt8] {
        let encoder = StepLogEncoder(log, time: time)
        var bytes: [UInt8] = []
        for entry in log.lines where isFirst || !encoder.append(entry, to: &bytes) {
            bytes += try line("step.log", time, StepLogWire(log, entry))
        }
        return bytes
    }

    /// An event of a pull outside a run, as `roost pull` streams it.
    ///
    /// - Throws: `EncodingError`, which no event that can be built leads to.
    package mutating func encode(_ pull: PullEvent, time: Date) throws -> [UInt8] {
        try encode(pull, WireTime.text(time))
    }

    /// The end of pulls outside a run, the last line of their stream.
    ///
    /// - Throws: `EncodingError`, which no event that can be built leads to.
    package mutating func encode(_ end: PullsEnd, time: Date) throws -> [UInt8] {
        try line("pulls.finished", WireTime.text(time), PullsFinishedWire(end))
    }

    private mutating func encode(_ pull: PullEvent, _ time: String) throws -> [UInt8] {
        switch pull {
        case .resolving(let images):
            try line("pull.resolving", time, PullResolvingWire(images: images))
        case .planned(let summary):
            try line("pull.planned", time, PullPlannedWire(summary))
        case .started(let image, let source, let attempt):
            try line(
                "pull.started",
                time,
                PullStartedWire(image: image.familiar, source: source, attempt: attempt)
            )
        case .progress(let progress):
            try line("pull.progress", time, PullProgressWire(progress))
        case .retrying(let image, let attempt, let delay, let reason):
            try line(
                "pull.retrying",
                time,
                PullRetryingWire(
                    image: image.familiar,
                    attempt: attempt,
                    delayMs: delay.wholeMilliseconds,
                    reason: reason
                )
            )
        case .finished(let outcome):
            try line("pull.finished", time, PullFinishedWire(outcome))
        }
    }

    private mutating func line(_ type: String, _ time: String, _ body: some Encodable) throws -> [UInt8] {
        let envelope = Envelope(schema: isFirst ? Self.schema : nil, type: type, time: time, body: body)
        var bytes = [UInt8](try encoder.encode(envelope))
        bytes.append(UInt8(ascii: "\n"))
        isFirst = false
        return bytes
    }
}

/// The fields that every event has, with the event's own beside them in the same object.
private struct Envelope<Body: Encodable>: Encodable {
    let schema: String?
    let type: String
    let time: String
    let body: Body

    private enum CodingKeys: String, CodingKey { case schema, type, time }

    func encode(to encoder: any Encoder) throws {
        try body.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(schema, forKey: .schema)
        try container.encode(type, forKey: .type)
        try container.encode(time, forKey: .time)
    }
}
