import Testing

@testable import OCIDistribution

@Suite("Where credentials may go")
struct TokenRealmTests {
    /// The registry, the realm its endpoint names, and what the realm may get.
    static let rows: [(registry: String, realm: String, expected: String)] = [
        ("docker.io", "https://auth.docker.io/token", "credentials"),
        ("ghcr.io", "https://ghcr.io/token", "credentials"),
        ("ghcr.io:443", "https://GHCR.io/token", "credentials"),
        ("registry.gitlab.com", "https://gitlab.com/jwt/auth", "credentials"),
        ("registry.example.co.uk", "https://auth.example.co.uk/token", "credentials"),
        ("127.0.0.1:5000", "http://127.0.0.1:5001/token", "credentials"),
        ("localhost:5000", "http://localhost:5001/token", "credentials"),
        // Elsewhere: anonymous tokens only.
        ("ghcr.io", "https://evil.example/token", "withheld"),
        ("evil.example", "https://auth.docker.io/token", "withheld"),
        ("docker.io", "https://auth.docker.io.evil.example/token", "withheld"),
        ("docker.io", "https://evildocker.io/token", "withheld"),
        ("a.co.uk", "https://b.co.uk/token", "withheld"),
        ("a.azurecr.io", "https://b.azurecr.io/token", "withheld"),
        ("a.github.io", "https://b.github.io/token", "withheld"),
        ("1.dkr.ecr.eu.amazonaws.com", "https://evil.s3.amazonaws.com/token", "withheld"),
        ("10.0.0.1:5000", "https://10.0.0.2/token", "withheld"),
        ("127.0.0.1:5000", "https://evil.example/token", "withheld"),
        ("registry", "https://other/token", "withheld"),
        // Not to be asked at all.
        ("ghcr.io", "http://ghcr.io/token", "refused"),
        ("ghcr.io", "http://127.0.0.1:2375/containers", "refused"),
        ("ghcr.io", "https://localhost/token", "refused"),
        ("ghcr.io", "https://[::1]/token", "refused"),
        ("ghcr.io", "file:///etc/passwd", "none"),
        ("ghcr.io", "https://user:secret@ghcr.io/token", "none"),
        ("ghcr.io", "https://ghcr.io:99999/token", "none"),
        ("ghcr.io", "//ghcr.io/token", "none"),
        ("ghcr.io", "ghcr.io/token", "none"),
        ("ghcr.io", "https://ghcr.io\r\nX: y/token", "none"),
        ("ghcr.io", "https:///token", "none"),
        ("ghcr.io", "", "none"),
        ("ghcr.io", "https://ghcr.io@evil.example/token", "none"),
    ]

    @Test("only a registry's own site gets credentials", arguments: rows)
    func judgement(row: (registry: String, realm: String, expected: String)) {
        #expect(
            Self.judge(row.realm, at: RegistryEndpoint(registry: row.registry), registry: row.registry) == row.expected
        )
    }

    @Test("a mirror gets none, and a registry over plain HTTP sends none on")
    func mirrorsAndPlainHTTP() throws {
        let mirror = try #require(RegistryEndpoint(mirror: "https://mirror.docker.io"))
        #expect(Self.judge("https://auth.docker.io/token", at: mirror, registry: "docker.io") == "withheld")
        let plain = RegistryEndpoint(registry: "registry.example:5000", plainHTTP: true)
        #expect(Self.judge("http://registry.example/token", at: plain, registry: "registry.example:5000") == "plain")
    }

    @Test("endpoints are where the engine would look")
    func endpoints() {
        #expect(RegistryEndpoint(registry: "docker.io").baseURL == "https://registry-1.docker.io")
        #expect(RegistryEndpoint(registry: "ghcr.io").baseURL == "https://ghcr.io")
        #expect(RegistryEndpoint(registry: "Ghcr.io:8443").baseURL == "https://ghcr.io:8443")
        #expect(RegistryEndpoint(registry: "127.0.0.1:5000").baseURL == "http://127.0.0.1:5000")
        #expect(RegistryEndpoint(registry: "[::1]:5000").baseURL == "http://[::1]:5000")
        #expect(RegistryEndpoint(registry: "127.evil.example").baseURL == "https://127.evil.example")
        #expect(RegistryEndpoint(registry: "x:5000", plainHTTP: true).baseURL == "http://x:5000")
        #expect(RegistryEndpoint(mirror: "http://127.0.0.1:5001/")?.baseURL == "http://127.0.0.1:5001")
        #expect(RegistryEndpoint(mirror: "http://127.0.0.1:5001/")?.isMirror == true)
        for url in ["", "mirror.example", "ftp://x", "https://x/path", "https://u:p@x/"] {
            #expect(RegistryEndpoint(mirror: url) == nil, "\(url)")
        }
    }

    private static func judge(_ realm: String, at endpoint: RegistryEndpoint, registry: String) -> String {
        let challenge = AuthenticationChallenge(scheme: "bearer", parameters: ["realm": realm])
        guard let realm = TokenRealm(challenge) else { return "none" }
        return switch realm.judge(for: endpoint, registry: registry) {
        case .credentials: "credentials"
        case .anonymous(.withheldOverPlainHTTP): "plain"
        case .anonymous: "withheld"
        case .refused: "refused"
        }
    }
}
