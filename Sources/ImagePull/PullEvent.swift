package import OCIDistribution
package import RoostCore

/// What happens to the images of a pull, one stream of events for terminal, log and report alike.
///
/// The terminal's bars know nothing of the engine: they are drawn from these.
package enum PullEvent: Sendable {
    /// The registries are being asked about this many images.
    case resolving(images: Int)
    /// The set is known: what will be pulled, in order, and what is present.
    case planned(PullSummary)
    case started(image: ImageReference, source: String?, attempt: Int)
    /// The state of one image's layers; at most a few a second for each image.
    case progress(PullProgress)
    /// A transient failure: tried again after `delay`.
    case retrying(image: ImageReference, attempt: Int, delay: Duration, reason: String)
    case finished(PullOutcome)
}

/// The set of a pull.
package struct PullSummary: Sendable {
    package let toPull: [ImageReference]
    package let present: [ImageReference]

    package init(toPull: [ImageReference], present: [ImageReference]) {
        self.toPull = toPull
        self.present = present
    }
}

/// How far one image is.
package struct PullProgress: Sendable {
    package let image: ImageReference
    /// This image's layers that are known so far. The same layer has the same ``LayerProgress/layer`` in every image, so
    /// that a total over images counts it once.
    package let layers: [LayerProgress]

    package init(image: ImageReference, layers: [LayerProgress]) {
        self.image = image
        self.layers = layers
    }
}

/// How far one layer is.
package struct LayerProgress: Sendable, Hashable {
    package enum State: String, Sendable, Hashable {
        case waiting, downloading, verifying, extracting, complete, exists
    }

    /// The layer's short digest (12 hexadecimal digits), as the engine's stream names it.
    package let layer: String
    package var state: State
    /// Bytes downloaded; never more than ``total``.
    package var downloaded: Int64
    /// The layer's compressed size; 0 until the engine has said it.
    package var total: Int64

    package init(layer: String, state: State, downloaded: Int64 = 0, total: Int64 = 0) {
        self.layer = layer
        self.state = state
        self.downloaded = downloaded
        self.total = total
    }
}

/// The end of one image's pull.
package struct PullOutcome: Sendable {
    package enum Result: Sendable {
        /// Pulled over the network.
        case pulled
        /// Present under another name of the same digest: tagged, not pulled again.
        case tagged(from: ImageReference)
        /// Already there, and as new as asked for.
        case present
        case failed(PullFailure)
        /// Cut, or no more begun, by an interruption or by the failure of another image.
        case cancelled
    }

    package let image: ImageReference
    package let result: Result
    /// The image ID on the engine; `nil` where the image is not there.
    package let imageID: String?
    package let digest: Digest?
    package let bytes: ByteCount
    package let duration: Duration
    package let source: String?

    package init(
        image: ImageReference,
        result: Result,
        imageID: String?,
        digest: Digest?,
        bytes: ByteCount,
        duration: Duration,
        source: String?
    ) {
        self.image = image
        self.result = result
        self.imageID = imageID
        self.digest = digest
        self.bytes = bytes
        self.duration = duration
        self.source = source
    }
}

/// Why an image can't be had.
package struct PullFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable {
        case notFound, unauthorized, forbidden, badName, rateLimited, unavailable, engine, missingOffline
    }

    package let image: ImageReference
    package let kind: Kind
    /// What happened and what to do next, in one or two sentences; holds no secret.
    package let message: String
    /// True where trying again can't help: the registry has given its answer.
    package let isDefinite: Bool

    package init(image: ImageReference, kind: Kind, message: String, isDefinite: Bool) {
        self.image = image
        self.kind = kind
        self.message = message
        self.isDefinite = isDefinite
    }

    /// Names the image once: many messages begin with it.
    package var description: String {
        message.hasPrefix(image.familiar) ? message : "\(image.familiar): \(message)"
    }
}
