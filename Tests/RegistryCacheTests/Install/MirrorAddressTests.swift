import Testing

@testable import RegistryCache

@Suite("Addresses and flags of an installation")
struct AddressTests {
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
        "the cache listens on an address of this machine alone",
        arguments: ["127.0.0.1:5555", "127.1.2.3:1", "[::1]:65535", "localhost:80"]
    )
    func listeners(_ text: String) throws {
        let listener = try LoopbackListener(parsing: text)
        #expect(listener.description == text)
        #expect(try listener.mirror.text == "http://\(text)")
    }

    @Test(
        "no other address and no other port is taken",
        arguments: [
            "0.0.0.0:5555", "10.0.0.1:5555", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
            "127.0.0.1:-1",
            "127.0.0.1.evil.org:80", "127.0.0.01:80", "127.0.0.256:80", "[::]:80", "::1:80", ":80", "", "127.0.0.1:٥",
            "127.0.0.1:+80", "127.0..1:80", "localhost.evil.org:80",
        ]
    )
    func notListeners(_ text: String) {
        #expect(throws: LoopbackListener.Invalid(text: text)) { try LoopbackListener(parsing: text) }
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
