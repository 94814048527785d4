import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Where a target leads")
struct RouteTests {
    static let upstreams: Set<String> = ["docker.io", "quay.io", "127.0.0.1:5000", "localhost"]
    static let hex = String(repeating: "0123456789abcdef", count: 4)

    static func route(_ target: String) -> CacheRoute { CacheRoute(target: target, upstreams: upstreams) }

    @Test("the root of the interface is a ping", arguments: ["/v2/", "/v2", "/v2/?ns=docker.io", "/v2?", "/v%32/"])
    func ping(target: String) {
        #expect(Self.route(target) == .ping)
    }

    @Test(
        "an upstream is named by ns, by the first part, or is Docker Hub",
        arguments: [
            ("/v2/library/debian/manifests/12", "docker.io", "library/debian"),
            ("/v2/library/debian/manifests/12?ns=docker.io", "docker.io", "library/debian"),
            ("/v2/org/img/manifests/12?ns=quay.io", "quay.io", "org/img"),
            ("/v2/img/manifests/12?ns=quay.io", "quay.io", "img"),
            ("/v2/quay.io/org/img/manifests/12", "quay.io", "org/img"),
            ("/v2/docker.io/library/debian/manifests/12", "docker.io", "library/debian"),
            ("/v2/docker.io/debian/manifests/12", "docker.io", "library/debian"),
            ("/v2/debian/manifests/12", "docker.io", "library/debian"),
            ("/v2/index.docker.io/a/b/manifests/12", "docker.io", "a/b"),
            ("/v2/a/b/manifests/12?ns=registry-1.docker.io", "docker.io", "a/b"),
            ("/v2/127.0.0.1:5000/a/manifests/12", "127.0.0.1:5000", "a"),
            ("/v2/127.0.0.1%3A5000/a/manifests/12", "127.0.0.1:5000", "a"),
            ("/v2/a/manifests/12?ns=127.0.0.1%3a5000", "127.0.0.1:5000", "a"),
            ("/v2/localhost/a/b/manifests/12", "localhost", "a/b"),
            ("/v2/library/debian/manifests/12?x=1&ns=quay.io&y", "quay.io", "library/debian"),
            ("/v2/a/manifests/manifests/12", "docker.io", "a/manifests"),
            ("/v2/manifests/blobs/manifests/12", "docker.io", "manifests/blobs"),
            ("/v2/a/b/c/d/e/manifests/12", "docker.io", "a/b/c/d/e"),
        ]
    )
    func upstream(target: String, upstream: String, path: String) throws {
        let repository = try #require(CachedRepository(upstream: upstream, path: path))
        #expect(Self.route(target) == .manifest(repository, .tag("12")))
    }

    @Test("manifests go by tag or digest, blobs by digest")
    func names() throws {
        let repository = try #require(CachedRepository(upstream: "docker.io", path: "a/b"))
        let digest = try Digest(parsing: "sha256:" + Self.hex)
        let long = try Digest(parsing: "sha512:" + Self.hex + Self.hex)
        #expect(Self.route("/v2/a/b/manifests/\(digest)") == .manifest(repository, .digest(digest)))
        #expect(Self.route("/v2/a/b/manifests/sha256%3a\(Self.hex)") == .manifest(repository, .digest(digest)))
        #expect(Self.route("/v2/a/b/manifests/v1.2_3-x") == .manifest(repository, .tag("v1.2_3-x")))
        // Without a colon it may well be a tag.
        #expect(Self.route("/v2/a/b/manifests/\(Self.hex)") == .manifest(repository, .tag(Self.hex)))
        #expect(Self.route("/v2/a/b/blobs/\(digest)") == .blob(repository, digest))
        #expect(Self.route("/v2/a/b/blobs/\(long)") == .blob(repository, long))
    }

