import DockerEngine
import OCIDistribution
import Synchronization

/// Turns the streams of one run's pulls into a few progress events a second.
final class ProgressReporter: Sendable {
    private struct State {
        var book = PullProgressBook()
        var throttle = ProgressThrottle()
        /// Images with a change that was not reported yet.
        var unreported: Set<ImageReference> = []
    }

    private let state = Mutex(State())
    private let onEvent: @Sendable (PullEvent) async -> Void

    init(onEvent: @escaping @Sendable (PullEvent) async -> Void) {
        self.onEvent = onEvent
    }

    func take(_ message: PullMessage, of image: ImageReference) async {
        let report: PullProgress? = state.withLock { state in
            guard state.book.apply(message, to: image) else { return nil }
            guard state.throttle.allows(image, at: .now) else {
                state.unreported.insert(image)
                return nil
            }
            state.unreported.remove(image)
            return state.book.progress(of: image)
        }
        if let report { await onEvent(.progress(report)) }
    }

    /// Reports an image's final state where it was held back.
    func flush(_ image: ImageReference) async {
        let report: PullProgress? = state.withLock { state in
            state.unreported.remove(image) == nil ? nil : state.book.progress(of: image)
        }
        if let report { await onEvent(.progress(report)) }
    }

    func bytes(of image: ImageReference) -> Int64 { state.withLock { $0.book.bytes(of: image) } }
}
