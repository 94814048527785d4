import DockerEngine
import OCIDistribution
import Testing

@testable import ImagePull

@Suite("Where an engine would pull from")
struct RegistryRouteTests {
    private func route(_ registry: String, _ json: String = "{}") throws -> [[String]] {
        RegistryRoute(to: registry, try registryConfiguration(json)).stops.map { $0.endpoints.map(\.baseURL) }
    }

    @Test("docker.io is asked through its mirrors in order, then itself")
    func mirrors() throws {
        let json = #"{"Mirrors": ["http://127.0.0.1:5001/", "https://mirror.example/"]}"#
        #expect(
            try route("docker.io", json) == [
                ["http://127.0.0.1:5001"], ["https://mirror.example"], ["https://registry-1.docker.io"],
            ]
        )
    }

    @Test("other registries have no mirrors")
    func noMirrors() throws {
        #expect(try route("ghcr.io", #"{"Mirrors": ["http://127.0.0.1:5001/"]}"#) == [["https://ghcr.io"]])
    }

    @Test("loopback is asked by plain HTTP first, then by HTTPS")
    func loopback() throws {
        #expect(try route("127.0.0.1:5000") == [["http://127.0.0.1:5000", "https://127.0.0.1:5000"]])
        #expect(try route("localhost:5000") == [["http://localhost:5000", "https://localhost:5000"]])
    }

    @Test("a registry listed as insecure is asked by HTTPS, then by plain HTTP")
    func insecure() throws {
        let json = """
            {"InsecureRegistryCIDRs": ["10.1.0.0/16", "fd00::/8", "rubbish"],
             "IndexConfigs": {"registry.test:5000": {"Secure": false}, "safe.test": {"Secure": true}}}
            """
        #expect(try route("registry.test:5000", json).first?.count == 2)
        #expect(try route("10.1.2.3:5000", json) == [["https://10.1.2.3:5000", "http://10.1.2.3:5000"]])
        #expect(try route("[fd00::1]:5000", json).first?.count == 2)
        #expect(try route("safe.test", json).first?.count == 1)
        #expect(try route("10.2.2.3:5000", json).first?.count == 1)
    }

    @Test("a mirror that can't be made sense of leaves the route incomplete")
    func incomplete() throws {
        let odd = try registryConfiguration(#"{"Mirrors": ["https://mirror.example/with/path/"]}"#)
        #expect(RegistryRoute(to: "docker.io", odd).isIncomplete)
        #expect(!RegistryRoute(to: "ghcr.io", odd).isIncomplete)
    }

    @Test(
        "addresses are matched bit by bit",
        arguments: [
            ("127.0.0.0/8", "127.9.9.9", true), ("127.0.0.0/8", "128.0.0.1", false), ("10.0.0.0/9", "10.127.0.1", true),
            ("10.0.0.0/9", "10.128.0.1", false), ("0.0.0.0/0", "8.8.8.8", true), ("10.0.0.7/32", "10.0.0.7", true),
            ("10.0.0.7/32", "10.0.0.6", false), ("::1/128", "::1", true), ("::/0", "127.0.0.1", false),
            ("127.0.0.0/8", "localhost", false), ("127.0.0.0/8", "127.1", false),
        ]
    )
    func networks(network: String, host: String, isIn: Bool) throws {
        #expect(try #require(IPNetwork(parsing: network)).contains(host) == isIn)
    }

    @Test(
        "texts that are no networks are refused",
        arguments: ["", "/", "1.2.3.4", "1.2.3.4/33", "1.2.3.4/-1", "a/8", "::1/129"]
    )
    func noNetworks(text: String) {
        #expect(IPNetwork(parsing: text) == nil)
    }
}
