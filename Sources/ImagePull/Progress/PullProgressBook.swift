package import DockerEngine
package import OCIDistribution

/// The layers of all images of a pull, as the engine's streams tell of them.
///
/// Bytes are counted once: a layer that several pulls share belongs to the image whose pull first saw it move.
package struct PullProgressBook: Sendable {
    private struct Image {
        var order: [String] = []
        var layers: [String: LayerProgress] = [:]
    }

    private var images: [ImageReference: Image] = [:]
    /// Which image a layer's bytes are counted for.
    private var owners: [String: ImageReference] = [:]
    /// The most bytes of a layer that any stream has seen.
    private var moved: [String: Int64] = [:]

    /// An image has at most 127 layers; more than this many come from no engine.
    static let mostLayers = 1024

    package init() {}

    /// Takes one message of an image's stream.
    ///
    /// - Returns: Whether it changed a layer.
    package mutating func apply(_ message: PullMessage, to reference: ImageReference) -> Bool {
        guard let id = message.id, let status = message.status, LayerStatus.isLayer(id),
            let state = LayerStatus.state(status)
        else { return false }
        var image = images[reference] ?? Image()
        if image.layers[id] == nil {
            guard image.order.count < Self.mostLayers else { return false }
            image.order.append(id)
        }
        let old = image.layers[id]
        var layer = old ?? LayerProgress(layer: id, state: state)
        layer.state = state
        advance(&layer, message.progress)
        image.layers[id] = layer
        images[reference] = image
        if state != .exists, layer.downloaded > 0 {
            let owner = owners[id] ?? reference
            owners[id] = owner
            moved[id] = max(moved[id] ?? 0, layer.downloaded)
        }
        return layer != old
    }

    /// The layers of an image, in the order in which its stream named them.
    package func progress(of reference: ImageReference) -> PullProgress {
        let image = images[reference] ?? Image()
        return PullProgress(image: reference, layers: image.order.compactMap { image.layers[$0] })
    }

    /// The bytes that came over the network for an image.
    package func bytes(of reference: ImageReference) -> Int64 {
        owners.reduce(into: Int64(0)) { sum, owner in
            guard owner.value == reference else { return }
            let (added, overflow) = sum.addingReportingOverflow(moved[owner.key] ?? 0)
            sum = overflow ? .max : added
        }
    }

    private func advance(_ layer: inout LayerProgress, _ progress: PullMessage.Progress?) {
        let current = max(0, progress?.current ?? 0)
        let total = max(0, progress?.total ?? 0)
        switch layer.state {
        case .downloading:
            if total > 0 { layer.total = total }
            // A stream that names no total tells only how much came; the layer is at least that long.
            if layer.total < current, total == 0 { layer.total = current }
            layer.downloaded = min(current, layer.total)
        case .verifying, .extracting, .complete:
            // Small layers come without a word of their size until they are extracted.
            if layer.total == 0 { layer.total = total }
            layer.downloaded = layer.total
        case .waiting, .exists:
            layer.downloaded = 0
        }
    }
}

/// Lets through at most one report of an image in `interval`.
package struct ProgressThrottle: Sendable {
    private let interval: Duration
    private var last: [ImageReference: ContinuousClock.Instant] = [:]

    package init(interval: Duration = .milliseconds(200)) {
        self.interval = interval
    }

    /// Whether a report of the image is due now; if so it counts as made.
    package mutating func allows(_ image: ImageReference, at now: ContinuousClock.Instant) -> Bool {
        if let before = last[image], before.duration(to: now) < interval { return false }
        last[image] = now
        return true
    }
}
