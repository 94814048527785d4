/// What a look at a process comes to that the kernel has news of: it has exited, or been reaped.
enum ExitReading: Sendable, Hashable {
    /// Not reaped yet. The kernel tells of that by news of its own, and keeps the status from then on.
    case notOver
    case over(ProcessEnd)

    /// - Parameters:
    ///   - status: Asks for the status as wait(2) has it; `nil` where the kernel gives none.
    ///   - isReaped: Asks whether the process has been reaped.
    init(status: () -> Int32?, isReaped: () -> Bool) {
        if let status = status() {
            self = .over(ProcessEnd(waitStatus: status))
        } else if !isReaped() {
            self = .notOver
        } else {
            // Reaped since the first question, or in the midst of it: the kernel then answers that there is no such process.
            // By now it has kept the status, if it ever does.
            self = .over(status().map { ProcessEnd(waitStatus: $0) } ?? .unknown)
        }
    }
}
