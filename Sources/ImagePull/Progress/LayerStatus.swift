/// What the status words of a pull's stream say of a layer.
///
/// The stream has no codes: these words are its vocabulary, the same in the engine's classic and its containerd store
/// (`distribution/pull_v2.go` and `daemon/containerd/progress.go` in moby). Other words say nothing of a layer's state.
enum LayerStatus {
    static func state(_ status: String) -> LayerProgress.State? { words[status] }

    private static let words: [String: LayerProgress.State] = [
        "Pulling fs layer": .waiting,
        "Waiting": .waiting,
        "Downloading": .downloading,
        "Verifying Checksum": .verifying,
        "Download complete": .verifying,
        "Extracting": .extracting,
        "Pull complete": .complete,
        "Already exists": .exists,
    ]

    /// Whether an ID in the stream is a layer's short digest. A tag may look like one, but is never said any of these
    /// words of.
    static func isLayer(_ id: String) -> Bool {
        id.utf8.count == 12
            && id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
