package import OCIDistribution
package import RoostCore

extension FakeEngine {
    /// An image that the fake engine has, or that its registry offers.
    package struct Image: Sendable {
        package struct Layer: Sendable, Hashable {
            package let diffID: String
            package let size: Int64

            /// - Parameters:
            ///   - name: Layers of the same name are the same layer.
            ///   - size: In bytes.
            package init(_ name: String, size: Int64 = 1000) {
                diffID = Digest.sha256(of: Array("layer \(name)".utf8)).description
                self.size = size
            }
        }

        /// `sha256:…`
        package let id: String
        /// The digest of the manifest by which a registry offers it.
        package let manifestDigest: Digest
        package var layers: [Layer]
        package var entrypoint: [String]?
        package var command: [String]?
        package var environment = ["PATH=/usr/bin:/bin"]
        package var labels: [String: String] = [:]
        package var user = ""
        package var architecture = TestImage.machineArchitecture
        package var variant: String?

        /// - Parameters:
        ///   - name: Decides the digests: images of different names have different ones.
        ///   - layers: One layer of its own where none are given.
        package init(_ name: String, layers: [Layer]? = nil) {
            id = Digest.sha256(of: Array("image \(name)".utf8)).description
            manifestDigest = Digest.sha256(of: Array("manifest \(name)".utf8))
            self.layers = layers ?? [Layer(name)]
            command = ["/bin/sh"]
        }

        package var size: Int64 { layers.reduce(0) { $0 + $1.size } }
    }

    /// How a registry answers the fake engine's pull of one name.
    package struct Offer: Sendable {
        package let image: Image
        /// Answers this status instead of pulling.
        package var status: (code: Int, message: String)?
        /// Holds the pull after its first layer's first bytes, until the latch is opened.
        package var gate: Latch?
        /// Ends the pull's stream with this error after the first layer's first bytes.
        package var streamError: String?
        /// Without these credentials the answer is as for an image that is not there.
        package var credentials: Credentials?

        package init(_ image: Image) {
            self.image = image
        }
    }
}

/// The images of a fake engine by their names.
struct ImageBook: Sendable {
    struct Entry: Sendable {
        var image: FakeEngine.Image
        var tags: [String] = []
        var digests: [String] = []
        let created: Int
    }

    private(set) var entries: [String: Entry] = [:]
    var offers: [ImageReference: FakeEngine.Offer] = [:]
    private var clock = 1_700_000_000

    var all: [Entry] { entries.values.sorted { $0.created > $1.created } }

    /// Diff IDs of all layers that are there.
    var layers: Set<String> { Set(entries.values.flatMap { $0.image.layers.map(\.diffID) }) }

    /// The image of this name, ID, or begin of an ID.
    func find(_ name: String) -> Entry? {
        if let exact = entries[name] ?? entries["sha256:\(name)"] { return exact }
        if let reference = try? ImageReference(parsing: name) {
            let known = entries.values.first { entry in
                if let digest = reference.digest { return entry.digests.contains("\(reference.name)@\(digest)") }
                return entry.tags.contains("\(reference.name):\(reference.tag ?? "latest")")
            }
            if let known { return known }
        }
        let hex = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
        guard !hex.isEmpty, hex.allSatisfy(\.isHexDigit) else { return nil }
        let matches = entries.values.filter { $0.image.id.dropFirst(7).hasPrefix(hex) }
        return matches.count == 1 ? matches.first : nil
    }

    /// Gives an image a name, which it takes from any other image, as a moved tag does.
    mutating func add(_ image: FakeEngine.Image, as reference: ImageReference?) {
        if entries[image.id] == nil {
            clock += 1
            entries[image.id] = Entry(image: image, created: clock)
        }
        guard let reference else { return }
        if let digest = reference.digest {
            addDigest("\(reference.name)@\(digest)", to: image.id)
        } else {
            let tag = "\(reference.name):\(reference.tag ?? "latest")"
            for id in entries.keys { entries[id]?.tags.removeAll { $0 == tag } }
            entries[image.id]?.tags.append(tag)
        }
    }

    mutating func addDigest(_ digest: String, to id: String) {
        if entries[id]?.digests.contains(digest) == false { entries[id]?.digests.append(digest) }
    }

    mutating func removeTag(_ tag: String, from id: String) { entries[id]?.tags.removeAll { $0 == tag } }
    mutating func removeDigest(_ digest: String, from id: String) { entries[id]?.digests.removeAll { $0 == digest } }
    mutating func remove(_ id: String) { entries[id] = nil }

    /// What a registry offers under a name; without a tag and a digest all of the repository's.
    func offers(name: ImageReference, wantsAllTags: Bool) -> [(ImageReference, FakeEngine.Offer)] {
        if wantsAllTags {
            return offers.filter { $0.key.name == name.name }.sorted { $0.key.familiar < $1.key.familiar }
        }
        if let digest = name.digest {
            return offers.filter { $0.key.name == name.name && $0.value.image.manifestDigest == digest }.prefix(1)
                .map { (name, $0.value) }
        }
        return offers[name].map { [(name, $0)] } ?? []
    }
}
