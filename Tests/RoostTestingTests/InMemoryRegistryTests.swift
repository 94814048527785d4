import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import RoostTesting
import Testing

@Suite("The registry in memory", .timeLimit(.minutes(1)))
struct InMemoryRegistryTests {
    private func request(
        _ method: HTTPMethod,
        _ url: String,
        _ headers: HTTPHeaders = [:]
    ) async throws -> (status: UInt, headers: HTTPHeaders, body: ByteBuffer) {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers = headers
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let body = method == .HEAD ? ByteBuffer() : try await answer.body.collect(upTo: 10_000_000)
        return (answer.status.code, answer.headers, body)
    }

    private func smallImage() throws -> TestImage {
        try TestImage(layers: [TestLayer(files: [.file("/hello", "hello\n")])])
    }

    @Test("a manifest is served by tag and by digest, with its exact bytes, type, digest and length")
    func manifests() async throws {
        let image = try smallImage()
        try await InMemoryRegistry.with { registry in
            image.add(to: registry, repository: "org/sub/app", tag: "v1")
            for reference in ["v1", image.manifestDigest] {
                let url = registry.url + "/v2/org/sub/app/manifests/" + reference
                let got = try await request(.GET, url)
                #expect(got.body == image.manifest)
                let head = try await request(.HEAD, url)
                #expect(head.headers.first(name: "content-length") == String(image.manifest.readableBytes))
                for answer in [got, head] {
                    #expect(answer.status == 200)
                    #expect(answer.headers.first(name: "content-type") == image.mediaType)
                    #expect(answer.headers.first(name: "docker-content-digest") == image.manifestDigest)
                    #expect(answer.headers.first(name: "etag") == "\"\(image.manifestDigest)\"")
                }
                let fresh = try await request(.GET, url, ["If-None-Match": "\"\(image.manifestDigest)\""])
                #expect(fresh.status == 304 && fresh.body.readableBytes == 0)
            }
            let missing = try await request(.GET, registry.url + "/v2/org/sub/app/manifests/v2")
            #expect(missing.status == 404)
            #expect(String(buffer: missing.body).contains("MANIFEST_UNKNOWN"))
        }
    }

    @Test("a manifest is there only for who accepts its type, in whichever of several Accept lines")
    func accept() async throws {
        let image = try smallImage()
        try await InMemoryRegistry.with { registry in
            image.add(to: registry, repository: "app", tag: "v1")
            let url = registry.url + "/v2/app/manifests/v1"
            let oci = "application/vnd.oci.image.manifest.v1+json"
            let other = try await request(.HEAD, url, ["Accept": oci])
            #expect(other.status == 404)
            var both: HTTPHeaders = ["Accept": oci]
            both.add(name: "Accept", value: "text/plain, \(image.mediaType);q=0.5")
            let merged = try await request(.HEAD, url, both)
            #expect(merged.status == 200)
        }
    }

    @Test(
        "a range of a blob is served as asked",
        arguments: [
            ("bytes=0-0", 206, "0"), ("bytes=3-5", 206, "345"), ("bytes=7-", 206, "789"), ("bytes=-2", 206, "89"),
            ("bytes=8-100", 206, "89"), ("bytes=10-", 416, ""), ("bytes=5-3", 416, ""),
        ]
    )
    func ranges(range: String, status: UInt, body: String) async throws {
        try await InMemoryRegistry.with { registry in
            let digest = registry.addBlob(ByteBuffer(string: "0123456789"), to: "app")
            let answer = try await request(.GET, registry.url + "/v2/app/blobs/" + digest, ["Range": range])
            #expect(answer.status == status)
            #expect(String(buffer: answer.body) == body)
            let whole = try await request(.GET, registry.url + "/v2/app/blobs/" + digest)
            #expect(whole.status == 200 && String(buffer: whole.body) == "0123456789")
            #expect(registry.log.blobFetches == [digest: 2])
        }
    }

    @Test("a blob of one repository is not served from another")
    func repositoriesAreApart() async throws {
        try await InMemoryRegistry.with { registry in
            let digest = registry.addBlob(ByteBuffer(string: "x"), to: "one")
            let answer = try await request(.GET, registry.url + "/v2/two/blobs/" + digest)
            #expect(answer.status == 404)
        }
    }

    @Test("Basic wants the right user and password")
    func basic() async throws {
        try await InMemoryRegistry.with(authentication: .basic(users: ["ann": "pass:word"])) { registry in
            let refused = try await request(.GET, registry.url + "/v2/")
            #expect(refused.status == 401)
            #expect(refused.headers.first(name: "www-authenticate") == #"Basic realm="registry""#)
            let wrong = try await request(.GET, registry.url + "/v2/", ["Authorization": basicHeader("ann", "no")])
            #expect(wrong.status == 401)
            let right = try await request(
                .GET,
                registry.url + "/v2/",
                ["Authorization": basicHeader("ann", "pass:word")]
            )
            #expect(right.status == 200)
        }
    }

    @Test(
        "a token is good for its scope until it is revoked",
        arguments: [TokenAuthentication.Field.token, .accessToken]
    )
    func tokens(field: TokenAuthentication.Field) async throws {
        let image = try smallImage()
        let settings = TokenAuthentication(users: ["ann": "secret"], allowsAnonymous: false, field: field)
        try await InMemoryRegistry.with(authentication: .token(settings)) { registry in
            image.add(to: registry, repository: "app", tag: "v1")
            let url = registry.url + "/v2/app/manifests/v1"
            let challenge = try #require(try await request(.HEAD, url).headers.first(name: "www-authenticate"))
            #expect(
                challenge == #"Bearer realm="\#(registry.url)/token",service="registry",scope="repository:app:pull""#
            )
            let realm = registry.url + "/token?service=registry&scope=repository:app:pull"
            #expect(try await request(.GET, realm).status == 401)
            #expect(try await request(.GET, realm, ["Authorization": basicHeader("ann", "wrong")]).status == 401)
            let granted = try await request(.GET, realm, ["Authorization": basicHeader("ann", "secret")])
            #expect(granted.status == 200)
            let answer = try JSONSerialization.jsonObject(with: Data(buffer: granted.body)) as? [String: Any]
            #expect(answer?["expires_in"] as? Int == 300)
            let token = try #require(answer?[field.rawValue] as? String)
            #expect(try await request(.GET, url, ["Authorization": "Bearer \(token)"]).status == 200)
            let other = registry.url + "/v2/other/manifests/v1"
            #expect(try await request(.GET, other, ["Authorization": "Bearer \(token)"]).status == 401)
            registry.revokeTokens()
            #expect(try await request(.GET, url, ["Authorization": "Bearer \(token)"]).status == 401)
        }
    }

    @Test("a token expires")
    func expiry() async throws {
        let settings = TokenAuthentication(lifetime: .zero, statesLifetime: false)
        try await InMemoryRegistry.with(authentication: .token(settings)) { registry in
            let granted = try await request(.GET, registry.url + "/token?scope=repository:app:pull")
            let answer = try JSONSerialization.jsonObject(with: Data(buffer: granted.body)) as? [String: String]
            #expect(answer?.keys.sorted() == ["token"])
            let token = try #require(answer?["token"])
            #expect(try await request(.GET, registry.url + "/v2/", ["Authorization": "Bearer \(token)"]).status == 401)
        }
    }

    private func basicHeader(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }
}
