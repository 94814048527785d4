import Foundation
import RoostTesting
import Testing

@testable import OCIDistribution

@Suite("Docker's configuration")
struct DockerConfigFileTests {
    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    private func parse(_ text: String) throws -> DockerConfigFile {
        try DockerConfigFile(parsing: Data(text.utf8), path: "config.json")
    }

    @Test("logins are found by the key that Docker writes, Docker Hub's too")
    func logins() async throws {
        let file = try parse(
            """
            {"auths":{
              "https://index.docker.io/v1/":{"auth":"\(Self.base64("hub:pa:ss"))"},
              "ghcr.io":{"username":"u","password":"p"},
              "https://old.example/v2/":{"auth":"\(Self.base64("old:secret\0\0"))"},
              "r.example:5000":{"auth":"","identitytoken":"refresh"},
              "empty.example":{}
            },"currentContext":"remote","unknown":[1,{"x":null}]}
            """
        )
        #expect(try await file.credentials(for: "docker.io") == .password(username: "hub", password: "pa:ss"))
        #expect(try await file.credentials(for: "ghcr.io") == .password(username: "u", password: "p"))
        #expect(try await file.credentials(for: "old.example") == .password(username: "old", password: "secret"))
        #expect(try await file.credentials(for: "r.example:5000") == .identityToken("refresh"))
        for registry in ["r.example", "empty.example", "example", "io", "", "hcr.io", "docker.io.evil.example"] {
            #expect(try await file.credentials(for: registry) == nil, "\(registry)")
        }
    }

    @Test("a missing file and an empty object are a configuration without logins")
    func missing() async throws {
        try await TemporaryDirectory.with { folder in
            let file = try DockerConfigFile.load(environment: ["DOCKER_CONFIG": folder.path("none")])
            #expect(file.path == folder.path("none/config.json"))
            #expect(try await file.credentials(for: "docker.io") == nil)
            try folder.write("{}", to: "home/.docker/config.json")
            let other = try DockerConfigFile.load(environment: ["HOME": folder.path("home"), "DOCKER_CONFIG": ""])
            #expect(other.path == folder.path("home/.docker/config.json"))
        }
    }

    @Test("the current context is told whatever the logins look like, and a file that is no object is an error")
    func currentContext() async throws {
        try await TemporaryDirectory.with { folder in
            let environment = ["DOCKER_CONFIG": folder.path]
            #expect(try DockerConfigFile.currentContext(environment: environment) == nil)
            for (text, context) in [
                (#"{"currentContext":"remote","auths":7}"#, "remote"), (#"{"currentContext":""}"#, nil), ("{}", nil),
            ] {
                try folder.write(text, to: "config.json")
                #expect(try DockerConfigFile.currentContext(environment: environment) == context, "\(text)")
            }
            for text in ["", "[]", "{", #"{"currentContext":7}"#] {
                try folder.write(text, to: "config.json")
                #expect(throws: CredentialError.malformed(path: folder.path("config.json"))) {
                    try DockerConfigFile.currentContext(environment: environment)
                }
            }
        }
    }

    @Test("logins are read when the first registry asks: only then does a damaged file matter, and it is read once")
    func lazily() async throws {
        try await TemporaryDirectory.with { folder in
            let path = try folder.write("{", to: "config.json")
            let damaged = DockerLogins(environment: ["DOCKER_CONFIG": folder.path])
            #expect(damaged.warnings.isEmpty)
            await #expect(throws: CredentialError.malformed(path: path)) {
                try await damaged.credentials(for: "ghcr.io")
            }
            let logins = DockerLogins(environment: ["DOCKER_CONFIG": folder.path])
            try folder.write(#"{"auths":{"ghcr.io":{"username":"u","password":"p"}}}"#, to: "config.json")
            #expect(try await logins.credentials(for: "ghcr.io") == .password(username: "u", password: "p"))
            try folder.write("{", to: "config.json")
            #expect(try await logins.credentials(for: "ghcr.io") == .password(username: "u", password: "p"))
        }
    }

    @Test(
        "a damaged file is an error that names it and shows nothing of it",
        arguments: ["", "[]", "{", #"{"auths":{"x":{"auth":"c2VjcmV0"}}"#, #"{"auths":[]}"#, #"{"credsStore":7}"#]
    )
    func damaged(text: String) {
        let error = #expect(throws: CredentialError.self) { try self.parse(text) }
        #expect(error == .malformed(path: "config.json"))
        #expect(error?.description.contains("config.json") == true)
        #expect(error?.description.contains("c2VjcmV0") == false)
    }

    @Test("a folder in the file's place can't be read, which the error says")
    func unreadable() async throws {
        try await TemporaryDirectory.with { folder in
            try folder.write("", to: "config.json/file")
            let error = #expect(throws: CredentialError.self) {
                try DockerConfigFile.load(environment: ["DOCKER_CONFIG": folder.path])
            }
            #expect(error?.description.contains(folder.path("config.json")) == true)
        }
    }

