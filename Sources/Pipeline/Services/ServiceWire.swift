import RoostCore

// The services in `roost.events/1` and `roost.report/1`, as `docs/events.md` lists them. Field names become snake_case in the
// encoder.

struct ServiceStartedWire: Encodable {
    let stage: String?
    let service: String
    let image: String
    let containerId: String

    init(_ start: ServiceStart) {
        stage = start.id.stage
        service = start.id.service
        image = start.image
        containerId = start.containerID
    }
}

struct ServiceReadyWire: Encodable {
    let stage: String?
    let service: String
    let readyMs: Int64

    init(_ ready: ServiceReady) {
        stage = ready.id.stage
        service = ready.id.service
        readyMs = ready.after.wholeMilliseconds
    }
}

struct ServiceReportWire: Codable {
    let stage: String?
    let service: String
    let image: String
    let status: String
    let exitCode: Int?
    let readyMs: Int64?
    let durationMs: Int64
    let memoryLimitBytes: Int64?
    let peakMemoryBytes: Int64?
    let logPath: String?
    let reason: String?
    let warning: String?
    let lastLines: [LogLineWire]?

    init(_ report: ServiceReport) {
        stage = report.id.stage
        service = report.id.service
        image = report.image
        status = report.status.rawValue
        exitCode = report.exitCode
        readyMs = report.readyAfter?.wholeMilliseconds
        durationMs = report.duration.wholeMilliseconds
        memoryLimitBytes = report.memoryLimit?.bytes
        peakMemoryBytes = report.peakMemory?.bytes
        logPath = report.logPath
        reason = report.reason
        warning = report.warning
        lastLines = report.lastLines.isEmpty ? nil : report.lastLines.map(LogLineWire.init)
    }
}
