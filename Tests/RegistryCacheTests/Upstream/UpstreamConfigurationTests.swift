import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The configuration of upstreams")
struct UpstreamConfigurationTests {
    /// The upstreams of a file's table `cache`, and all that is wrong with it.
    private func read(
        _ text: String,
        onto known: [UpstreamConfiguration] = UpstreamConfiguration.standard
    ) throws -> (upstreams: [UpstreamConfiguration], problems: [String]) {
        let parsed = TOMLDocument.parse(text, file: "config.toml")
        guard let document = parsed.document else { return (known, parsed.diagnostics.map(\.description)) }
        let collector = DiagnosticCollector(file: "config.toml")
        let root = TOMLTableReader(document.root, collector: collector)
        var upstreams = known
        if let cache = root.table("cache") {
            upstreams = UpstreamReading.read(cache, onto: known)
            cache.finish()
        }
        root.finish()
        return (upstreams, collector.diagnostics.sortedByPosition().map(\.description))
    }

    @Test("the registries that everybody uses are there, and lead nowhere private")
    func standard() throws {
        let standard = UpstreamConfiguration.standard
        #expect(standard.count == 7)
        #expect(standard.allSatisfy { $0.permittedHosts.isEmpty && $0.endpoint.scheme == .https })
        #expect(standard.first?.endpoint.baseURL == "https://registry-1.docker.io")
        #expect(try read("").upstreams == standard)
    }

    @Test("a table changes an upstream or adds one")
    func tables() throws {
        let (upstreams, problems) = try read(
            """
            [cache.upstreams."quay.io"]
            username = "robot"
            token_file = "/run/secrets/quay"

            [cache.upstreams."ghcr.io"]
            anonymous = true

            [cache.upstreams."registry.corp:5000"]
            url = "https://registry.corp:5000"
            username = "me"
            token_env = "CORP_TOKEN"
            private_hosts = ["Storage.corp", "10.0.0.7", "fd00::7"]
            """
        )
        #expect(problems.isEmpty)
        #expect(upstreams.count == 8)
        let quay = try #require(upstreams.first { $0.name == "quay.io" })
        #expect(quay.login == .file(username: "robot", path: "/run/secrets/quay"))
        #expect(quay.endpoint.baseURL == "https://quay.io" && quay.permittedHosts.isEmpty)
        #expect(upstreams.first { $0.name == "ghcr.io" }?.login == .anonymous)
        let corp = try #require(upstreams.last)
        #expect(corp.login == .variable(username: "me", name: "CORP_TOKEN"))
        #expect(corp.permittedHosts == ["registry.corp", "storage.corp", "10.0.0.7", "fd00::7"])
        #expect(!corp.endpoint.isMirror)
    }

    static let wrong: [(text: String, words: String)] = [
        (
            "usernam = \"x\"",
            "config.toml:2:1: error: cache.upstreams.\"quay.io\".usernam: unknown key; did you mean 'username'?"
        ),
        ("url = \"quay.io\"", "write http:// or https://"),
        ("url = \"https://user:pw@quay.io\"", "without a user"),
        ("url = \"https://quay.io/path\"", "without a user, a path"),
        ("url = 5", "expected a string, found the number 5"),
        ("token = \"s3cret\"", "a secret can't stand here"),
        ("password = \"s3cret\"", "a secret can't stand here"),
        ("username = \"x\"", "needs token_file or token_env beside it"),
        ("token_file = \"/x\"", "needs username beside it"),
        ("username = \"x\"\ntoken_file = \"/x\"\ntoken_env = \"X\"", "only one of them"),
        ("username = \"x\"\ntoken_file = \"x\"", "expected a path from / on"),
        ("username = \"x\"\ntoken_env = \"A B\"", "no name of an environment variable"),
        ("username = \"x\"\ntoken_env = \"1A\"", "no name of an environment variable"),
        ("username = \"x:y\"\ntoken_env = \"A\"", "no name of a user"),
        ("username = \"\"\ntoken_env = \"A\"", "no name of a user"),
        ("anonymous = true\nusername = \"x\"", "cannot stand beside anonymous"),
        ("url = \"http://quay.io\"\nusername = \"x\"\ntoken_env = \"A\"", "would cross the network unencrypted"),
        ("private_hosts = [\"a:5\"]", "no name or address of a host"),
        ("private_hosts = [\"http://a\", 5]", "no name or address of a host"),
    ]

