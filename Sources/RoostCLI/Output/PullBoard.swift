import ImagePull
import OCIDistribution
import RoostCore

/// What is known of all images of a pull at one moment: events in, figures out.
struct PullBoard: Sendable {
    /// Where one image is.
    enum State: Hashable, Sendable {
        case waiting
        case pulling
        case retrying(until: Duration)
        case finished
    }

    /// Bytes downloaded of how many.
    struct Amount: Hashable, Sendable {
        var downloaded: Int64 = 0
        var total: Int64 = 0

        /// 0 to 1; 0 while the total is not known.
        var fraction: Double { total > 0 ? min(Double(downloaded) / Double(total), 1) : 0 }
    }

    struct Image: Sendable {
        let name: String
        var state: State
        var startedAt: Duration?
        var layers: [LayerProgress] = []

        /// All of this image's layers, those shared with another image too.
        var amount: Amount { Self.sum(layers) }

        /// What most of the remaining work is.
        var activity: String {
            switch state {
            case .waiting: return "waiting"
            case .retrying: return "retrying"
            case .finished: return "done"
            case .pulling: break
            }
            let states = Set(layers.map(\.state))
            if states.contains(.downloading) { return "downloading" }
            if states.contains(.extracting) { return "extracting" }
            if states.contains(.verifying) { return "verifying" }
            return states.contains(.complete) && !states.contains(.waiting) ? "finishing" : "starting"
        }

        private static func sum(_ layers: [LayerProgress]) -> Amount {
            layers.reduce(into: Amount()) { sum, layer in
                guard layer.state != .exists else { return }
                sum.downloaded += layer.downloaded
                sum.total += layer.total
            }
        }
    }

    /// In the order in which they will be pulled.
    private(set) var images: [Image] = []
    private var places: [ImageReference: Int] = [:]
    private var layers: [String: LayerProgress] = [:]
    private var samples: [(time: Duration, bytes: Int64)] = []

    /// How far back the rate looks: long enough to be calm, short enough to follow a change.
    static let rateWindow: Duration = .seconds(5)

    mutating func apply(_ event: PullEvent, at now: Duration) {
        switch event {
        case .resolving:
            break
        case .planned(let summary):
            for image in summary.toPull { _ = place(of: image) }
        case .started(let image, _, _):
            let place = place(of: image)
            images[place].state = .pulling
            images[place].startedAt = images[place].startedAt ?? now
        case .progress(let progress):
            let place = place(of: progress.image)
            if images[place].state != .finished { images[place].state = .pulling }
            images[place].layers = progress.layers
            for layer in progress.layers { merge(layer) }
            sample(at: now)
        case .retrying(let image, _, let delay, _):
            images[place(of: image)].state = .retrying(until: now + delay)
        case .finished(let outcome):
            if let place = places[outcome.image] { images[place].state = .finished }
        }
    }

    /// Whether an image is still to come.
    var isActive: Bool { images.contains { $0.state != .finished } }

    var finishedCount: Int { images.count { $0.state == .finished } }

    func image(_ reference: ImageReference) -> Image? { places[reference].map { images[$0] } }

    /// All layers of all images, each counted once.
    var total: Amount {
        layers.values.reduce(into: Amount()) { sum, layer in
            guard layer.state != .exists else { return }
            sum.downloaded += layer.downloaded
            sum.total += layer.total
        }
    }

    /// Bytes a second over the last seconds; `nil` while too little is known.
    func rate(at now: Duration) -> Double? {
        guard let first = samples.first(where: { now - $0.time <= Self.rateWindow }), let last = samples.last else {
            return nil
        }
        let seconds = (now - first.time).inSeconds
        guard seconds >= 0.5 else { return nil }
        return Double(max(last.bytes - first.bytes, 0)) / seconds
    }

    /// How long the rest takes at the present rate; `nil` where that can't be told.
    func timeLeft(at now: Duration) -> Duration? {
        let total = total
        let hasUnknown = images.contains { $0.state != .finished && $0.amount.total == 0 }
        guard !hasUnknown, total.total > total.downloaded, let rate = rate(at: now), rate > 0 else { return nil }
        return .seconds(Double(total.total - total.downloaded) / rate)
    }

    private mutating func place(of image: ImageReference) -> Int {
        if let place = places[image] { return place }
        images.append(Image(name: TextSanitizer.plain(image.familiar), state: .waiting))
        places[image] = images.count - 1
        return images.count - 1
    }

    /// Two images may tell of the same layer at different moments: the further one holds.
    private mutating func merge(_ layer: LayerProgress) {
        guard let known = layers[layer.layer], known.state != .exists else {
            // What one pull has just fetched, the next finds there: the bytes were moved all the same.
            layers[layer.layer] = layer
            return
        }
        guard layer.state != .exists else { return }
        layers[layer.layer] = LayerProgress(
            layer: layer.layer,
            state: layer.state,
            downloaded: max(known.downloaded, layer.downloaded),
            total: max(known.total, layer.total)
        )
    }

    private mutating func sample(at now: Duration) {
        if let last = samples.last, now - last.time < .milliseconds(100) {
            samples[samples.count - 1].bytes = total.downloaded
            return
        }
        samples.append((now, total.downloaded))
        samples.removeAll { now - $0.time > Self.rateWindow }
    }
}
