import OCIDistribution
import RoostTesting
import Testing

@testable import DockerEngine

@Suite("Which engine is used")
struct EngineConfigurationTests {
    private func with(
        _ variables: [String: String] = [:],
        config: String? = nil,
        host: String? = nil,
        contexts: [String: String] = [:],
        tlsOf tlsContext: String? = nil,
        _ body: (Result<EngineConfiguration, EngineError>, TemporaryDirectory) throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { folder in
            if let config { try folder.write(config, to: "config.json") }
            for (name, metadata) in contexts {
                try folder.write(metadata, to: "contexts/meta/\(Self.key(name))/meta.json")
            }
            if let tlsContext {
                try folder.write(TestCertificates.authority, to: "contexts/tls/\(Self.key(tlsContext))/docker/ca.pem")
            }
            let environment = variables.merging(["DOCKER_CONFIG": folder.path]) { given, _ in given }
            let result = Result<EngineConfiguration, EngineError> { () throws(EngineError) in
                try EngineConfiguration(environment: environment, host: host)
            }
            try body(result, folder)
        }
    }

    private static func key(_ name: String) -> String { Digest.sha256(of: Array(name.utf8)).hex }

    private static func metadata(_ host: String, skipsVerification: Bool = false) -> String {
        """
        {"Name": "x", "Metadata": {}, "Endpoints": {"docker": {"Host": "\(host)", "SkipTLSVerify": \(skipsVerification)}}}
        """
    }

    @Test("without any setting it is the default socket")
    func none() async throws {
        try await with { result, _ in
            let configuration = try result.get()
            #expect(configuration.endpoint == .defaultSocket)
            #expect(configuration.source == "default socket")
            #expect(configuration.requestedVersion == nil)
            #expect(configuration.platform == nil)
        }
    }

    @Test("flag, DOCKER_HOST, DOCKER_CONTEXT and the current context win in this order")
    func precedence() async throws {
        let contexts = ["a": Self.metadata("tcp://a:1"), "b": Self.metadata("tcp://b:1")]
        let config = #"{"currentContext": "a", "auths": {}}"#
        func expect(_ variables: [String: String], host: String? = nil, _ address: String, _ source: String)
            async throws
        {
            try await with(variables, config: config, host: host, contexts: contexts) { result, _ in
                let configuration = try result.get()
                #expect(configuration.endpoint.description == address)
                #expect(configuration.source == source)
            }
        }
        let all = ["DOCKER_HOST": "tcp://c:1", "DOCKER_CONTEXT": "b"]
        try await expect(all, host: "tcp://d:1", "tcp://d:1", "--host")
        try await expect(all, "tcp://c:1", "DOCKER_HOST")
        try await expect(["DOCKER_CONTEXT": "b"], "tcp://b:1", "context 'b'")
        try await expect([:], "tcp://a:1", "context 'a'")
        // An empty variable is one that is not set.
        try await expect(["DOCKER_HOST": "", "DOCKER_CONTEXT": ""], "tcp://a:1", "context 'a'")
        try await expect(["DOCKER_CONTEXT": "default"], "unix:///var/run/docker.sock", "default socket")
    }

    @Test(
        "TLS is what DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say",
        arguments: [
            (
                ["DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"],
                EngineTLS(certificateFolder: "/c", verifiesEngine: true)
            ),
            // Docker's client takes any text as true.
            (
                ["DOCKER_TLS_VERIFY": "0", "DOCKER_CERT_PATH": "/c"],
                EngineTLS(certificateFolder: "/c", verifiesEngine: true)
            ),
            (
                ["DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": "/c"],
                EngineTLS(certificateFolder: "/c", verifiesEngine: false)
            ),
            (["DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": ""], nil),
            ([:], nil),
        ] as [([String: String], EngineTLS?)]
    )
    func tls(variables: [String: String], expected: EngineTLS?) async throws {
        try await with(variables.merging(["DOCKER_HOST": "tcp://h:1"]) { $1 }) { result, _ in
            let endpoint = try result.get().endpoint
            #expect(endpoint.tls == expected)
        }
    }

    @Test("without DOCKER_CERT_PATH the certificates lie in Docker's folder")
    func certificateFolder() async throws {
        try await with(["DOCKER_HOST": "tcp://h", "DOCKER_TLS_VERIFY": "1"]) { result, folder in
            let endpoint = try result.get().endpoint
            #expect(endpoint.tls?.certificateFolder == folder.path)
            #expect(endpoint.address == .tcp(host: "h", port: 2376))
        }
    }

    @Test("a context brings its own certificates", arguments: [true, false])
    func contextTLS(skips: Bool) async throws {
        let contexts = ["remote": Self.metadata("tcp://h:1", skipsVerification: skips)]
        try await with(["DOCKER_CONTEXT": "remote"], contexts: contexts, tlsOf: "remote") { result, folder in
            let folder = folder.path + "/contexts/tls/\(Self.key("remote"))/docker"
            let endpoint = try result.get().endpoint
            #expect(endpoint.tls == EngineTLS(certificateFolder: folder, verifiesEngine: !skips))
        }
    }

    @Test(
        "a context that can't be used is named",
        arguments: [
            nil, "{", #"{"Endpoints": {}}"#, #"{"Endpoints": {"docker": {}}}"#,
            #"{"Endpoints": {"docker": {"Host": ""}}}"#, #"{"Endpoints": {"docker": {"Host": 1}}}"#, "{}", "[]",
        ]
    )
    func badContext(metadata: String?) async throws {
        let contexts = metadata.map { ["broken": $0] } ?? [:]
        try await with(["DOCKER_CONTEXT": "broken"], contexts: contexts) { result, _ in
            let error = #expect(throws: EngineError.self) { try result.get() }
            #expect(error?.description.contains("'broken'") == true)
        }
    }

    @Test("a config.json that can't be read is an error where it would decide, and none elsewhere")
    func badConfig() async throws {
        try await with(config: "{") { result, _ in
            let error = #expect(throws: EngineError.self) { try result.get() }
            #expect(error?.description.contains("config.json") == true)
        }
        // What it says of logins doesn't decide which engine it is.
        try await with(config: #"{"auths": 7}"#) { result, _ in
            #expect(throws: Never.self) { try result.get() }
        }
        try await with(["DOCKER_HOST": "tcp://h:1"], config: "{") { result, _ in
            #expect(throws: Never.self) { try result.get() }
        }
    }

    @Test("DOCKER_CONFIG that is empty stands for the folder in the home")
    func emptyFolder() async throws {
        try await TemporaryDirectory.with { home in
            try home.write(#"{"currentContext": "gone"}"#, to: ".docker/config.json")
            for variables in [["HOME": home.path], ["HOME": home.path, "DOCKER_CONFIG": ""]] {
                let error = #expect(throws: EngineError.self) { try EngineConfiguration(environment: variables) }
                #expect(error?.description.contains("'gone'") == true)
            }
        }
    }

    @Test("the API version and the platform are handed on")
    func others() async throws {
        let variables = ["DOCKER_API_VERSION": "1.42", "DOCKER_DEFAULT_PLATFORM": "linux/arm64"]
        try await with(variables) { result, _ in
            let configuration = try result.get()
            #expect(configuration.requestedVersion == APIVersion(major: 1, minor: 42))
            #expect(configuration.platform == "linux/arm64")
        }
        try await with(["DOCKER_API_VERSION": "newest"]) { result, _ in
            let error = #expect(throws: EngineError.self) { try result.get() }
            #expect(error?.description.contains("DOCKER_API_VERSION") == true)
        }
    }
}
