package import Foundation

/// A run as the journal knows it.
package struct RunRecord: Hashable, Sendable {
    package let id: String
    package let owner: OwnerIdentity
    package let projectFolder: String
    package let startedAt: Date
    /// `nil` while the run goes on, or as long as nobody has found out that it was cut off.
    package var end: RunEnd?
    /// The exits that are known so far, by stage, step and attempt.
    package var exits: [StepExit]

    package init(
        id: String,
        owner: OwnerIdentity,
        projectFolder: String,
        startedAt: Date,
        end: RunEnd? = nil,
        exits: [StepExit] = []
    ) {
        self.id = id
        self.owner = owner
        self.projectFolder = projectFolder
        self.startedAt = startedAt
        self.end = end
        self.exits = exits
    }
}

/// How a run ended.
package struct RunEnd: Hashable, Sendable {
    package let endedAt: Date
    /// As in a run's report, or ``cutOff``.
    package let status: String
    /// `nil` for a run that was cut off: nobody was left to have one.
    package let exitCode: Int32?

    package init(endedAt: Date, status: String, exitCode: Int32?) {
        self.endedAt = endedAt
        self.status = status
        self.exitCode = exitCode
    }

    /// The status of a run whose process died before it had ended.
    package static let cutOff = "cut_off"
}

/// The exit of one attempt of a step.
package struct StepExit: Hashable, Sendable {
    package let stage: String
    package let step: String
    package let attempt: Int
    package let exitCode: Int

    package init(stage: String, step: String, attempt: Int, exitCode: Int) {
        self.stage = stage
        self.step = step
        self.attempt = attempt
        self.exitCode = exitCode
    }
}

/// A container that its labels can't tell, such as one that becomes an image: a commit hands them on.
package struct JournaledContainer: Hashable, Sendable {
    package let number: Int64
    package let owner: OwnerIdentity
    /// What it is for, such as `build`.
    package let kind: String
    /// The name it is created under, which must be used for nothing else ever.
    package let name: String
    /// `nil` as long as the engine has not answered with one.
    package var containerID: String?

    package init(number: Int64, owner: OwnerIdentity, kind: String, name: String, containerID: String? = nil) {
        self.number = number
        self.owner = owner
        self.kind = kind
        self.name = name
        self.containerID = containerID
    }
}
