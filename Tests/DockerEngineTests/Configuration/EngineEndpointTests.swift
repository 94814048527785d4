import Testing

@testable import DockerEngine

@Suite("Addresses of engines")
struct EngineEndpointTests {
    @Test(
        "addresses that Docker's client takes",
        arguments: [
            ("unix:///var/run/docker.sock", EngineEndpoint.Address.unix(path: "/var/run/docker.sock")),
            ("unix:///tmp/a b/ü.sock", .unix(path: "/tmp/a b/ü.sock")),
            ("tcp://10.0.0.5:2376", .tcp(host: "10.0.0.5", port: 2376)),
            ("tcp://engine.test", .tcp(host: "engine.test", port: 2375)),
            ("tcp://engine.test:80/", .tcp(host: "engine.test", port: 80)),
            ("tcp://[::1]:2375", .tcp(host: "::1", port: 2375)),
            ("tcp://[fe80::1]", .tcp(host: "fe80::1", port: 2375)),
            ("http://localhost:1", .tcp(host: "localhost", port: 1)),
        ]
    )
    func accepted(text: String, address: EngineEndpoint.Address) throws {
        let endpoint = try EngineEndpoint(parsing: text)
        #expect(endpoint.address == address)
        #expect(endpoint.tls == nil)
        #expect(try EngineEndpoint(parsing: endpoint.description) == endpoint)
    }

    @Test(
        "what can't be an address is refused with the way out",
        arguments: [
            "", "docker.sock", "/var/run/docker.sock", "localhost:2375", "://", "unix://", "unix://relative.sock",
            "unix://./docker.sock", "unix:///nul\0byte", "unix:///" + String(repeating: "x", count: 107),
            "tcp://", "tcp://:2375", "tcp://host:", "tcp://host:0", "tcp://host:65536", "tcp://host:-1",
            "tcp://host:+80",
            "tcp://host: 80", "tcp://host:80x", "tcp://a b:80", "tcp://[::1", "tcp://[]:80", "tcp://[::1]80",
            "tcp://host:80/prefix", "tcp://host?x:80", "tcp://host#x:80", "tcp://ho\u{1B}[31mst:80", "tcp://höst:80",
            "tcp://user@host:80", "tcp://host%2f:80", "tcp://::1:2375", "tcp://host\\x:80", "tcp://[host]:80",
            "ssh://me@host", "npipe:////./pipe/docker_engine", "fd://", "UNIX:///a", "ftp://host:21",
            "https://host:2376",
        ]
    )
    func refused(text: String) {
        let error = #expect(throws: EngineError.self) { try EngineEndpoint(parsing: text) }
        guard case .badAddress(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!reason.isEmpty)
        #expect(error?.description.unicodeScalars.contains { $0.value < 32 } == false)
    }

    @Test("a path is as long as the kernel allows, and no longer")
    func longestPath() throws {
        let longest = "/" + String(repeating: "x", count: 106)
        #expect(try EngineEndpoint(parsing: "unix://" + longest).address == .unix(path: longest))
        #expect(throws: EngineError.self) { try EngineEndpoint(parsing: "unix://" + longest + "x") }
    }

    @Test("a password in an address is not repeated")
    func secret() {
        for text in ["tcp://me:hunter2@host:2375", "ssh://me:hunter2@host"] {
            let error = #expect(throws: EngineError.self) { try EngineEndpoint(parsing: text) }
            #expect(error?.description.contains("hunter2") == false)
        }
    }

    @Test("ssh is refused with the command that does the same")
    func ssh() {
        let error = #expect(throws: EngineError.self) { try EngineEndpoint(parsing: "ssh://me@host") }
        #expect(error?.description.contains("ssh -L") == true)
    }

    @Test("certificates go with tcp, and change the port")
    func tls() throws {
        let tls = EngineTLS(certificateFolder: "/certs", verifiesEngine: true)
        #expect(try EngineEndpoint(parsing: "tcp://host", tls: tls).address == .tcp(host: "host", port: 2376))
        #expect(try EngineEndpoint(parsing: "https://host:1", tls: tls).tls == tls)
        #expect(try EngineEndpoint(parsing: "unix:///a.sock", tls: tls).tls == nil)
    }

    @Test(
        "only this machine's engine shares its files",
        arguments: [
            ("unix:///a.sock", true), ("tcp://localhost:1", true), ("tcp://127.0.0.1:1", true),
            ("tcp://127.9.9.9:1", true), ("tcp://[::1]:1", true), ("tcp://127.0.0.1.example.test:1", false),
            ("tcp://127.example.test:1", false), ("tcp://localhost.example.test:1", false), ("tcp://10.0.0.1:1", false),
            ("tcp://128.0.0.1:1", false),
        ]
    )
    func isLocal(text: String, expected: Bool) throws {
        #expect(try EngineEndpoint(parsing: text).isLocal == expected)
    }
}
