package import Foundation
package import ImagePull
import RoostCore

/// The end of `roost pull`: the last event of its stream.
package struct PullsEnd: Sendable {
    package let status: RunReport.RunStatus
    package let exitCode: Int32
    package let startedAt: Date
    package let duration: Duration
    package let counts: PullLedger.Counts
    /// Why it did not succeed, for people; `nil` for a success.
    package let reason: String?

    package init(
        status: RunReport.RunStatus,
        exitCode: Int32,
        startedAt: Date,
        duration: Duration,
        counts: PullLedger.Counts,
        reason: String?
    ) {
        self.status = status
        self.exitCode = exitCode
        self.startedAt = startedAt
        self.duration = duration
        self.counts = counts
        self.reason = reason
    }
}

struct PullsFinishedWire: Encodable {
    struct Images: Encodable {
        let pulled: Int
        let tagged: Int
        let present: Int
        let failed: Int
        let cancelled: Int
    }

    let status: String
    let exitCode: Int32
    let startedAt: String
    let durationMs: Int64
    let images: Images
    let reason: String?

    init(_ end: PullsEnd) {
        status = end.status.rawValue
        exitCode = end.exitCode
        startedAt = WireTime.text(end.startedAt)
        durationMs = end.duration.wholeMilliseconds
        images = Images(
            pulled: end.counts.pulled,
            tagged: end.counts.tagged,
            present: end.counts.present,
            failed: end.counts.failed,
            cancelled: end.counts.cancelled
        )
        reason = end.reason
    }
}
