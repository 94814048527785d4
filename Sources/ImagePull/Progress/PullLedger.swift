import OCIDistribution
import RoostCore

/// Which images a pull was to bring and how each of them ended, kept from its events.
///
/// The events stop where a pull is cut: by an interruption, or by the failure of another image. The ledger knows what was
/// still open then.
package struct PullLedger: Sendable {
    private struct Open {
        let image: ImageReference
        var source: String?
        var started: ContinuousClock.Instant?
    }

    /// How many images ended in each way.
    package struct Counts: Sendable, Hashable {
        package var pulled = 0
        package var tagged = 0
        package var present = 0
        package var failed = 0
        package var cancelled = 0

        package init() {}

        package var total: Int { pulled + tagged + present + failed + cancelled }
    }

    /// The ends so far, in their order.
    package private(set) var outcomes: [PullOutcome] = []
    /// In the order of need.
    private var open: [Open] = []
    /// A layer's bytes are counted for the image whose pull first saw it move.
    private var owners: [String: ImageReference] = [:]
    private var moved: [String: Int64] = [:]

    package init() {}

    package var counts: Counts {
        outcomes.reduce(into: Counts()) { counts, outcome in
            switch outcome.result {
            case .pulled: counts.pulled += 1
            case .tagged: counts.tagged += 1
            case .present: counts.present += 1
            case .failed: counts.failed += 1
            case .cancelled: counts.cancelled += 1
            }
        }
    }

    /// Takes the next event.
    package mutating func note(_ event: PullEvent, at now: ContinuousClock.Instant) {
        switch event {
        case .planned(let summary):
            for image in summary.toPull { _ = place(of: image) }
        case .started(let image, let source, _):
            let place = place(of: image)
            open[place].source = source
            if open[place].started == nil { open[place].started = now }
        case .progress(let progress):
            for layer in progress.layers where layer.state != .exists && layer.downloaded > 0 {
                owners[layer.layer] = owners[layer.layer] ?? progress.image
                moved[layer.layer] = max(moved[layer.layer] ?? 0, layer.downloaded)
            }
        case .finished(let outcome):
            open.removeAll { $0.image == outcome.image }
            outcomes.append(outcome)
        case .resolving, .retrying: break
        }
    }

    /// The ends of all images that have none, for a pull that is over: they were cancelled.
    ///
    /// Not noted by this; hand them to ``note(_:at:)`` as events.
    package func cut(at now: ContinuousClock.Instant) -> [PullOutcome] {
        open.map { image in
            PullOutcome(
                image: image.image,
                result: .cancelled,
                imageID: nil,
                digest: nil,
                bytes: ByteCount(bytes(of: image.image)),
                duration: image.started.map { $0.duration(to: now) } ?? .zero,
                source: image.source
            )
        }
    }

    private mutating func place(of image: ImageReference) -> Int {
        if let place = open.firstIndex(where: { $0.image == image }) { return place }
        open.append(Open(image: image))
        return open.count - 1
    }

    private func bytes(of image: ImageReference) -> Int64 {
        owners.reduce(into: Int64(0)) { sum, owner in
            guard owner.value == image else { return }
            let (added, overflow) = sum.addingReportingOverflow(moved[owner.key] ?? 0)
            sum = overflow ? .max : added
        }
    }
}