    @Test("what is wrong is told with its line and changes nothing", arguments: wrong)
    func mistakes(row: (text: String, words: String)) throws {
        let (upstreams, problems) = try read("[cache.upstreams.\"quay.io\"]\n\(row.text)\n")
        #expect(problems.contains { $0.contains(row.words) }, "\(problems)")
        #expect(problems.allSatisfy { $0.hasPrefix("config.toml:") && !$0.contains("s3cret") && !$0.contains("pw@") })
        #expect(upstreams == UpstreamConfiguration.standard)
    }

    @Test(
        "a name that no reference can hold names no upstream",
        arguments: ["Quay", "a b", "", "quay.io/x", "-", "quay"]
    )
    func names(name: String) throws {
        let (upstreams, problems) = try read("[cache.upstreams.\"\(name)\"]\nurl = \"https://x.y\"\n")
        #expect(problems.count == 1 && problems[0].contains("can't name a registry"), "\(problems)")
        #expect(upstreams == UpstreamConfiguration.standard)
    }

    @Test("plain HTTP takes a login only on this machine")
    func localLogin() throws {
        let (upstreams, problems) = try read(
            """
            [cache.upstreams."quay.io"]
            url = "http://127.0.0.1:5000"
            username = "x"
            token_env = "A"
            """
        )
        #expect(problems.isEmpty)
        #expect(upstreams.first { $0.name == "quay.io" }?.login == .variable(username: "x", name: "A"))
    }

    // MARK: Flags

    @Test("a flag names an upstream and its URL; a login that a file gives stays")
    func flags() throws {
        let known = try read("[cache.upstreams.\"quay.io\"]\nanonymous = true\n").upstreams
        let upstreams = known.applying([
            try UpstreamFlag(parsing: "quay.io=http://10.0.0.5:5000"),
            try UpstreamFlag(parsing: "r.corp=https://r.corp/"),
        ])
        let quay = try #require(upstreams.first { $0.name == "quay.io" })
        #expect(quay.endpoint.baseURL == "http://10.0.0.5:5000" && quay.login == .anonymous)
        #expect(quay.permittedHosts == ["10.0.0.5"])
        #expect(upstreams.last?.name == "r.corp" && upstreams.last?.login == .dockerConfig)
        #expect(upstreams.count == 8)
    }

    @Test(
        "a flag that is none says what one looks like, and shows no password",
        arguments: [
            ("quay.io", "write NAME=URL"), ("=https://x", "can't name a registry"), ("quay=https://x", "can't name"),
            ("quay.io=", "can't be used"), ("quay.io=quay.io", "can't be used"),
            ("quay.io=https://u:s3cret@quay.io", "without a user"), ("quay.io=ftp://quay.io", "http:// or https://"),
            ("quay.io=https://quay.io/v2", "can't be used"), ("quay.io=https://quay.io?s3cret", "can't be used"),
        ]
    )
    func wrongFlags(row: (text: String, words: String)) {
        let error = #expect(throws: UpstreamFlag.Malformed.self) { try UpstreamFlag(parsing: row.text) }
        #expect(error?.description.contains(row.words) == true, "\(String(describing: error))")
        #expect(error?.description.contains("s3cret") == false)
    }

    @Test("no text brings the readers down, and what they take can be asked")
    func fuzz() async throws {
        let sound = """
            [cache.upstreams."quay.io"]
            url = "https://quay.io:5000"
            username = "robot"
            token_file = "/run/secrets/quay"
            private_hosts = ["10.0.0.7", "storage.corp"]
            """
        try await Fuzzing.run(rounds: 3000) { generator in
            var bytes = Array(sound.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                let telling = Array("\"[].=:/\n#,{}x5 ".utf8)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[position] = telling.randomElement(using: &generator) ?? 0
                case 1: bytes.insert(generator.bytes(1)[0], at: position)
                default: bytes.remove(at: position)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let (upstreams, _) = try read(text)
            for upstream in upstreams {
                try Finding.require(!upstream.endpoint.host.isEmpty, "no host in \(text)")
                try Finding.require(
                    CachedRepository(upstream: upstream.name, path: "x/y") != nil,
                    "the name \(upstream.name)"
                )
            }
            let line = text.split(separator: "\n").randomElement(using: &generator).map(String.init) ?? ""
            if let flag = try? UpstreamFlag(parsing: "quay.io=\(line.dropFirst(7))") {
                try Finding.require(!flag.endpoint.host.isEmpty, "no host in \(line)")
            }
        }
    }
}
