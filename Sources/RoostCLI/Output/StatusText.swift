import Pipeline

/// A step's or a run's status as a sign and words.
struct StatusText: Sendable {
    private let theme: Theme

    init(_ theme: Theme) {
        self.theme = theme
    }

    func glyph(_ status: StepStatus) -> String {
        switch status {
        case .succeeded: theme.glyphs.succeeded
        case .skipped, .cancelled: theme.glyphs.skipped
        case .failed, .timedOut, .oomKilled, .infrastructureError: theme.glyphs.failed
        }
    }

    func word(_ status: StepStatus) -> String {
        switch status {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .timedOut: "timed out"
        case .oomKilled: "out of memory"
        case .cancelled: "cancelled"
        case .skipped: "skipped"
        case .infrastructureError: "engine failed"
        }
    }

    func ink(_ status: StepStatus) -> Paint.Ink {
        switch status {
        case .succeeded: .green
        case .skipped, .cancelled: .dim
        case .failed, .timedOut, .oomKilled: .red
        case .infrastructureError: .magenta
        }
    }

    func colored(_ status: StepStatus) -> String { theme.paint("\(glyph(status)) \(word(status))", ink(status)) }

    func word(_ status: RunReport.RunStatus) -> String {
        switch status {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .timedOut: "timed out"
        case .oomKilled: "ran out of memory"
        case .infrastructureError: "could not be run"
        case .interrupted: "was interrupted"
        }
    }
}

extension StepStatus {
    /// Whether a person has to look at the step: skipped and cancelled ones are the consequence of others.
    var isFault: Bool {
        switch self {
        case .failed, .timedOut, .oomKilled, .infrastructureError: true
        case .succeeded, .cancelled, .skipped: false
        }
    }
}
