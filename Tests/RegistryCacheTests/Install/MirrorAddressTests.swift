import Testing

@testable import RegistryCache

@Suite("Addresses and flags of an installation")
struct MirrorAddressTests {
    @Test(
        "a mirror is what dockerd takes: a scheme, a host, a port",
        arguments: [
            "http://127.0.0.1:5555", "https://mirror.example.org", "https://m.example.org/", "http://[::1]:5555",
        ]
    )
    func mirrors(_ text: String) throws {
        let mirror = try MirrorURL(text)
        #expect(!mirror.text.hasSuffix("/"))
        #expect(try MirrorURL(mirror.text + "/") == mirror)
    }

    @Test(
        "anything else is no mirror, and why is told",
        arguments: [
            ("mirror.example.org", MirrorURL.Problem.scheme), ("ftp://x", .scheme), ("http://", .notAURL),
            ("", .scheme),
            ("http://user:secret@x", .user), ("http://x/path", .path), ("http://x?q=1", .path), ("http://x#f", .path),
            ("http://x:0", .notAURL), ("http://x:99999", .notAURL), ("http://x y", .notAURL), ("http://x\"", .notAURL),
            ("http://ä", .notAURL),
        ]
    )
    func notMirrors(_ text: String, _ problem: MirrorURL.Problem) {
        #expect(throws: problem) { try MirrorURL(text) }
    }

    @Test(
        "the engine is told of the address that the cache listens on",
        arguments: [
            ("127.0.0.1:5555", "http://127.0.0.1:5555"), ("[::1]:65535", "http://[::1]:65535"),
            ("localhost:80", "http://127.0.0.1:80"),
        ]
    )
    func mirror(_ text: String, _ mirror: String) throws {
        #expect(try ListenAddress(parsing: text).mirror.text == mirror)
    }

    @Test("of any free port nobody can be told")
    func anyPort() throws {
        let address = try ListenAddress(parsing: "127.0.0.1:0")
        #expect(throws: MirrorURL.Problem.notAURL) { try address.mirror }
    }

    @Test("what dockerd was given by flag is known by the names that the file has for it")
    func flags() {
        let flags = DaemonFlags(arguments: [
            "-H", "fd://", "--containerd=/run/c.sock", "--registry-mirror=https://x", "-Dl", "warn", "--label", "a=b",
            "--config-file", "/x/daemon.json", "--add-runtime=r=/r",
        ])
        #expect(
            flags.keys == ["hosts", "containerd", "registry-mirrors", "debug", "log-level", "labels", "add-runtime"]
        )
        #expect(flags.configurationFile == "/x/daemon.json")
        #expect(DaemonFlags(arguments: ["--config-file=/y=z"]).configurationFile == "/y=z")
        #expect(DaemonFlags(arguments: ["--config-file"]).configurationFile == nil)
        #expect(DaemonFlags(arguments: ["-lwarn", "--", "--debug"]).keys == ["log-level"])
        #expect(DaemonFlags(arguments: []).keys.isEmpty)
    }
}
