package import RoostCore

/// A service's container has started.
package struct ServiceStart: Sendable {
    package let id: ServiceID
    /// The image as the pipeline names it.
    package let image: String
    package let containerID: String

    package init(id: ServiceID, image: String, containerID: String) {
        self.id = id
        self.image = image
        self.containerID = containerID
    }
}

/// A service that can be used.
package struct ServiceReady: Sendable {
    package let id: ServiceID
    /// From the start of its container.
    package let after: Duration

    package init(id: ServiceID, after: Duration) {
        self.id = id
        self.after = after
    }
}

/// The end of one service.
package struct ServiceReport: Sendable {
    package var id: ServiceID
    /// The image as the pipeline names it.
    package var image: String
    /// `succeeded` where it was ready and ran until Roost ended it.
    package var status: StepStatus
    /// What its first process ended with; also where Roost stopped it.
    package var exitCode: Int?
    /// Why it has this status, for people; `nil` for a success. Follows the service's name in a sentence.
    package var reason: String?
    /// A remark on a service that did what it should.
    package var warning: String?
    /// From the start of its container until it was ready; `nil` where it never was.
    package var readyAfter: Duration?
    /// From the start of its container to its end.
    package var duration = Duration.zero
    package var memoryLimit: ByteCount?
    /// The most memory that the container was seen to use.
    package var peakMemory: ByteCount?
    /// The raw log, relative to the project folder.
    package var logPath: String?
    /// The last lines of the log (at most 20), filled in for a service that did not succeed.
    package var lastLines: [LogLine] = []

    package init(id: ServiceID, image: String, status: StepStatus) {
        self.id = id
        self.image = image
        self.status = status
    }

    /// What went wrong, as a sentence; `nil` where nothing did.
    package var problem: String? { reason.map { "\(id.phrase) \($0)" } }
}
