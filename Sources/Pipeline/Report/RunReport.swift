package import Foundation
package import RoostCore

/// How a step ended.
package enum StepStatus: String, Sendable, Hashable, CaseIterable {
    case succeeded
    /// The command ended with a code other than 0.
    case failed
    case timedOut = "timed_out"
    case oomKilled = "oom_killed"
    case cancelled
    case skipped
    /// The engine, a registry or the host failed, not the step: never confused with `failed`.
    case infrastructureError = "infrastructure_error"
}

/// The phases of a step from the moment its stage could have started to its end, in the order in which they follow.
package enum StepPhase: String, Sendable, Hashable, CaseIterable {
    /// Asking the registries which images there are.
    case resolve
    /// Ready to run, waiting for a place under `max_parallel` or for the engine's start limit.
    case wait
    /// Waiting for the stage's images.
    case pull
    case create
    case start
    case run
    /// Reading the verdict, draining the logs, and removing the container.
    case cleanup
}

/// The end of one step: what `roost.report/1` says of it.
package struct StepReport: Sendable {
    package var id: StepID
    /// The image as the pipeline names it.
    package var image: String
    package var status: StepStatus
    /// The command's exit code; `nil` where it never ran to an end.
    package var exitCode: Int?
    /// How many times the step was started; 0 for a skipped one.
    package var attempts: Int
    /// The attempts before the last one, in their order.
    package var earlierAttempts: [AttemptReport]
    /// Why the step has this status, for people: what happened and what to do next. `nil` for a success.
    package var reason: String?
    /// A remark on a step that did not fail because of it, such as a child killed for want of memory.
    package var warning: String?
    /// From the run's start to the start of the step's first phase.
    package var offset: Duration
    package var phases: [StepPhase: Duration]
    package var memoryLimit: ByteCount?
    /// The most memory that the container was seen to use, and its limit where it ran out of it; `nil` for steps that ended
    /// before anything could be seen.
    package var peakMemory: ByteCount?
    /// The raw log, relative to the project folder.
    package var logPath: String?
    /// The last lines of the log (at most 20), filled in for steps that did not succeed.
    package var lastLines: [LogLine]

    package init(id: StepID, image: String, status: StepStatus) {
        self.id = id
        self.image = image
        self.status = status
        self.attempts = 0
        self.earlierAttempts = []
        self.offset = .zero
        self.phases = [:]
        self.lastLines = []
    }

    /// The sum of all phases, where it comes from elsewhere: a report that is read back has lost what is below a millisecond.
    package var statedTotal: Duration?

    /// The sum of all phases.
    package var total: Duration { statedTotal ?? phases.values.reduce(.zero, +) }
}

/// The end of an attempt that was not the step's last.
package struct AttemptReport: Sendable {
    /// Counted from 1.
    package let number: Int
    package let status: StepStatus
    package let exitCode: Int?
    package let reason: String?
    /// How long the command ran.
    package let duration: Duration
    /// The raw log, relative to the project folder.
    package let logPath: String?

    package init(
        number: Int,
        status: StepStatus,
        exitCode: Int?,
        reason: String?,
        duration: Duration,
        logPath: String?
    ) {
        self.number = number
        self.status = status
        self.exitCode = exitCode
        self.reason = reason
        self.duration = duration
        self.logPath = logPath
    }
}

/// The end of one stage.
package struct StageReport: Sendable {
    package var name: String
    /// `succeeded`, `skipped`, or the status of the first step that did not succeed.
    package var status: StepStatus
    package var duration: Duration
    package var steps: [StepReport]

    package init(name: String, status: StepStatus, duration: Duration, steps: [StepReport]) {
        self.name = name
        self.status = status
        self.duration = duration
        self.steps = steps
    }
}

/// One image of the run: pulled, or found present.
package struct PulledImage: Sendable {
    /// The image as the pipeline names it.
    package var image: String
    /// `pulled`, `tagged` (same digest as another), `present`, `failed`, `cancelled` (cut or no more begun).
    package var outcome: Outcome
    package var digest: String?
    /// Bytes that this pull moved over the network; layers shared with another pull count for the first.
    package var bytes: ByteCount
    package var duration: Duration
    /// The registry or mirror that answered for it, such as `registry-1.docker.io`; `nil` where none was asked.
    package var source: String?
    package var error: String?

    package enum Outcome: String, Sendable { case pulled, tagged, present, failed, cancelled }

    package init(image: String, outcome: Outcome, bytes: ByteCount = ByteCount(0), duration: Duration = .zero) {
        self.image = image
        self.outcome = outcome
        self.bytes = bytes
        self.duration = duration
    }
}

/// The end of a run: what `--report` writes as `roost.report/1`.
package struct RunReport: Sendable {
    package var runID: String
    package var pipeline: String
    /// The name of the pipeline's file, in the project folder.
    package var file: String?
    package var status: RunStatus
    package var exitCode: Int32
    package var startedAt: Date
    package var duration: Duration
    /// Why the run did not succeed, for people; `nil` for a success.
    package var reason: String?
    /// The step that first kept the run from succeeding, in time; its status decides the exit code.
    package var firstFault: StepID?
    package var images: [PulledImage]
    package var stages: [StageReport]
    /// The services that were begun, group after group.
    package var services: [ServiceReport] = []
    package var warnings: [String]

    package enum RunStatus: String, Sendable, Hashable {
        case succeeded, failed, timedOut = "timed_out", oomKilled = "oom_killed", infrastructureError =
            "infrastructure_error", interrupted
    }

    package init(
        runID: String,
        pipeline: String,
        status: RunStatus,
        exitCode: Int32,
        startedAt: Date,
        duration: Duration,
        images: [PulledImage] = [],
        stages: [StageReport] = [],
        warnings: [String] = []
    ) {
        self.runID = runID
        self.pipeline = pipeline
        self.status = status
        self.exitCode = exitCode
        self.startedAt = startedAt
        self.duration = duration
        self.images = images
        self.stages = stages
        self.warnings = warnings
    }
}
