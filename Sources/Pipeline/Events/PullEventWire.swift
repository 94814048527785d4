import ImagePull
import OCIDistribution
import RoostCore

// The bodies of the events of pulls, as `docs/events.md` lists them.

struct PullResolvingWire: Encodable {
    let images: Int
}

struct PullPlannedWire: Encodable {
    let toPull: [String]
    let present: [String]

    init(_ summary: PullSummary) {
        toPull = summary.toPull.map(\.familiar)
        present = summary.present.map(\.familiar)
    }
}

struct PullStartedWire: Encodable {
    let image: String
    let source: String?
    let attempt: Int
}

struct PullProgressWire: Encodable {
    struct Layer: Encodable {
        let layer: String
        let state: String
        let downloadedBytes: Int64
        let totalBytes: Int64
    }

    let image: String
    let downloadedBytes: Int64
    let totalBytes: Int64
    let layers: [Layer]

    init(_ progress: PullProgress) {
        image = progress.image.familiar
        downloadedBytes = progress.layers.reduce(0) { $0 + $1.downloaded }
        totalBytes = progress.layers.reduce(0) { $0 + $1.total }
        layers = progress.layers.map {
            Layer(layer: $0.layer, state: $0.state.rawValue, downloadedBytes: $0.downloaded, totalBytes: $0.total)
        }
    }
}

struct PullRetryingWire: Encodable {
    let image: String
    let attempt: Int
    let delayMs: Int64
    let reason: String
}

struct PullFinishedWire: Encodable {
    let image: String
    let outcome: String
    let taggedFrom: String?
    let imageId: String?
    let digest: String?
    let bytes: Int64
    let durationMs: Int64
    let source: String?
    let error: String?
    let errorKind: String?

    init(_ outcome: PullOutcome) {
        image = outcome.image.familiar
        imageId = outcome.imageID
        digest = outcome.digest?.description
        bytes = outcome.bytes.bytes
        durationMs = outcome.duration.wholeMilliseconds
        source = outcome.source
        var from: ImageReference?
        var failure: PullFailure?
        switch outcome.result {
        case .pulled: self.outcome = "pulled"
        case .tagged(let other): (self.outcome, from) = ("tagged", other)
        case .present: self.outcome = "present"
        case .failed(let reason): (self.outcome, failure) = ("failed", reason)
        case .cancelled: self.outcome = "cancelled"
        }
        taggedFrom = from?.familiar
        error = failure?.message
        errorKind = failure.map { Self.name($0.kind) }
    }

    private static func name(_ kind: PullFailure.Kind) -> String {
        switch kind {
        case .notFound: "not_found"
        case .unauthorized: "unauthorized"
        case .forbidden: "forbidden"
        case .badName: "bad_name"
        case .rateLimited: "rate_limited"
        case .unavailable: "unavailable"
        case .engine: "engine"
        case .missingOffline: "missing_offline"
        }
    }
}
