import Foundation
import RoostCore

/// Reads `roost.report/1` back.
///
/// Whoever can write to the project folder could have written the report: what it holds is text to be shown, never a path
/// to be followed, and its numbers are brought within bounds.
package enum RunReportDecoder {
    /// - Parameter bytes: A whole file.
    /// - Returns: The report.
    /// - Throws: ``NoReport``.
    package static func decode(_ bytes: [UInt8]) throws(NoReport) -> RunReport {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let wire: RunReportWire
        do {
            wire = try decoder.decode(RunReportWire.self, from: Data(bytes))
        } catch {
            throw NoReport.damaged
        }
        guard wire.schema == RunReportEncoder.schema else { throw NoReport.otherSchema }
        guard let report = RunReport(wire) else { throw NoReport.damaged }
        return report
    }

    /// A file that is no report.
    package enum NoReport: Error, Hashable, CustomStringConvertible {
        case damaged
        /// Another version of Roost wrote it.
        case otherSchema

        package var description: String {
            switch self {
            case .damaged: "it is no report, or a damaged one"
            case .otherSchema: "it is not \(RunReportEncoder.schema)"
            }
        }
    }
}

extension Duration {
    /// Within what a display can count with: up to a century.
    fileprivate init(bounded milliseconds: Int64) {
        self = .milliseconds(min(max(milliseconds, 0), 100 * 365 * 86_400_000))
    }
}

extension ByteCount {
    fileprivate init(bounded bytes: Int64) { self.init(max(bytes, 0)) }
}

extension RunReport {
    fileprivate init?(_ wire: RunReportWire) {
        guard let status = RunStatus(rawValue: wire.status), let startedAt = WireTime.parse(wire.startedAt) else {
            return nil
        }
        let images = wire.images.compactMap(PulledImage.init)
        let stages = wire.stages.compactMap(StageReport.init)
        let services = (wire.services ?? []).compactMap(ServiceReport.init)
        guard images.count == wire.images.count, stages.count == wire.stages.count,
            services.count == wire.services?.count ?? 0
        else { return nil }
        self.init(
            runID: wire.runId,
            pipeline: wire.pipeline,
            status: status,
            exitCode: wire.exitCode,
            startedAt: startedAt,
            duration: Duration(bounded: wire.durationMs),
            images: images,
            stages: stages,
            warnings: wire.warnings
        )
        file = wire.file
        self.services = services
        reason = wire.reason
        firstFault = wire.firstFault?.id
    }
}

extension PulledImage {
    fileprivate init?(_ wire: PulledImageWire) {
        guard let outcome = Outcome(rawValue: wire.outcome) else { return nil }
        self.init(
            image: wire.image,
            outcome: outcome,
            bytes: ByteCount(bounded: wire.bytes),
            duration: Duration(bounded: wire.durationMs)
        )
        digest = wire.digest
        source = wire.source
        error = wire.error
    }
}

extension StageReport {
    fileprivate init?(_ wire: StageReportWire) {
        guard let status = StepStatus(rawValue: wire.status) else { return nil }
        let steps = wire.steps.compactMap { StepReport($0, stage: wire.stage) }
        guard steps.count == wire.steps.count else { return nil }
        self.init(name: wire.stage, status: status, duration: Duration(bounded: wire.durationMs), steps: steps)
    }
}

extension StepReport {
    fileprivate init?(_ wire: StepReportWire, stage: String) {
        guard let status = StepStatus(rawValue: wire.status) else { return nil }
        let earlier = (wire.earlierAttempts ?? []).compactMap(AttemptReport.init)
        let lines = (wire.lastLines ?? []).compactMap(LogLine.init)
        guard earlier.count == wire.earlierAttempts?.count ?? 0, lines.count == wire.lastLines?.count ?? 0 else {
            return nil
        }
        self.init(id: StepID(stage: stage, step: wire.step), image: wire.image, status: status)
        exitCode = wire.exitCode
        attempts = wire.attempts
        earlierAttempts = earlier
        reason = wire.reason
        warning = wire.warning
        offset = Duration(bounded: wire.offsetMs)
        statedTotal = Duration(bounded: wire.durationMs)
        phases = wire.phases.durations.mapValues { Duration(bounded: $0) }
        memoryLimit = wire.memoryLimitBytes.map { ByteCount(bounded: $0) }
        peakMemory = wire.peakMemoryBytes.map { ByteCount(bounded: $0) }
        logPath = wire.logPath
        lastLines = lines
    }
}

extension ServiceReport {
    fileprivate init?(_ wire: ServiceReportWire) {
        guard let status = StepStatus(rawValue: wire.status) else { return nil }
        let lines = (wire.lastLines ?? []).compactMap(LogLine.init)
        guard lines.count == wire.lastLines?.count ?? 0 else { return nil }
        self.init(id: ServiceID(stage: wire.stage, service: wire.service), image: wire.image, status: status)
        exitCode = wire.exitCode
        readyAfter = wire.readyMs.map { Duration(bounded: $0) }
        duration = Duration(bounded: wire.durationMs)
        memoryLimit = wire.memoryLimitBytes.map { ByteCount(bounded: $0) }
        peakMemory = wire.peakMemoryBytes.map { ByteCount(bounded: $0) }
        logPath = wire.logPath
        reason = wire.reason
        warning = wire.warning
        lastLines = lines
    }
}

extension AttemptReport {
    fileprivate init?(_ wire: AttemptWire) {
        guard let status = StepStatus(rawValue: wire.status) else { return nil }
        self.init(
            number: wire.attempt,
            status: status,
            exitCode: wire.exitCode,
            reason: wire.reason,
            duration: Duration(bounded: wire.durationMs),
            logPath: wire.logPath
        )
    }
}

extension LogLine {
    fileprivate init?(_ wire: LogLineWire) {
        guard let stream = Stream(rawValue: wire.stream) else { return nil }
        var bytes = Array(wire.text.utf8)
        if let encoded = wire.bytes {
            guard let decoded = Data(base64Encoded: encoded) else { return nil }
            bytes = Array(decoded)
        }
        self.init(stream: stream, bytes: bytes, continues: wire.continues ?? false)
    }
}

extension PhasesWire {
    fileprivate var durations: [StepPhase: Int64] {
        let parts: [(StepPhase, Int64?)] = [
            (.resolve, resolveMs), (.wait, waitMs), (.pull, pullMs), (.create, createMs), (.start, startMs),
            (.run, runMs), (.cleanup, cleanupMs),
        ]
        return parts.reduce(into: [:]) { found, part in found[part.0] = part.1 }
    }
}