    @Test(
        "what leads nowhere is refused for its own reason",
        arguments: [
            ("/", RouteRefusal.noSuchPlace), ("/v1/", .noSuchPlace), ("/v2/_catalog", .noSuchPlace),
            ("/v2/a/b/tags/list", .noSuchPlace), ("/v2//", .noSuchPlace), ("/v2/manifests/12", .noSuchPlace),
            ("/v2/a/b/blobs/uploads/", .noSuchPlace), ("//v2/", .noSuchPlace), ("/v2/a/b/manifests/12/", .noSuchPlace),
            ("/v2/a/b/referrers/sha256:0", .noSuchPlace), ("/metrics", .noSuchPlace),
            ("http://quay.io/v2/", .target(.notOriginForm)), ("*", .target(.notOriginForm)),
            ("", .target(.notOriginForm)), ("quay.io:443", .target(.notOriginForm)),
            ("/v2/a/b/manifests/12?ns=evil.example", .unknownUpstream),
            ("/v2/evil.example/a/manifests/12", .unknownUpstream),
            ("/v2/a/b/manifests/12?ns=", .unknownUpstream), ("/v2/169.254.169.254/a/manifests/12", .unknownUpstream),
            ("/v2/a/b/manifests/12?ns=QUAY.IO", .unknownUpstream), ("/v2/[::1]:80/a/manifests/12", .unknownUpstream),
            ("/v2/a/b/manifests/12?ns=quay.io@evil", .unknownUpstream),
            ("/v2/a/b/manifests/12?ns=quay.io&ns=docker.io", .target(.severalNamespaces)),
            ("/v2/../etc/manifests/12", .unknownUpstream), ("/v2/a/../manifests/12", .invalidName),
            ("/v2/a/./b/manifests/12", .invalidName), ("/v2/a/%2e%2e/b/manifests/12", .invalidName),
            ("/v2/quay.io/../x/manifests/12", .invalidName), ("/v2/A/b/manifests/12", .invalidName),
            ("/v2/a//b/manifests/12", .invalidName), ("/v2/a/b:c/manifests/12", .invalidName),
            ("/v2/a/b@c/manifests/12", .invalidName), ("/v2/-a/b/manifests/12", .invalidName),
            ("/v2/a%2fb/manifests/12", .target(.encoding)), ("/v2/a%00/b/manifests/12", .target(.encoding)),
            ("/v2/a%0d%0aX:1/b/manifests/12", .target(.encoding)), ("/v2/a%/b/manifests/12", .target(.encoding)),
            ("/v2/a%4/b/manifests/12", .target(.encoding)), ("/v2/a%zz/b/manifests/12", .target(.encoding)),
            ("/v2/a%252e/b/manifests/12", .target(.encoding)), ("/v2/ä/b/manifests/12", .target(.encoding)),
            ("/v2/a%20b/c/manifests/12", .target(.encoding)),
            ("/v2/a/b/manifests/", .invalidTag), ("/v2/a/b/manifests/.x", .invalidTag),
            ("/v2/a/b/manifests/-x", .invalidTag), ("/v2/a/b/manifests/..", .invalidTag),
            ("/v2/a/b/manifests/a@b", .invalidTag), ("/v2/a/b/manifests/a:b", .invalidDigest),
            ("/v2/a/b/manifests/sha256:abc", .invalidDigest), ("/v2/a/b/blobs/latest", .invalidDigest),
            ("/v2/a/b/blobs/sha256:../../etc/passwd", .noSuchPlace), ("/v2/a/b/blobs/md5:" + hex, .invalidDigest),
            ("/v2/a/b/blobs/SHA256:" + hex, .invalidDigest),
            ("/v2/a/b/blobs/sha256:" + hex.uppercased(), .invalidDigest),
        ]
    )
    func refused(target: String, refusal: RouteRefusal) {
        #expect(Self.route(target) == .refused(refusal))
    }

    @Test("a target has 4,096 bytes at most, a repository 255, a tag 128")
    func lengths() {
        func target(_ path: Int, tag: Int = 2) -> String {
            "/v2/a/" + String(repeating: "b", count: path - 2) + "/manifests/" + String(repeating: "1", count: tag)
        }
        #expect(Self.route(target(256)) == .refused(.invalidName))
        #expect(Self.route(target(255, tag: 129)) == .refused(.invalidTag))
        if case .manifest = Self.route(target(255, tag: 128)) {} else { Issue.record("the longest names are names") }
        let long = "/v2/" + String(repeating: "a", count: RequestPath.longest)
        #expect(Self.route(long) == .refused(.target(.tooLong)))
        #expect(Self.route(String(long.prefix(RequestPath.longest))) == .refused(.noSuchPlace))
    }

