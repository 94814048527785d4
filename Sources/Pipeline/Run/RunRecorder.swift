import AsyncAlgorithms
import Foundation
import ImagePull
import OCIDistribution
import RoostCore
import Synchronization

/// Sends a run's events to the one who shows them, and keeps what the report needs of them.
///
/// The channel holds nothing: whoever emits waits until the event has been taken, so that a slow terminal slows the
/// reading of output down instead of filling the memory.
final class RunRecorder: Sendable {
    private struct State {
        var warnings: [String] = []
        var pulls = PullLedger()
    }

    private let channel: AsyncChannel<RunEvent>
    private let imageTexts: [String: String]
    private let mask: SecretMask?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - channel: Where the events go.
    ///   - imageTexts: How the pipeline writes each image, by its normalised form.
    ///   - mask: Hides the run's secrets in all that is emitted; `nil` where it has none.
    init(channel: AsyncChannel<RunEvent>, imageTexts: [String: String], mask: SecretMask?) {
        self.channel = channel
        self.imageTexts = imageTexts
        self.mask = mask
    }

    var warnings: [String] { state.withLock { $0.warnings } }
    var images: [PulledImage] {
        state.withLock { $0.pulls.outcomes }.map { PulledImage($0, text: imageTexts[$0.image.description]) }
    }

    func emit(_ kind: RunEvent.Kind) async {
        let kind = mask.map { kind.masked(by: $0) } ?? kind
        switch kind {
        case .warning(let text):
            // The engine repeats a warning for every container; once a run is enough.
            let isNew = state.withLock { state in
                guard !state.warnings.contains(text) else { return false }
                state.warnings.append(text)
                return true
            }
            guard isNew else { return }
        case .pull(let event):
            state.withLock { $0.pulls.note(event, at: .now) }
        default: break
        }
        await channel.send(RunEvent(time: Date(), kind: kind))
    }

    /// Tells the end of the pulls that have none, once no pull goes on.
    func emitCutPulls() async {
        for outcome in state.withLock({ $0.pulls.cut(at: .now) }) { await emit(.pull(.finished(outcome))) }
    }
}

extension PulledImage {
    /// - Parameters:
    ///   - outcome: How the pull ended.
    ///   - text: The image as the pipeline writes it.
    init(_ outcome: PullOutcome, text: String?) {
        self.init(
            image: text ?? outcome.image.familiar,
            outcome: Outcome(outcome.result),
            bytes: outcome.bytes,
            duration: outcome.duration
        )
        digest = outcome.digest?.description
        source = outcome.source
        if case .failed(let failure) = outcome.result { error = failure.message }
    }
}

extension PulledImage.Outcome {
    fileprivate init(_ result: PullOutcome.Result) {
        self =
            switch result {
            case .pulled: .pulled
            case .tagged: .tagged
            case .present: .present
            case .failed: .failed
            case .cancelled: .cancelled
            }
    }
}
