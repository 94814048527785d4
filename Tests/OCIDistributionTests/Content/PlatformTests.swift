import OCIDistribution
import Testing

@Suite("Platforms")
struct PlatformTests {
    @Test(
        "platforms are read and normalised",
        arguments: [
            ("linux/amd64", "linux/amd64"), ("linux/x86_64", "linux/amd64"), ("linux/arm64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"), ("linux/aarch64", "linux/arm64"), ("linux/arm", "linux/arm/v7"),
            ("linux/arm/v6", "linux/arm/v6"), ("linux/arm/6", "linux/arm/v6"), ("linux/armhf", "linux/arm/v7"),
            ("Linux/AMD64", "linux/amd64"), ("windows/amd64", "windows/amd64"), ("arm64", "linux/arm64"),
            ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3"), ("linux/i386", "linux/386"),
            ("linux/riscv64", "linux/riscv64"), ("macos/arm64", "darwin/arm64"),
        ]
    )
    func parsing(text: String, expected: String) throws {
        #expect(try Platform(parsing: text).description == expected)
    }

    @Test(
        "what is no platform is refused",
        arguments: ["", "/", "linux/", "/amd64", "linux", "a/b/c/d", "linux/amd 64", "linux/amd64\n", "../..x/y z"]
    )
    func refused(text: String) {
        let error = #expect(throws: PlatformError.self) { try Platform(parsing: text) }
        #expect(error?.description.contains("linux/amd64") == true)
    }

    @Test("this machine has a platform with the OCI's names")
    func host() throws {
        #expect(try Platform(parsing: Platform.host.description) == .host)
        #expect(!["x86_64", "aarch64"].contains(Platform.host.architecture))
    }

    /// The wanted platform, an index's platforms, and the position of the one to take.
    static let choices: [(wanted: String, offered: [String], expected: Int?)] = [
        ("linux/amd64", ["linux/arm64", "linux/amd64"], 1),
        ("linux/amd64", ["linux/386", "linux/amd64"], 1),
        ("linux/amd64", ["linux/386", "linux/arm64"], 0),
        ("linux/amd64", ["windows/amd64", "linux/amd64/v2"], nil),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], 1),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v4"], 0),
        ("linux/arm64", ["linux/arm/v7", "linux/arm64/v8"], 1),
        ("linux/arm64", ["linux/arm/v6", "linux/arm/v7"], 1),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm64"], 1),
        ("linux/arm/v6", ["linux/arm/v7"], nil),
        ("linux/arm/v7", ["linux/arm/v6", "linux/arm/v7"], 1),
        ("linux/s390x", ["linux/amd64"], nil),
        ("linux/amd64", ["unknown/unknown", "linux/amd64", "linux/amd64"], 1),
        ("linux/amd64", [], nil),
    ]

    @Test("an index gives the platform's image, else the best that runs there", arguments: choices)
    func choice(row: (wanted: String, offered: [String], expected: Int?)) throws {
        let index = ImageIndex(
            manifests: try row.offered.enumerated().map { position, platform in
                Descriptor(
                    mediaType: .ociManifest,
                    digest: .sha256(of: [UInt8(position)]),
                    size: 1,
                    platform: try Platform(parsing: platform)
                )
            }
        )
        let chosen = index.manifest(for: try Platform(parsing: row.wanted))
        #expect(chosen == row.expected.map { index.manifests[$0] })
    }

    @Test("a single entry without a platform is taken, one among several is not")
    func withoutPlatform() throws {
        let entry = Descriptor(mediaType: .ociManifest, digest: .sha256(of: [1]), size: 1)
        #expect(ImageIndex(manifests: [entry]).manifest(for: .host) == entry)
        #expect(ImageIndex(manifests: [entry, entry]).manifest(for: .host) == nil)
    }
}