    @Test("without Docker Hub among the upstreams, a bare name leads nowhere")
    func noDefault() {
        let route = CacheRoute(target: "/v2/library/debian/manifests/12", upstreams: ["quay.io"])
        #expect(route == .refused(.unknownUpstream))
    }

    @Test("20,000 damaged targets do no harm, and what is accepted is of a configured upstream and a valid name")
    func damaged() async throws {
        let seeds = [
            "/v2/quay.io/org/img/manifests/12?ns=docker.io", "/v2/library/a/blobs/sha256:\(Self.hex)?ns=quay.io",
            "/v2/127.0.0.1%3A5000/a/manifests/latest", "/v2/", "/v2/a/b/manifests/sha256%3A\(Self.hex)",
        ]
        let bytes = Array("/%.:?&=@~+-_ aA0\\\u{0}\r\n\u{7f}v2ns".utf8)
        try await Fuzzing.run(rounds: 20_000) { random in
            var text = Array((seeds.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0...text.count, using: &random)
                let byte = bytes.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text.insert(byte, at: place)
                case 1 where place < text.count: text[place] = byte
                default: if place < text.count { text.remove(at: place) }
                }
            }
            let target = String(decoding: text, as: UTF8.self)
            switch Self.route(target) {
            case .ping, .refused: break
            case .manifest(let repository, _), .blob(let repository, _):
                try #require(Self.upstreams.contains(repository.upstream), "\(target)")
                let again = CachedRepository(upstream: repository.upstream, path: repository.path)
                try #require(again == repository, "\(target)")
                try #require(!repository.path.contains(".."), "\(target)")
            }
        }
    }
}

@Suite("The names that a request may call this listener by")
struct HostRuleTests {
    @Test(
        "an address, localhost and the listener's own names are admitted; any other name is not",
        arguments: [
            ("127.0.0.1:5555", true), ("127.0.0.1", true), ("localhost", true), ("LOCALHOST:80", true),
            ("[::1]:5555", true),
            ("[::1]", true), ("10.0.0.3:5555", true), ("cache.local:5555", true), ("Cache.Local", true),
            ("evil.example", false), ("evil.example:5555", false), ("localhost.evil.example", false), ("", false),
            ("127.0.0.1.evil.example", false), ("127.0.0.1:", false), ("127.0.0.1:x", false),
            ("127.0.0.1:123456", false),
            ("::1", false), ("[::1", false), ("[evil]", false), ("[::1]x", false), ("127.1", false),
            ("0x7f000001", false),
            ("localhost ", false), ("user@localhost", false), (String(repeating: "a", count: 300), false),
        ]
    )
    func hosts(host: String, isAdmitted: Bool) {
        #expect(HostRule(names: ["cache.local"]).admits(host) == isAdmitted)
    }
}

@Suite("Where the cache listens")
struct ListenAddressTests {
    @Test(
        "only on loopback, by address and port",
        arguments: [
            ("127.0.0.1:5555", "127.0.0.1:5555"), ("localhost:80", "127.0.0.1:80"), ("[::1]:5555", "[::1]:5555"),
            ("127.9.9.9:0", "127.9.9.9:0"),
        ]
    )
    func admitted(text: String, description: String) throws {
        #expect(try ListenAddress(parsing: text).description == description)
    }

    @Test(
        "everything else is refused for its own reason",
        arguments: [
            ("0.0.0.0:5555", ListenAddress.Problem.notLoopback), ("192.168.1.2:5555", .notLoopback),
            ("[::]:5555", .notLoopback), ("[fe80::1]:5555", .notLoopback), ("[::ffff:10.0.0.1]:1", .notLoopback),
            ("", .malformed), (":5555", .malformed), ("127.0.0.1", .malformed), ("127.0.0.1:", .malformed),
            ("127.0.0.1:65536", .malformed), ("127.0.0.1:-1", .malformed), ("example.org:80", .malformed),
            ("::1:80", .malformed), ("[::1]", .malformed),
        ]
    )
    func refused(text: String, problem: ListenAddress.Problem) {
        #expect(throws: problem) { try ListenAddress(parsing: text) }
    }
}
