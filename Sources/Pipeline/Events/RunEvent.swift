package import Foundation
package import ImagePull

/// One thing that happened in a run, in the order in which it happened.
///
/// All of a run's producers feed one bounded channel of these, and one writer renders them, so that no line of one step
/// ever tears a line of another. ``RunEventEncoder`` defines the JSON form, `roost.events/1`.
package struct RunEvent: Sendable {
    /// The wall-clock time, for people and logs; durations are measured on the monotonic clock.
    package let time: Date
    package let kind: Kind

    package init(time: Date, kind: Kind) {
        self.time = time
        self.kind = kind
    }

    package enum Kind: Sendable {
        case runStarted(RunHeader)
        /// Something that the user should know and that does not fail the run.
        case warning(String)
        /// Something that the user should know of the run's progress, such as what an interruption now does.
        case notice(String)
        case pull(PullEvent)
        case stageStarted(StageHeader)
        case serviceStarted(ServiceStart)
        case serviceReady(ServiceReady)
        case serviceFinished(ServiceReport)
        case stepStarted(StepStart)
        case stepLog(StepLog)
        /// An attempt did not succeed, and the step is run again.
        case stepRetrying(StepRetry)
        case stepFinished(StepReport)
        case stageFinished(StageReport)
        /// Always the last event.
        case runFinished(RunReport)
    }
}

/// A step within its pipeline.
package struct StepID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let stage: String
    package let step: String

    package init(stage: String, step: String) {
        self.stage = stage
        self.step = step
    }

    package var description: String { "\(stage)/\(step)" }

    package static func < (left: StepID, right: StepID) -> Bool {
        (left.stage, left.step) < (right.stage, right.step)
    }
}

/// What is known when a run starts.
package struct RunHeader: Sendable {
    package let runID: String
    /// The pipeline's name, or the project folder's where the file gives none.
    package let pipeline: String
    package let file: String
    /// Every step that will run, in plan order, for sizing columns and showing totals.
    package let steps: [StepID]
    /// The engine as it names itself, such as `Docker Engine 20.10.24 at unix:///var/run/docker.sock`.
    package let engine: String

    package init(runID: String, pipeline: String, file: String, steps: [StepID], engine: String) {
        self.runID = runID
        self.pipeline = pipeline
        self.file = file
        self.steps = steps
        self.engine = engine
    }
}

/// A stage that starts: `index` of `count`, counted from 1.
package struct StageHeader: Sendable {
    package let name: String
    package let index: Int
    package let count: Int
    package let steps: [String]

    package init(name: String, index: Int, count: Int, steps: [String]) {
        self.name = name
        self.index = index
        self.count = count
        self.steps = steps
    }
}

/// A step's container has started.
package struct StepStart: Sendable {
    package let id: StepID
    /// The image as the pipeline names it.
    package let image: String
    /// Counted from 1.
    package let attempt: Int
    /// How many there can be.
    package let attempts: Int
    package let containerID: String

    package init(id: StepID, image: String, attempt: Int, attempts: Int = 1, containerID: String) {
        self.id = id
        self.image = image
        self.attempt = attempt
        self.attempts = attempts
        self.containerID = containerID
    }
}

/// A step that is run again after an attempt that did not succeed.
package struct StepRetry: Sendable {
    package let id: StepID
    package let attempt: AttemptReport
    package let attempts: Int
    /// Until the next attempt.
    package let pause: Duration

    package init(id: StepID, attempt: AttemptReport, attempts: Int, pause: Duration) {
        self.id = id
        self.attempt = attempt
        self.attempts = attempts
        self.pause = pause
    }
}

/// Whole lines that a step printed on one of its streams, in their order.
package struct StepLog: Sendable {
    package let id: StepID
    /// Counted from 1.
    package let attempt: Int
    /// How many there can be.
    package let attempts: Int
    package let lines: [LogLine]

    package init(id: StepID, attempt: Int, attempts: Int = 1, lines: [LogLine]) {
        self.id = id
        self.attempt = attempt
        self.attempts = attempts
        self.lines = lines
    }
}

/// One line of a step's output, without its line break, as the bytes that the step wrote.
package struct LogLine: Sendable, Hashable {
    package enum Stream: String, Sendable, Hashable { case stdout, stderr }

    package let stream: Stream
    /// The raw bytes: any encoding, NUL and escape sequences included. The renderer makes them safe to show.
    package let bytes: [UInt8]
    /// True where the line was longer than the buffer and goes on in the next entry of the same stream.
    package let continues: Bool

    package init(stream: Stream, bytes: [UInt8], continues: Bool) {
        self.stream = stream
        self.bytes = bytes
        self.continues = continues
    }
}
