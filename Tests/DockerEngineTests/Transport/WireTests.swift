import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import DockerEngine

@Suite("What goes on the wire", .timeLimit(.minutes(1)))
struct WireTests {
    @Test("every request names a host, over a socket too")
    func host() async throws {
        try await FakeEngine.with { fake in
            try await EngineClient.with(fake.endpoint) { client in
                _ = try await client.images()
                await #expect(throws: EngineError.self) { try await client.attach("x", [.stdout]) { _ in } }
            }
            #expect(fake.calls.map { $0.headers["host"] } == Array(repeating: ["docker"], count: 4))
        }
        try await HTTPTestServer.with({ request, answer in
            let wanted = request.headers["host"].first?.hasPrefix("127.0.0.1:") == true
            guard wanted else { return try await answer.respond(.badRequest) }
            try await TinyEngine.handle(request, answer)
        }) { server in
            let endpoint = EngineEndpoint(address: .tcp(host: "127.0.0.1", port: server.port))
            try await EngineClient.with(endpoint) { client in
                _ = try await client.images()
                try await client.attach("x", [.stdin]) { _ in }
            }
        }
    }

    @Test("names and filters are encoded so that they stay what they are")
    func encoding() async throws {
        try await FakeEngine.with { fake in
            try await EngineClient.with(fake.endpoint) { client in
                let hostile = "a/../b?x=1&y#z%2f ü"
                let image = try await client.inspectImage(hostile)
                #expect(image == nil)
                let volume = try await client.inspectVolume(hostile)
                #expect(volume == nil)
                let containers = try await client.containers(labels: ["k\"=&": "v=1 +"])
                #expect(containers.isEmpty)
                let paths = fake.calls.dropFirst(2).map(\.path)
                #expect(paths == ["/images/\(hostile)/json", "/volumes/\(hostile)", "/containers/json"])
                #expect(fake.calls.last?.queryValue("filters") == #"{"label":["k\"=&=v=1 +"]}"#)
            }
        }
    }

    @Test("a registry's credentials are sent in the engine's form, and only with them the header")
    func registryAuthorization() async throws {
        struct Login: Decodable, Equatable {
            var username: String?
            var password: String?
            var identitytoken: String?
            var serveraddress: String
        }
        func login(_ reference: String, _ credentials: Credentials?) async throws -> Login? {
            try await FakeEngine.with { fake in
                try fake.offer(FakeEngine.Image("image"), as: reference)
                try await EngineClient.with(fake.endpoint) { client in
                    try await client.pull(
                        ImageReference(parsing: reference),
                        credentials: credentials,
                        deadline: .seconds(30)
                    ) { _ in }
                }
                guard let header = fake.calls.last?.headers["x-registry-auth"].first else { return nil }
                #expect(!header.contains("+") && !header.contains("/"))
                let base64 = header.replacing("-", with: "+").replacing("_", with: "/")
                let data = try #require(Data(base64Encoded: base64))
                return try JSONDecoder().decode(Login.self, from: data)
            }
        }
        // The password's bits give both characters in which the two alphabets of base64 differ.
        let password = "ÿ>?~~ÿÿ>>??"
        #expect(
            try await login("registry.test/x:1", .password(username: "me", password: password))
                == Login(username: "me", password: password, serveraddress: "registry.test")
        )
        #expect(
            try await login("x:1", .identityToken("token"))
                == Login(identitytoken: "token", serveraddress: "https://index.docker.io/v1/")
        )
        #expect(try await login("x:1", nil) == nil)
    }

    @Test("a pull names one tag or one digest, and the platform where one is asked for")
    func pull() async throws {
        try await FakeEngine.with { fake in
            let image = FakeEngine.Image("image")
            try fake.offer(image, as: "registry.test:5000/a/b:latest")
            try await EngineClient.with(fake.endpoint) { client in
                for (reference, platform) in [
                    ("registry.test:5000/a/b", nil),
                    ("registry.test:5000/a/b:latest@\(image.manifestDigest)", "linux/arm64"),
                ] {
                    try await client.pull(
                        ImageReference(parsing: reference),
                        platform: platform,
                        deadline: .seconds(30)
                    ) { _ in }
                }
            }
            let calls = fake.calls(.init(.POST, "/images/create"))
            #expect(calls.map { $0.queryValue("fromImage") } == ["registry.test:5000/a/b", "registry.test:5000/a/b"])
            #expect(calls.map { $0.queryValue("tag") } == ["latest", image.manifestDigest.description])
            #expect(calls.map { $0.queryValue("platform") } == [nil, "linux/arm64"])
        }
    }

    @Test("a pull's failure within its stream is an error, and its deadline is for the whole")
    func pullFailures() async throws {
        try await FakeEngine.with { fake in
            var failing = FakeEngine.Offer(FakeEngine.Image("failing"))
            failing.streamError = "unexpected EOF"
            try fake.offer(failing, as: "failing:1")
            var slow = FakeEngine.Offer(FakeEngine.Image("slow"))
            slow.gate = Latch()
            try fake.offer(slow, as: "slow:1")
            try fake.offer(FakeEngine.Image("cut"), as: "cut:1")
            try await EngineClient.with(fake.endpoint) { client in
                func failure(_ name: String, _ deadline: Duration = .seconds(30)) async throws -> EngineError? {
                    let reference = try ImageReference(parsing: name)
                    return await #expect(throws: EngineError.self) {
                        try await client.pull(reference, deadline: deadline) { _ in }
                    }
                }
                guard case .inStream(_, "unexpected EOF") = try await failure("failing:1") else {
                    Issue.record("the error in the stream was missed")
                    return
                }
                fake.fail(.init(.POST, "/images/create"), .cutBody(after: 100))
                #expect(try await failure("cut:1")?.isConnectionLoss == true)
                #expect(try await failure("slow:1", .milliseconds(300))?.isTimeout == true)
                #expect(fake.imageNames.isEmpty)
            }
        }
    }

    @Test("two hundred streams at once are all served, and calls beside them too")
    func manyStreams() async throws {
        let count = 200
        let door = Latch()
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("base"), as: "base:1")
            fake.run { _ in FakeEngine.Program(.line("one"), .wait(door), .line("two")) }
            try await EngineClient.with(fake.endpoint) { client in
                let open = Observed(0)
                try await withThrowingTaskGroup(of: String.self) { group in
                    for number in 0..<count {
                        group.addTask {
                            let specification = ContainerSpecification(image: "base:1")
                            let id = try await client.createContainer(name: "step-\(number)", specification).id
                            try await client.startContainer(id)
                            var text = ""
                            try await client.containerLogs(id, follow: true) { frames in
                                if text.isEmpty { open.change { $0 += 1 } }
                                text += frames.map { String(buffer: $0.bytes) }.joined()
                            }
                            return text
                        }
                    }
                    // Every stream has sent something and none can end.
                    try await open.wait { $0 == count ? true : nil }
                    #expect(try await client.containers(includeStopped: false).count == count)
                    door.open()
                    for try await text in group { #expect(text == "one\ntwo\n") }
                }
            }
        }
    }
}
