import Foundation
import OCIDistribution
import RoostTesting
import Testing

@Suite("Manifests")
struct ManifestTests {
    static let hash = "sha256:" + String(repeating: "ab", count: 32)
    static let image = """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
         "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\(hash)","size":10},
         "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"\(hash)","size":20,
                    "urls":["http://169.254.169.254/latest"]}]}
        """
    static let index = """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",
         "manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\(hash)","size":5,
                       "platform":{"os":"linux","architecture":"arm64","variant":"v8"}}]}
        """

    private func parse(_ text: String, _ type: MediaType? = nil) throws(ManifestError) -> Manifest {
        try Manifest(parsing: Array(text.utf8), mediaType: type)
    }

    @Test("an image's manifest is read; the urls of its layers are not kept")
    func readsImage() throws {
        guard case .image(let image) = try parse(Self.image, .ociManifest) else {
            Issue.record("not an image")
            return
        }
        #expect(image.layers.map(\.size) == [20])
        #expect(image.config.digest.description == Self.hash)
        #expect(!String(decoding: try JSONEncoder().encode(image), as: UTF8.self).contains("169.254"))
    }

    @Test("an index is read with its platforms normalised")
    func readsIndex() throws {
        guard case .index(let index) = try parse(Self.index, MediaType("application/vnd.oci.image.index.v1+json; x=y"))
        else {
            Issue.record("not an index")
            return
        }
        #expect(index.manifests.first?.platform == Platform(os: "linux", architecture: "arm64"))
    }

    static let refused: [(text: String, type: MediaType?, error: ManifestError)] = [
        ("", nil, .malformed), ("[]", nil, .malformed), ("<html>", nil, .malformed), ("\u{0}", nil, .malformed),
        ("{}", nil, .unsupported), (#"{"schemaVersion":1,"fsLayers":[]}"#, nil, .unsupported),
        (image, .ociIndex, .ambiguous), (index, .ociManifest, .ambiguous),
        (image, .dockerManifest, .ambiguous),
        (image.replacing("image.manifest.v1", with: "image.index.v1"), nil, .ambiguous),
        (String(image.dropLast()) + #","manifests":[]}"#, .ociManifest, .ambiguous),
        (image.replacing("\"size\":20", with: "\"size\":-1"), nil, .malformed),
        (image.replacing("\"size\":20", with: "\"size\":9223372036854775808"), nil, .malformed),
        (image.replacing("\"size\":20", with: "\"size\":\"20\""), nil, .malformed),
        (image.replacing("ab", with: "AB"), nil, .malformed),
        (image.replacing(hash, with: "sha256:../../etc"), nil, .malformed),
        (image.replacing("\"layers\":[", with: "\"layers\":7,\"x\":["), nil, .malformed),
        (String(repeating: "[", count: 100_000), nil, .malformed),
        (#"{"a":"# + String(repeating: "[", count: 100_000), nil, .malformed),
        (String(repeating: " ", count: Manifest.largestSize + 1), nil, .tooLarge(limit: Manifest.largestSize)),
    ]

    @Test("damaged and ambiguous manifests are refused", arguments: refused)
    func refuses(row: (text: String, type: MediaType?, error: ManifestError)) {
        #expect(throws: row.error) { try parse(row.text, row.type) }
    }

    @Test("a configuration's layers are read")
    func config() throws {
        let text = """
            {"os":"linux","architecture":"arm","variant":"v6","config":{"Env":["A=b"]},"history":[],
             "rootfs":{"type":"layers","diff_ids":["\(Self.hash)"]}}
            """
        let config = try JSONDecoder().decode(ImageConfig.self, from: Data(text.utf8))
        #expect(config.platform.description == "linux/arm/v6")
        #expect(config.rootfs.diffIDs.map(\.description) == [Self.hash])
    }

    @Test("20,000 damaged manifests do no harm")
    func soakFuzz() async throws {
        try await Fuzzing.run(rounds: 20_000) { generator in
            let seed = Bool.random(using: &generator) ? Self.image : Self.index
            let bytes = Mutation.mutate(seed, with: &generator)
            guard let manifest = try? Manifest(parsing: bytes, mediaType: nil) else { return }
            let sizes =
                switch manifest {
                case .image(let image): image.layers.map(\.size) + [image.config.size]
                case .index(let index): index.manifests.map(\.size)
                }
            try Mutation.require(sizes.allSatisfy { $0 >= 0 }, "a negative size")
        }
    }
}
