import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

/// What the distribution specification 1.1 demands of a registry for the category "Pull", requirement by requirement. Each test
/// names the section, and the endpoint by the specification's own number.
@Suite("OCI distribution specification: pull")
struct PullCategoryTests {
    static let absent = "sha256:" + String(repeating: "0", count: 64)

    /// A repository with one tag, one manifest and one blob.
    static func with(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (CacheClient, FakeManifest, BlobFile) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { folder in
            let file = try BlobFile(in: folder, size: 1000)
            let manifest = FakeManifest()
            let content = FakeContent(atOnce: { request in
                switch request {
                case .manifest(let repository, _) where repository.path == "library/none": .refusal(.unknownRepository)
                case .manifest(_, .tag("latest")), .manifest(_, .digest(manifest.digest)):
                    .manifest(manifest.served, .hit)
                case .manifest: .refusal(.unknownManifest)
                case .blob(_, file.digest): .blob(.stored(file.opened()), .hit)
                case .blobHead(_, file.digest): .blobHead(Int64(file.bytes.count), .hit)
                case .blob, .blobHead: .refusal(.unknownBlob)
                }
            })
            try await ServerFixture.with(content) { server in
                try await CacheClient.with(port: server.port) { client in
                    try await body(client, manifest, file)
                }
            }
        }
    }

    @Test("Determining Support (end-1): GET /v2/ MUST be answered 200")
    func support() async throws {
        try await Self.with { client, _, _ in
            let answer = try await client.get("/v2/")
            #expect(answer.status == 200)
            #expect(answer["docker-distribution-api-version"] == "registry/2.0")
        }
    }

    @Test("Pulling manifests (end-3): GET of a manifest by tag MUST be answered 200, with the exact bytes")
    func manifestByTag() async throws {
        try await Self.with { client, manifest, _ in
            let answer = try await client.get("/v2/library/a/manifests/latest")
            #expect(answer.status == 200)
            #expect(answer.body == manifest.bytes)
        }
    }

    @Test("Pulling manifests (end-3): GET of a manifest by digest MUST be answered 200, with the exact bytes")
    func manifestByDigest() async throws {
        try await Self.with { client, manifest, _ in
            let answer = try await client.get("/v2/library/a/manifests/\(manifest.digest)")
            #expect(answer.status == 200)
            #expect(answer.body == manifest.bytes)
        }
    }

    @Test("Pulling manifests (end-3): Content-Type SHOULD be the manifest's media type, whatever Accept says")
    func manifestType() async throws {
        try await Self.with { client, _, _ in
            for accept in [[], ["Accept: */*"], ["Accept: application/vnd.docker.distribution.manifest.v2+json"]] {
                let answer = try await client.get("/v2/library/a/manifests/latest", accept)
                #expect(answer["content-type"] == MediaType.ociManifest.description)
            }
        }
    }

    @Test("Pulling manifests (end-3): Docker-Content-Digest, where it is sent, MUST be the manifest's digest")
    func manifestDigest() async throws {
        try await Self.with { client, manifest, _ in
            for name in ["latest", manifest.digest.description] {
                let answer = try await client.get("/v2/library/a/manifests/\(name)")
                #expect(answer["docker-content-digest"] == manifest.digest.description)
                #expect(answer["etag"] == "\"\(manifest.digest)\"")
            }
        }
    }

    @Test(
        "Pulling manifests (end-3): a manifest that is not found MUST be answered 404",
        arguments: [
            "none", absent, ".INVALID_MANIFEST_NAME",
        ]
    )
    func missingManifest(name: String) async throws {
        try await Self.with { client, _, _ in
            let answer = try await client.get("/v2/library/a/manifests/\(name)")
            #expect(answer.status == 404)
            #expect(answer.text.contains("MANIFEST_UNKNOWN"))
        }
    }

