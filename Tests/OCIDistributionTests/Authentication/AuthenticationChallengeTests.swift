import NIOHTTP1
import RoostTesting
import Testing

@testable import OCIDistribution

@Suite("Authentication challenges")
struct AuthenticationChallengeTests {
    private typealias Challenge = AuthenticationChallenge

    @Test("Docker Hub's challenge is read")
    func dockerHub() {
        let value =
            #"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull""#
        #expect(
            Challenge.parse(value) == [
                Challenge(
                    scheme: "bearer",
                    parameters: [
                        "realm": "https://auth.docker.io/token", "service": "registry.docker.io",
                        "scope": "repository:library/alpine:pull",
                    ]
                )
            ]
        )
    }

    /// A header's value, and its challenges as `scheme(name=value …)`.
    static let rows: [(value: String, expected: [String])] = [
        (#"Basic realm="a, b=c""#, ["basic(realm=a, b=c)"]),
        (#"BASIC Realm="x""#, ["basic(realm=x)"]),
        (#"Bearer realm=x , service = "y""#, ["bearer(realm=x service=y)"]),
        (#"Bearer realm="a\"b\\c""#, [#"bearer(realm=a"b\c)"#]),
        (#"Basic realm="x", Bearer realm="y",service="z""#, ["basic(realm=x)", "bearer(realm=y service=z)"]),
        (#"Negotiate, Bearer realm="y""#, ["negotiate()", "bearer(realm=y)"]),
        (#"Negotiate YWJj==, Bearer realm="y""#, ["negotiate()", "bearer(realm=y)"]),
        (",, ,Basic realm=x,,", ["basic(realm=x)"]),
        ("Basic", ["basic()"]),
        ("", []), ("   ", []), (",", []), ("=", []), ("\"", []), ("Bearer realm=\"open", ["bearer()"]),
        (#"Bearer realm="a",realm="b""#, []),
        (#"Bearer realm="a",REALM="b", Basic realm=c"#, ["basic(realm=c)"]),
        ("Bearer realm=", ["bearer()"]), ("Bearer =x", ["bearer()"]), ("Bearer \"x\"", ["bearer()"]),
        ("Bearer realm=\"\\", ["bearer()"]),
        ("Bearer realm=\"x\"garbage", ["bearer(realm=x)", "garbage()"]),
        (String(repeating: "a", count: 9000), []),
    ]

    @Test("headers are read as they should be, hostile ones too", arguments: rows)
    func parsing(row: (value: String, expected: [String])) {
        let found = Challenge.parse(row.value).map { challenge in
            let fields = challenge.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return "\(challenge.scheme)(\(fields.joined(separator: " ")))"
        }
        #expect(found == row.expected)
    }

    @Test("several header lines are read in order, many challenges up to a bound")
    func lines() {
        let headers: HTTPHeaders = ["WWW-Authenticate": "Basic realm=x", "www-authenticate": "Bearer realm=y"]
        #expect(Challenge.parse(headers).map(\.scheme) == ["basic", "bearer"])
        #expect(Challenge.parse(String(repeating: "Basic realm=x, ", count: 400)).count == 16)
        let wide = "Bearer " + (0..<200).map { "p\($0)=x" }.joined(separator: ",")
        #expect(Challenge.parse(wide).isEmpty)
    }

    @Test("20,000 damaged headers do no harm")
    func soakFuzz() async throws {
        try await Fuzzing.run(rounds: 20_000) { generator in
            let seed = Self.rows.randomElement(using: &generator)?.value ?? ""
            let text = Mutation.mutateText(String(seed.prefix(500)), with: &generator)
            for challenge in Challenge.parse(text) {
                try Mutation.require(!challenge.scheme.isEmpty, "an empty scheme in \(text)")
                _ = TokenRealm(challenge)
            }
            for service in [text, "x"] {
                let headers: HTTPHeaders = ["retry-after": service, "ratelimit-limit": text]
                _ = RetryAfter.parse(headers)
                _ = RateLimit(headers: headers)
            }
        }
    }
}
