import OCIDistribution
import RoostTesting
import Testing

@Suite("Image references")
struct ImageReferenceTests {
    static let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// Text, its form in full, its familiar form, and the engine's name for its repository.
    static let sound: [(text: String, full: String, familiar: String, name: String)] = [
        ("alpine", "docker.io/library/alpine:latest", "alpine:latest", "alpine"),
        ("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20", "alpine"),
        ("library/alpine", "docker.io/library/alpine:latest", "alpine:latest", "alpine"),
        ("docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest", "alpine"),
        ("docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest", "alpine"),
        ("index.docker.io/alpine:3", "docker.io/library/alpine:3", "alpine:3", "alpine"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest", "alpine"),
        ("org/tool:1", "docker.io/org/tool:1", "org/tool:1", "org/tool"),
        ("a/b/c", "docker.io/a/b/c:latest", "a/b/c:latest", "a/b/c"),
        ("library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest", "library/a/b"),
        ("ghcr.io/org/tool:v1.2", "ghcr.io/org/tool:v1.2", "ghcr.io/org/tool:v1.2", "ghcr.io/org/tool"),
        ("quay.io/x", "quay.io/x:latest", "quay.io/x:latest", "quay.io/x"),
        ("localhost/x", "localhost/x:latest", "localhost/x:latest", "localhost/x"),
        ("localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x"),
        ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000", "localhost"),
        ("127.0.0.1:5000/x", "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x"),
        (
            "127.0.0.1:5000/library/x", "127.0.0.1:5000/library/x:latest", "127.0.0.1:5000/library/x:latest",
            "127.0.0.1:5000/library/x"
        ),
        ("host:5000/x:1", "host:5000/x:1", "host:5000/x:1", "host:5000/x"),
        ("[::1]:5000/x:1", "[::1]:5000/x:1", "[::1]:5000/x:1", "[::1]:5000/x"),
        ("[2001:DB8::1]/x", "[2001:DB8::1]/x:latest", "[2001:DB8::1]/x:latest", "[2001:DB8::1]/x"),
        ("Registry.Example/x", "Registry.Example/x:latest", "Registry.Example/x:latest", "Registry.Example/x"),
        ("xn--7o8h.com/x", "xn--7o8h.com/x:latest", "xn--7o8h.com/x:latest", "xn--7o8h.com/x"),
        ("alpine@" + digest, "docker.io/library/alpine@" + digest, "alpine@" + digest, "alpine"),
        ("alpine:3@" + digest, "docker.io/library/alpine:3@" + digest, "alpine:3@" + digest, "alpine"),
        ("h:1/x:3@" + digest, "h:1/x:3@" + digest, "h:1/x:3@" + digest, "h:1/x"),
        ("a_b__c-d---e.f", "docker.io/library/a_b__c-d---e.f:latest", "a_b__c-d---e.f:latest", "a_b__c-d---e.f"),
        ("x:_Tag.With-Everything_1", "docker.io/library/x:_Tag.With-Everything_1", "x:_Tag.With-Everything_1", "x"),
        // A Hub repository that looks like a host keeps its registry.
        ("docker.io/a.b/x", "docker.io/a.b/x:latest", "docker.io/a.b/x:latest", "docker.io/a.b/x"),
        (
            "docker.io/localhost/x", "docker.io/localhost/x:latest", "docker.io/localhost/x:latest",
            "docker.io/localhost/x"
        ),
    ]

    @Test("names are normalised as Docker does", arguments: sound)
    func normalised(row: (text: String, full: String, familiar: String, name: String)) throws {
        let reference = try ImageReference(parsing: row.text)
        #expect(reference.description == row.full)
        #expect(reference.familiar == row.familiar)
        #expect(reference.name == row.name)
        #expect(try ImageReference(parsing: reference.description) == reference)
        #expect(try ImageReference(parsing: reference.familiar) == reference)
    }

    @Test("a tag and a digest together keep both, a digest alone gets no tag")
    func tagAndDigest() throws {
        let both = try ImageReference(parsing: "x:1@" + Self.digest)
        #expect(both.tag == "1")
        #expect(both.digest?.description == Self.digest)
        #expect(try ImageReference(parsing: "x@" + Self.digest).tag == nil)
    }

    @Test("another tag or digest replaces that part alone")
    func replacing() throws {
        let reference = try ImageReference(parsing: "ghcr.io/org/x:1")
        let digest = try Digest(parsing: Self.digest)
        #expect(try reference.with(tag: "2").description == "ghcr.io/org/x:2")
        #expect(reference.with(digest: digest).description == "ghcr.io/org/x:1@" + Self.digest)
        #expect(try reference.with(digest: digest).with(tag: "2").digest == digest)
        #expect(throws: ImageReferenceError.self) { try reference.with(tag: "../x") }
    }

    /// Text, and the name of the problem it is refused for.
    static let hostile: [(text: String, problem: String)] = [
        ("", "empty"),
        ("--privileged", "leadingDash"), ("-x", "leadingDash"), ("-", "leadingDash"),
        (" alpine", "character"), ("alpine ", "character"), ("al pine", "character"), ("alpine\n", "character"),
        ("alpine\r\n", "character"), ("alpine\0", "character"), ("\u{1b}[31malpine", "character"),
        ("alpîne", "character"), ("alpine\u{202e}", "character"), ("аlpine", "character"),
        ("alpine\u{7f}", "character"),
        ("alpine\t--privileged", "character"),
        ("../etc", "registry"), ("../../etc/passwd", "registry"), ("x/../y", "repository"), ("./x", "registry"),
        ("/x", "repository"), ("x/", "repository"), ("x//y", "repository"), ("/", "repository"),
        ("a/./b", "repository"),
        ("registry.example/../x", "repository"), ("registry.example/", "repository"),
        ("Alpine", "uppercase"), ("org/Tool", "uppercase"), ("ghcr.io/Org/x", "uppercase"), ("Org/x", "uppercase"),
        (String(digest.dropFirst(7)), "imageID"),
        (digest.dropFirst(7) + ":latest", "imageID"),
        (digest, "imageID"),
        ("a___b", "repository"), ("a..b/c/d", "registry"), ("x/a..b", "repository"), ("_a", "repository"),
        ("a_", "repository"), ("a-", "repository"), ("x/-a", "repository"), ("x/.a", "repository"),
        ("a._b", "repository"),
        ("x:", "tag"), ("x:.1", "tag"), ("x:-1", "tag"), ("x:a/b", "registry"), ("x:a:b", "repository"), ("x::", "tag"),
        ("x:" + String(repeating: "t", count: 129), "tag"), ("x:$(id)", "tag"), ("x:`id`", "tag"),
        ("$(id)", "repository"), ("x;id", "repository"), ("x|y", "repository"), ("x&y", "repository"),
        ("x'y", "repository"),
        ("host:0/x", "registry"), ("host:65536/x", "registry"), ("host:999999999999999999999/x", "registry"),
        ("host:/x", "registry"), ("host:1:2/x", "registry"), ("-h.com/x", "leadingDash"), ("h-.com/x", "registry"),
        ("h..com/x", "registry"), (".com/x", "registry"), ("h_x.com/x", "registry"), ("user@host.com/x", "digest"),
        ("user:pw@host.com/x", "digest"), ("https://host.com/x", "registry"), ("host.com?x/y", "registry"),
        ("[::1/x", "registry"), ("[]/x", "repository"), ("[::g]:1/x", "registry"), ("[::1]5/x", "registry"),
        ("[::1]:/x", "registry"), ("[fe80::1%eth0]/x", "registry"),
        ("x@", "digest"), ("x@sha256:", "digest"), ("x@sha256:abc", "digest"), ("x@@" + digest, "digest"),
        ("x@\(digest)@\(digest)", "digest"), ("x@" + digest.uppercased(), "digest"), ("@" + digest, "repository"),
        ("x@md5:d41d8cd98f00b204e9800998ecf8427e", "digest"),
        (String(repeating: "a", count: 256), "repositoryTooLong"),
        ("h.com/" + String(repeating: "a/", count: 130), "repositoryTooLong"),
        (String(repeating: "a", count: 10 << 20), "tooLong"),
        (String(repeating: "/", count: 1024), "repositoryTooLong"),
    ]

    @Test("hostile and mistaken names are refused for the right reason", arguments: hostile)
    func refused(row: (text: String, problem: String)) {
        let error = #expect(throws: ImageReferenceError.self) { try ImageReference(parsing: row.text) }
        let problem = error.map { String(describing: $0.problem).prefix { $0 != "(" } }
        #expect(problem.map(String.init) == row.problem)
        let message = error?.description ?? ""
        #expect(message.utf8.count < 1000)
        #expect(message.unicodeScalars.allSatisfy { $0 == "…" || (" "..."~").contains($0) }, "\(message)")
        #expect(message.contains("alpine:3.20"), "the message shows what a reference looks like")
    }

    @Test("a repository of 255 characters and a tag of 128 are the longest")
    func longest() throws {
        let repository = "h.com/" + String(repeating: "a", count: 255)
        let tag = String(repeating: "t", count: 128)
        #expect(try ImageReference(parsing: "\(repository):\(tag)@\(Self.digest)").tag == tag)
    }

    @Test("20,000 damaged references do no harm, and what is accepted reads back as itself")
    func soakFuzz() async throws {
        let seeds = Self.sound.map(\.text) + Self.hostile.map(\.text).filter { $0.utf8.count < 300 }
        try await Fuzzing.run(rounds: 20_000) { generator in
            let text = Mutation.mutateText(seeds.randomElement(using: &generator) ?? "", with: &generator)
            let reference: ImageReference
            do throws(ImageReferenceError) {
                reference = try ImageReference(parsing: text)
            } catch {
                try Mutation.require(error.description.utf8.count < 1000, "a message without bound for \(text)")
                return
            }
            let full = reference.description
            let path = "\(reference.registry)/\(reference.repository)"
            try Mutation.require(!path.contains("..") && !path.contains("//"), "accepted \(full)")
            try Mutation.require(full.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "accepted \(full)")
            try Mutation.require(reference.familiar.first != "-", "accepted \(full)")
            let again = try ImageReference(parsing: full)
            try Mutation.require(again == reference, "\(full) is read back as \(again)")
            let familiar = try ImageReference(parsing: reference.familiar)
            try Mutation.require(familiar == reference, "\(reference.familiar) is read back as \(familiar)")
        }
    }
}