    @Test("a login that is no base64 of a name and a password is an error of that registry alone")
    func damagedLogin() async throws {
        let file = try parse(
            #"{"auths":{"a.example":{"auth":"%%%"},"b.example":{"auth":"bm9jb2xvbg=="},"c.example":{"auth":"/////w=="}}}"#
        )
        for registry in ["a.example", "b.example", "c.example"] {
            await #expect(throws: CredentialError.malformedAuth(registry: registry)) {
                try await file.credentials(for: registry)
            }
        }
        #expect(try await file.credentials(for: "docker.io") == nil)
    }

    @Test("a secret shows in no description, no dump and no interpolation")
    func redaction() {
        for credentials in [Credentials.password(username: "me", password: "s3cret"), .identityToken("s3cret")] {
            var dumped = ""
            dump(credentials, to: &dumped)
            dump([credentials], to: &dumped)
            let shown = "\(credentials) \(String(reflecting: credentials)) \([credentials]) \(dumped)"
            #expect(!shown.contains("s3cret"), "\(shown)")
        }
    }
}

@Suite("Credential helpers")
struct CredentialHelperTests {
    /// As the program does: a helper may end without reading what it is told.
    init() { signal(SIGPIPE, SIG_IGN) }

    /// Runs `body` with a configuration whose helper `test` is the given shell script.
    private func withHelper(
        _ script: String,
        config: String = #"{"credsStore":"test"}"#,
        _ body: (DockerConfigFile, TemporaryDirectory) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { folder in
            let helper = try folder.write("#!/bin/sh\n\(script)\n", to: "bin/docker-credential-test")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: helper)
            try folder.write(config, to: "config.json")
            let file = try DockerConfigFile.load(environment: [
                "DOCKER_CONFIG": folder.path,
                "PATH": folder.path("bin") + ":/usr/bin:/bin",
                "OUT": folder.path("out"),
            ])
            try await body(file, folder)
        }
    }

    @Test("a helper is asked for Docker Hub by the key that Docker uses, on its input")
    func found() async throws {
        let script = #"echo "$1 $(cat)" >> "$OUT"; echo '{"ServerURL":"x","Username":"me","Secret":"pw"}'"#
        try await withHelper(script) { file, folder in
            #expect(try await file.credentials(for: "docker.io") == .password(username: "me", password: "pw"))
            #expect(try await file.credentials(for: "ghcr.io") == .password(username: "me", password: "pw"))
            let asked = try String(contentsOfFile: folder.path("out"), encoding: .utf8)
            #expect(asked == "get https://index.docker.io/v1/\nget ghcr.io\n")
            #expect(file.warnings.all.isEmpty)
        }
    }

    @Test("a registry's own helper goes before the common store, and only for that registry")
    func ownHelper() async throws {
        let config = #"{"credHelpers":{"ghcr.io":"test"},"auths":{"quay.io":{"username":"q","password":"p"}}}"#
        try await withHelper(#"echo '{"Username":"<token>","Secret":"refresh"}'"#, config: config) { file, _ in
            let own = try await file.credentials(for: "ghcr.io")
            #expect(own == .identityToken("refresh"))
            let other = try await file.credentials(for: "quay.io")
            #expect(other == .password(username: "q", password: "p"))
        }
    }

    @Test("a helper that has nothing gives no credentials and leaves one warning")
    func nothing() async throws {
        try await withHelper("echo 'credentials not found in native keychain'; exit 1") { file, _ in
            for _ in 0..<2 {
                let credentials = try await file.credentials(for: "docker.io")
                #expect(credentials == nil)
            }
            #expect(file.warnings.all.count == 1)
            #expect(file.warnings.all.first?.description.contains("docker-credential-test") == true)
        }
    }

    @Test("a helper that isn't installed leaves a warning, and the file's own login is used")
    func notInstalled() async throws {
        let config = #"{"credsStore":"absent","auths":{"ghcr.io":{"username":"u","password":"p"}}}"#
        try await withHelper("exit 0", config: config) { file, _ in
            let none = try await file.credentials(for: "docker.io")
            #expect(none == nil)
            let own = try await file.credentials(for: "ghcr.io")
            #expect(own == .password(username: "u", password: "p"))
            #expect(file.warnings.all.map(\.reason) == [.notInstalled, .notInstalled])
        }
    }

    @Test(
        "rubbish from a helper is an error that doesn't repeat it",
        arguments: ["echo s3cret", ":", "head -c 1000000 /dev/zero"]
    )
    func rubbish(script: String) async throws {
        try await withHelper(script) { file, _ in
            let error = await #expect(throws: CredentialError.self) { try await file.credentials(for: "docker.io") }
            #expect(error?.description.contains("s3cret") == false)
        }
    }

    @Test("a helper that hangs is ended at its deadline, and not asked again for that registry")
    func hangs() async throws {
        let script = #"echo "$(cat)" >> "$OUT"; exec sleep 600"#
        try await withHelper(script) { _, folder in
            let limit = Duration.seconds(1)
            let helper = CredentialHelper(
                environment: ["PATH": folder.path("bin") + ":/usr/bin:/bin", "OUT": folder.path("out")],
                deadline: limit
            )
            for registry in ["a.example", "a.example", "b.example", "a.example"] {
                let error = await #expect(throws: CredentialError.self) {
                    try await helper.get(registry: registry, server: registry, helper: "test")
                }
                #expect(error == .helperTimedOut(helper: "docker-credential-test", registry: registry, after: limit))
                #expect(error?.description.contains(registry) == true)
            }
            // On a busy machine a helper may be ended before it has written its line.
            let asked = (try? String(contentsOfFile: folder.path("out"), encoding: .utf8)) ?? ""
            #expect(asked.split(separator: "\n").count { $0 == "a.example" } <= 1)
        }
    }

    @Test("those who ask the same at once share one process")
    func shared() async throws {
        let script = #"echo asked >> "$OUT"; head -c 1 "$PIPE" > /dev/null; echo '{"Username":"me","Secret":"pw"}'"#
        try await withHelper(script) { _, folder in
            let path = folder.path("pipe")
            try #require(mkfifo(path, 0o600) == 0)
            // Opened for both, it waits for nobody.
            let pipe = open(path, O_RDWR)
            try #require(pipe >= 0)
            defer { close(pipe) }
            let helper = CredentialHelper(
                environment: [
                    "PATH": folder.path("bin") + ":/usr/bin:/bin", "PIPE": path, "OUT": folder.path("out"),
                ],
                deadline: .seconds(300)
            )
            try await withThrowingTaskGroup(of: CredentialHelper.Answer.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await helper.get(registry: "x", server: "x", helper: "test") }
                }
                while helper.waiters(registry: "x", helper: "test") < 3 { await Task.yield() }
                try #require(Foundation.write(pipe, " ", 1) == 1)
                for try await answer in group {
                    guard case .found(let found) = answer else { Issue.record("\(answer)"); return }
                    #expect(found == .password(username: "me", password: "pw"))
                }
            }
            #expect(try String(contentsOfFile: folder.path("out"), encoding: .utf8) == "asked\n")
        }
    }

    @Test("what a helper has started is killed with it")
    func processGroup() async throws {
        // The child alone holds the pipe's writing end: the pipe ends when the child does.
        let script = #"(echo up; exec sleep 600) > "$PIPE" & exec sleep 600"#
        try await withHelper(script) { _, folder in
            let path = folder.path("pipe")
            try #require(mkfifo(path, 0o600) == 0)
            let pipe = open(path, O_RDONLY | O_NONBLOCK)
            try #require(pipe >= 0)
            defer { close(pipe) }
            let helper = CredentialHelper(
                environment: ["PATH": folder.path("bin") + ":/usr/bin:/bin", "PIPE": path],
                deadline: .seconds(300)
            )
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await helper.get(registry: "x", server: "x", helper: "test") }
                #expect(await Self.read(pipe) == Array("up\n".utf8))
                group.cancelAll()
                await #expect(throws: CredentialError.cancelled) { try await group.next() }
            }
            #expect(await Self.read(pipe) == [])
        }
    }

    /// What comes next from a pipe, nothing at its end, and `nil` where neither comes for a minute.
    private static func read(_ descriptor: Int32) async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, 60_000) == 1 else { return continuation.resume(returning: nil) }
                var bytes = [UInt8](repeating: 0, count: 64)
                let count = Foundation.read(descriptor, &bytes, bytes.count)
                continuation.resume(returning: count < 0 ? nil : Array(bytes.prefix(count)))
            }
        }
    }

    @Test("a helper's name is never a path or an option", arguments: ["../evil", "a/b", "-x", ".", "", "a b", "a\0b"])
    func hostileName(name: String) async throws {
        let helper = CredentialHelper(environment: [:])
        await #expect(throws: CredentialError.helperName(name)) {
            try await helper.get(registry: "x", server: "x", helper: name)
        }
    }
}
