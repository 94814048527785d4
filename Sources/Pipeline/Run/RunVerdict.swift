import RoostCore

/// A run's status and exit code, from how its steps ended.
package struct RunVerdict: Sendable, Hashable {
    package let status: RunReport.RunStatus
    /// 0 succeeded · 1 a step failed · 124 timed out · 125 the engine or a registry failed · 137 out of memory ·
    /// 128 + n ended by signal n.
    package let exitCode: Int32
    /// What happened, for people; `nil` for a success.
    package let reason: String?

    /// What first kept the run from succeeding.
    package enum Cause: Sendable {
        case images(String)
        /// The workspace could not be made ready.
        case workspace(String)
        /// A service that steps need can't be used.
        case service(String)
        case step(StepReport)
    }

    /// An interruption wins, else the first cause in time decides.
    ///
    /// - Parameters:
    ///   - interruption: What ended the run from outside, if anything did.
    ///   - firstCause: What first kept it from succeeding, if anything did.
    package init(interruption: InterruptionCause?, firstCause: Cause?) {
        if let interruption {
            self.init(.interrupted, interruption.exitCode, "by \(interruption.name)")
            return
        }
        switch firstCause {
        case nil: self.init(.succeeded, 0, nil)
        case .images(let reason), .workspace(let reason), .service(let reason):
            self.init(.infrastructureError, 125, reason)
        case .step(let report):
            let reason = "\(report.id): \(report.reason ?? report.status.rawValue)"
            switch report.status {
            case .timedOut: self.init(.timedOut, 124, reason)
            case .oomKilled: self.init(.oomKilled, 137, reason)
            case .infrastructureError, .cancelled: self.init(.infrastructureError, 125, reason)
            case .failed, .succeeded, .skipped: self.init(.failed, 1, reason)
            }
        }
    }

    private init(_ status: RunReport.RunStatus, _ exitCode: Int32, _ reason: String?) {
        self.status = status
        self.exitCode = exitCode
        self.reason = reason
    }
}
