import ImagePull
package import Pipeline

/// How `roost pull` ended, from what stopped it.
package struct PullVerdict: Sendable, Hashable {
    package let status: RunReport.RunStatus
    package let exitCode: Int32
    /// What happened, for people; `nil` for a success.
    package let reason: String?
    /// How many images were found not to be had before any was pulled.
    package let unavailable: Int
    /// Whether the pulls ended by themselves: with all images there, or with one that can't be had.
    package let isOwnEnd: Bool

    /// - Parameter failure: What stopped the pulls; `nil` where all images are there.
    package init(_ failure: (any Error)?) {
        guard let failure else {
            (status, exitCode, reason) = (.succeeded, 0, nil)
            (unavailable, isOwnEnd) = (0, true)
            return
        }
        status = failure is Interrupted ? .interrupted : .infrastructureError
        exitCode = (failure as? any ExitCoded)?.exitCode ?? RoostCommandLine.unforeseen
        reason = "\(failure)"
        unavailable = (failure as? PullFailures)?.failures.count ?? 0
        isOwnEnd = failure is PullFailure
    }
}
