import ImagePull

/// What a run tells, with its secrets hidden: all text that is not the file's own. Lines of output were masked when they
/// were read, and names stay: they are what tells one thing from another.
extension RunEvent.Kind {
    func masked(by mask: SecretMask) -> RunEvent.Kind {
        switch self {
        case .runStarted, .stageStarted, .stepStarted, .stepLog: self
        case .warning(let text): .warning(mask.hide(in: text))
        case .notice(let text): .notice(mask.hide(in: text))
        case .pull(let event): .pull(event.masked(by: mask))
        case .stepRetrying(let retry):
            .stepRetrying(
                StepRetry(
                    id: retry.id,
                    attempt: retry.attempt.masked(by: mask),
                    attempts: retry.attempts,
                    pause: retry.pause
                )
            )
        case .stepFinished(let report): .stepFinished(report.masked(by: mask))
        case .stageFinished(let report): .stageFinished(report.masked(by: mask))
        case .runFinished(let report): .runFinished(report.masked(by: mask))
        }
    }
}

extension RunReport {
    /// The report with the secrets in its reasons, warnings and errors hidden.
    package func masked(by mask: SecretMask) -> RunReport {
        var report = self
        report.reason = reason.map(mask.hide)
        report.warnings = warnings.map(mask.hide)
        report.stages = stages.map { $0.masked(by: mask) }
        for index in images.indices { report.images[index].error = images[index].error.map(mask.hide) }
        return report
    }
}

extension StageReport {
    fileprivate func masked(by mask: SecretMask) -> StageReport {
        var report = self
        report.steps = steps.map { $0.masked(by: mask) }
        return report
    }
}

extension StepReport {
    fileprivate func masked(by mask: SecretMask) -> StepReport {
        var report = self
        report.reason = reason.map(mask.hide)
        report.warning = warning.map(mask.hide)
        report.earlierAttempts = earlierAttempts.map { $0.masked(by: mask) }
        return report
    }
}

extension AttemptReport {
    fileprivate func masked(by mask: SecretMask) -> AttemptReport {
        AttemptReport(
            number: number,
            status: status,
            exitCode: exitCode,
            reason: reason.map(mask.hide),
            duration: duration,
            logPath: logPath
        )
    }
}

extension PullEvent {
    fileprivate func masked(by mask: SecretMask) -> PullEvent {
        switch self {
        case .resolving, .planned, .started, .progress: self
        case .retrying(let image, let attempt, let delay, let reason):
            .retrying(image: image, attempt: attempt, delay: delay, reason: mask.hide(in: reason))
        case .finished(let outcome): .finished(outcome.masked(by: mask))
        }
    }
}

extension PullOutcome {
    fileprivate func masked(by mask: SecretMask) -> PullOutcome {
        guard case .failed(let failure) = result else { return self }
        return PullOutcome(
            image: image,
            result: .failed(
                PullFailure(
                    image: failure.image,
                    kind: failure.kind,
                    message: mask.hide(in: failure.message),
                    isDefinite: failure.isDefinite
                )
            ),
            imageID: imageID,
            digest: digest,
            bytes: bytes,
            duration: duration,
            source: source
        )
    }
}