    @Test("Pulling manifests (end-3): a manifest of an unknown repository MUST be answered 404")
    func missingRepository() async throws {
        try await Self.with { client, _, _ in
            let answer = try await client.get("/v2/library/none/manifests/latest")
            #expect(answer.status == 404)
            #expect(answer.text.contains("NAME_UNKNOWN"))
        }
    }

    @Test(
        "Pulling manifests (end-3): a name MUST match the grammar of names, and is at most 255 characters long",
        arguments: [
            ("a", 200), ("a0/b.c_d-e__f", 200), ("a--b", 200), ("A", 400), ("a..b", 400), ("-a", 400), ("a/-", 400),
            (String(repeating: "a", count: 256), 400),
        ]
    )
    func names(name: String, status: Int) async throws {
        try await Self.with { client, _, _ in
            let answer = try await client.get("/v2/\(name)/manifests/latest")
            #expect(answer.status == status)
            if status != 200 { #expect(answer.text.contains("NAME_INVALID")) }
        }
    }

    @Test(
        "Pulling manifests (end-3): a tag MUST be at most 128 characters of its grammar",
        arguments: [
            "_", "a.b-c_D", String(repeating: "t", count: 128),
        ]
    )
    func tags(tag: String) async throws {
        try await ServerFixture.with(FakeManifest().content()) { server in
            try await CacheClient.with(port: server.port) { client in
                let tagged = try await client.get("/v2/library/a/manifests/\(tag)")
                let longer = try await client.get("/v2/library/a/manifests/" + String(repeating: "t", count: 129))
                #expect(tagged.status == 200)
                #expect(longer.status == 404)
            }
        }
    }

    @Test("Pulling blobs (end-2): GET of a blob MUST be answered 200, with the blob's bytes")
    func blob() async throws {
        try await Self.with { client, _, file in
            let answer = try await client.get(file.request)
            #expect(answer.status == 200)
            #expect(answer.body == file.bytes)
            #expect(answer["content-length"] == "1000")
        }
    }

    @Test("Pulling blobs (end-2): Docker-Content-Digest, where it is sent, MUST be the blob's digest")
    func blobDigest() async throws {
        try await Self.with { client, _, file in
            let answer = try await client.get(file.request)
            #expect(answer["docker-content-digest"] == file.digest.description)
        }
    }

    @Test("Pulling blobs (end-2): a blob that is not found MUST be answered 404")
    func missingBlob() async throws {
        try await Self.with { client, _, _ in
            let answer = try await client.get("/v2/library/a/blobs/\(Self.absent)")
            #expect(answer.status == 404)
            #expect(answer.text.contains("BLOB_UNKNOWN"))
        }
    }

    @Test(
        "Pulling blobs (end-2): a registry SHOULD support the Range header, as RFC 9110 has it",
        arguments: [
            ("bytes=0-9", 206, 0..<10), ("bytes=990-", 206, 990..<1000), ("bytes=-10", 206, 990..<1000),
            ("bytes=0-1,3-4", 200, 0..<1000),
        ]
    )
    func ranges(range: String, status: Int, expected: Range<Int>) async throws {
        try await Self.with { client, _, file in
            let answer = try await client.get(file.request, ["Range: \(range)"])
            #expect(answer.status == status)
            #expect(answer.body == Array(file.bytes[expected]))
            #expect(answer["content-length"] == String(expected.count))
            #expect(answer["accept-ranges"] == "bytes")
        }
    }

    @Test("Pulling blobs (end-2): a range that can't be had is answered 416, with the blob's size")
    func unsatisfiable() async throws {
        try await Self.with { client, _, file in
            let answer = try await client.get(file.request, ["Range: bytes=1000-"])
            #expect(answer.status == 416)
            #expect(answer["content-range"] == "bytes */1000")
        }
    }

    @Test("Checking if content exists (end-3): HEAD of a manifest MUST be answered 200, with its size, type and digest")
    func manifestExists() async throws {
        try await Self.with { client, manifest, _ in
            for name in ["latest", manifest.digest.description] {
                let answer = try await client.get("/v2/library/a/manifests/\(name)", method: "HEAD")
                #expect(answer.status == 200)
                #expect(answer["content-length"] == String(manifest.bytes.count))
                #expect(answer["content-type"] == MediaType.ociManifest.description)
                #expect(answer["docker-content-digest"] == manifest.digest.description)
            }
        }
    }

    @Test("Checking if content exists (end-2): HEAD of a blob MUST be answered 200, with its size")
    func blobExists() async throws {
        try await Self.with { client, _, file in
            let answer = try await client.get(file.request, method: "HEAD")
            #expect(answer.status == 200)
            #expect(answer["content-length"] == "1000")
            #expect(answer["docker-content-digest"] == file.digest.description)
        }
    }

    @Test(
        "Checking if content exists (end-2, end-3): HEAD of what is not found MUST be answered 404",
        arguments: [
            "/v2/library/a/manifests/none", "/v2/library/a/manifests/\(absent)", "/v2/library/a/blobs/\(absent)",
        ]
    )
    func missing(target: String) async throws {
        try await Self.with { client, _, _ in
            let answer = try await client.get(target, method: "HEAD")
            #expect(answer.status == 404)
        }
    }

    @Test("Error Codes: an error of the 4xx range has a JSON document with a code in capitals, and a message")
    func errors() async throws {
        try await Self.with { client, _, _ in
            for target in [
                "/v2/library/a/manifests/none", "/v2/library/none/manifests/latest",
                "/v2/library/a/blobs/\(Self.absent)",
                "/v2/library/a/blobs/sha256:x", "/v2/A/manifests/1", "/v2/_catalog",
            ] {
                let answer = try await client.get(target)
                #expect((400..<500).contains(answer.status))
                #expect(answer["content-type"] == "application/json")
                let isDocument = answer.text.wholeMatch(
                    of: #/\{"errors":\[\{"code":"[A-Z_]+","message":"[^"]+"\}\]\}\n/#
                )
                #expect(isDocument != nil, "\(answer.text)")
            }
        }
    }

    @Test(
        "Error Codes: a digest that is none is answered with DIGEST_INVALID",
        arguments: [
            "/v2/library/a/blobs/sha256:abc", "/v2/library/a/manifests/sha256:abc", "/v2/library/a/blobs/latest",
        ]
    )
    func invalidDigest(target: String) async throws {
        try await Self.with { client, _, _ in
            let answer = try await client.get(target)
            #expect(answer.status == 400)
            #expect(answer.text.contains("DIGEST_INVALID"))
        }
    }

    @Test("Warnings: a Warning header MUST have the code 299 and the agent -, and a quoted text")
    func warnings() async throws {
        var manifest = FakeManifest()
        manifest.staleness = "as of \"earlier\""
        try await ServerFixture.with(manifest.content(.stale)) { server in
            try await CacheClient.with(port: server.port) { client in
                let answer = try await client.get("/v2/library/a/manifests/latest")
                #expect(answer["warning"] == "299 - \"as of earlier\"")
            }
        }
    }

    @Test("Unavailable Referrers API (end-12a): a registry without it MUST answer 404")
    func referrers() async throws {
        try await Self.with { client, _, file in
            let answer = try await client.get("/v2/library/a/referrers/\(file.digest)")
            #expect(answer.status == 404)
        }
    }

    @Test("Legacy headers: where the manifest or blob is known already, as If-None-Match says, 304 is the answer")
    func notModified() async throws {
        try await Self.with { client, manifest, file in
            for (target, digest) in [("/v2/library/a/manifests/latest", manifest.digest), (file.request, file.digest)] {
                let answer = try await client.get(target, ["If-None-Match: \"\(digest)\""])
                #expect(answer.status == 304)
                #expect(answer["etag"] == "\"\(digest)\"")
            }
        }
    }
}
