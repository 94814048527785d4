import DockerEngine
import Foundation
import NIOHTTP1
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import ImagePull

/// Pulls of a real engine, from registries real and in memory, with a proxy between that logs and misbehaves.
@Suite("Pulling on an engine", .serialized, .enabled(if: TestEnvironment.hasEngine, "\(TestEnvironment.whySkipped)"))
struct PullTests {
    @Test("images on one base fetch each shared blob once", .enabled(if: TestEnvironment.hasRegistry))
    func sharedBase() async throws {
        let base = try TestLayer.random(bytes: 3 << 20, seed: .random(in: .min ... .max))
        try await Workbench.withProxy("http://" + TestEnvironment.requireRegistry()) { bench, proxy in
            let real = try TestEnvironment.requireRegistry()
            var names: [String] = []
            for number in 0..<3 {
                let own = try TestLayer.random(bytes: 1 << 20, seed: .random(in: .min ... .max))
                let repository = "\(bench.prefix)/image\(number)"
                try await TestImage(layers: [base, own]).push(to: real, repository: repository, tag: "1")
                names.append("\(proxy.hostAndPort)/\(repository):1")
            }
            let outcomes = try await bench.pull(names)
            #expect(proxy.log.blobFetches[base.digest] == 1)
            #expect(proxy.log.blobFetches.values.allSatisfy { $0 == 1 })
            // Four layers: the base is counted for one image only.
            let sizes = Int64(base.size) + Int64(outcomes.count) * (1 << 20)
            let counted = outcomes.reduce(Int64(0)) { $0 + $1.bytes.bytes }
            #expect(counted >= sizes)
            #expect(counted < sizes + Int64(base.size))

            proxy.log.removeAll()
            let warm = try await bench.pull(names)
            #expect(proxy.log.entries.isEmpty)
            #expect(warm.map(\.imageID) == outcomes.map(\.imageID))
        }
    }

    @Test("wrong credentials are a definite failure that says so, and nothing is pulled")
    func wrongCredentials() async throws {
        try await InMemoryRegistry.with(authentication: .basic(users: ["user": "right"])) { registry in
            try await Workbench.with(login: (registry.hostAndPort, "user", "wrong")) { bench in
                try TestImage.random().add(to: registry, repository: bench.prefix, tag: "1")
                let name = "\(registry.hostAndPort)/\(bench.prefix):1"
                let failures = await #expect(throws: PullFailures.self) { try await bench.pull([name]) }
                #expect(failures?.failures.map(\.kind) == [.unauthorized])
                #expect(failures?.description.contains("log in") == true)
                #expect(failures?.description.contains("wrong") == false)
                #expect(registry.log.requests(method: .GET).allSatisfy { !$0.path.contains("/blobs/") })
            }
        }
    }

    @Test("the right credentials reach the engine's pull")
    func rightCredentials() async throws {
        let users = ["user": "right"]
        for authentication in [
            RegistryAuthentication.basic(users: users),
            .token(TokenAuthentication(users: users, allowsAnonymous: false)),
        ] {
            try await InMemoryRegistry.with(authentication: authentication) { registry in
                try await Workbench.with(login: (registry.hostAndPort, "user", "right")) { bench in
                    try TestImage.random().add(to: registry, repository: bench.prefix, tag: "1")
                    let outcomes = try await bench.pull(["\(registry.hostAndPort)/\(bench.prefix):1"])
                    #expect(outcomes.map(\.source) == [registry.hostAndPort])
                }
            }
        }
    }

    @Test(
        "a network that goes away in the middle of a pull leads to attempts, then to a failure, and no image",
        .enabled(if: TestEnvironment.hasScripts)
    )
    func networkGone() async throws {
        // An engine tries a cut layer five times by itself, at growing intervals, before it gives up its pull.
        try await PrivateEngine.with(options: ["--max-download-attempts=1"]) { engine in
            try await InMemoryRegistry.with { registry in
                try await FaultProxy.with(upstream: registry.url) { proxy in
                    try await Workbench.with(engine: engine.host) { bench in
                        try await networkGone(bench, registry, proxy)
                    }
                }
            }
        }
    }

    private func networkGone(_ bench: Workbench, _ registry: InMemoryRegistry, _ proxy: FaultProxy) async throws {
        try TestImage.random(bytes: 4 << 20).add(to: registry, repository: bench.prefix, tag: "1")
        let name = "\(proxy.hostAndPort)/\(bench.prefix):1"
        proxy.shape(latency: .zero, bytesPerSecond: 1 << 20)
        let puller = bench.puller()
        let plan = try await puller.resolve(try bench.requests([name]))
        let failure = try await withThrowingTaskGroup(of: PullFailure?.self) { group in
            group.addTask {
                await #expect(throws: PullFailure.self) { try await puller.run(plan) }
            }
            try await proxy.waitFor { $0.path.contains("/blobs/") && $0.bytesSent > 64 << 10 }
            proxy.goOffline()
            return try await group.next() ?? nil
        }
        #expect(failure?.isDefinite == false)
        #expect(failure?.message.contains("gave up after 2 attempts") == true)
        #expect(await bench.log.retries == 1)
        #expect(try await bench.engine.inspectImage(name) == nil)
    }

    @Test("a pull that was cut is whole after another attempt")
    func cutOnce() async throws {
        try await InMemoryRegistry.with { registry in
            try await Workbench.withProxy(registry.url) { bench, proxy in
                let image = try TestImage.random()
                image.add(to: registry, repository: bench.prefix, tag: "1")
                // The engine asks for the manifest once an attempt.
                proxy.inject(.disconnect, method: .GET, path: .manifests, occurrence: .first(1))
                let outcomes = try await bench.pull(["\(proxy.hostAndPort)/\(bench.prefix):1"])
                #expect(outcomes.map(\.digest?.description) == [image.manifestDigest])
                #expect(await bench.log.retries == 1)
            }
        }
    }

    @Test("one digest under two names is pulled once and tagged")
    func sameDigest() async throws {
        try await InMemoryRegistry.with { registry in
            try await Workbench.withProxy(registry.url) { bench, proxy in
                let image = try TestImage.random()
                image.add(to: registry, repository: "\(bench.prefix)/a", tag: "1")
                image.add(to: registry, repository: "\(bench.prefix)/b", tag: "2")
                let names = ["a:1", "b:2"].map { "\(proxy.hostAndPort)/\(bench.prefix)/\($0)" }
                let outcomes = try await bench.pull(names)
                #expect(Set(outcomes.map(\.imageID)).count == 1)
                #expect(proxy.log.requests(method: .GET).allSatisfy { !$0.path.contains("/b/") })
                #expect(try await bench.engine.inspectImage(names[1])?.repoTags?.sorted() == names.sorted())
                guard case .tagged = outcomes.last?.result else {
                    Issue.record("the second name was not tagged")
                    return
                }
                // What was only tagged is present for 'always' too: its digest is known.
                proxy.log.removeAll()
                _ = try await bench.pull(names, policy: .always)
                #expect(proxy.log.requests(method: .GET).allSatisfy { !$0.path.contains("/manifests/") })
            }
        }
    }

    @Test("'always' with an unchanged digest makes one HEAD and no GET; a moved tag is pulled")
    func always() async throws {
        try await InMemoryRegistry.with { registry in
            try await Workbench.withProxy(registry.url) { bench, proxy in
                try TestImage.random().add(to: registry, repository: bench.prefix, tag: "1")
                let name = "\(proxy.hostAndPort)/\(bench.prefix):1"
                let first = try await bench.pull([name])
                proxy.log.removeAll()
                let again = try await bench.pull([name], policy: .always)
                #expect(proxy.log.entries.map(\.method) == [.HEAD])
                #expect(again.map(\.imageID) == first.map(\.imageID))

                let moved = try TestImage.random()
                moved.add(to: registry, repository: bench.prefix, tag: "1")
                let newer = try await bench.pull([name], policy: .always)
                #expect(newer.map(\.digest?.description) == [moved.manifestDigest])
                #expect(newer.map(\.imageID) != first.map(\.imageID))
            }
        }
    }

    @Test("a registry that only the engine reaches is no failure when it is resolved")
    func unreachable() async throws {
        try await InMemoryRegistry.with { registry in
            try await Workbench.with { bench in
                try TestImage.random().add(to: registry, repository: bench.prefix, tag: "1")
                let name = "\(registry.hostAndPort)/\(bench.prefix):1"
                let outcomes = try await bench.pull([name], heads: Unreachable())
                #expect(outcomes.map(\.source) == [nil])
                #expect(outcomes.first?.imageID != nil)
            }
        }
    }

    @Test("Retry-After is waited for before the next attempt")
    func retryAfter() async throws {
        try await InMemoryRegistry.with { registry in
            try await Workbench.withProxy(registry.url) { bench, proxy in
                try TestImage.random().add(to: registry, repository: bench.prefix, tag: "1")
                proxy.inject(
                    .answer(.tooManyRequests, headers: ["Retry-After": "7"]),
                    path: .manifests,
                    // At the resolution, by HEAD and GET in the first attempt, and when it is asked why that failed.
                    occurrence: .first(4)
                )
                _ = try await bench.pull(["\(proxy.hostAndPort)/\(bench.prefix):1"])
                #expect(await bench.log.delays.allSatisfy { $0 >= .seconds(7) })
                #expect(await bench.log.retries >= 1)
            }
        }
    }

    @Test("images that can't be had are told together, and none is pulled")
    func missing() async throws {
        try await InMemoryRegistry.with { registry in
            try await Workbench.with { bench in
                try TestImage.random().add(to: registry, repository: bench.prefix, tag: "1")
                let names = ["\(bench.prefix):1", "\(bench.prefix):2", "nowhere:1"].map {
                    "\(registry.hostAndPort)/\($0)"
                }
                let failures = await #expect(throws: PullFailures.self) { try await bench.pull(names) }
                #expect(failures?.failures.map(\.image.familiar) == Array(names.dropFirst()))
                #expect(registry.log.blobFetches.isEmpty)
            }
        }
    }

    @Test("a locked image is pulled by its digest, and its tag is left alone")
    func locked() async throws {
        try await InMemoryRegistry.with { registry in
            try await Workbench.with { bench in
                let old = try TestImage.random()
                old.add(to: registry, repository: bench.prefix, tag: "1")
                let new = try TestImage.random()
                new.add(to: registry, repository: bench.prefix, tag: "1")
                let name = "\(registry.hostAndPort)/\(bench.prefix):1"
                let digest = try Digest(parsing: old.manifestDigest)
                let request = PullRequest(reference: try ImageReference(parsing: name), locked: digest)
                let outcomes = try await bench.pull([request])
                #expect(outcomes.map(\.digest) == [digest])
                #expect(try await bench.engine.inspectImage(name) == nil)
            }
        }
    }

    @Test("an image that vanished is pulled again")
    func pullAgain() async throws {
        try await InMemoryRegistry.with { registry in
            try await Workbench.with { bench in
                try TestImage.random().add(to: registry, repository: bench.prefix, tag: "1")
                let name = "\(registry.hostAndPort)/\(bench.prefix):1"
                let first = try await bench.pull([name])
                _ = try await bench.engine.removeImage(name)
                let id = try await bench.puller().pullAgain(try ImageReference(parsing: name))
                #expect(first.map(\.imageID) == [id])
            }
        }
    }

    @Test(
        "an image of docker.io is resolved and pulled through the engine's mirror",
        .enabled(if: TestEnvironment.hasScripts)
    )
    func mirror() async throws {
        try await InMemoryRegistry.with { registry in
            try await PrivateEngine.with(mirrors: [registry.url]) { engine in
                try await Workbench.with(engine: engine.host) { bench in
                    let image = try TestImage.random()
                    image.add(to: registry, repository: "library/mirrored", tag: "1")
                    let outcomes = try await bench.pull(["mirrored:1"])
                    #expect(outcomes.map(\.source) == [registry.hostAndPort])
                    #expect(outcomes.map(\.digest?.description) == [image.manifestDigest])
                    // Roost's question and the engine's own.
                    #expect(
                        registry.log.requests(method: .HEAD, pathSuffix: "/library/mirrored/manifests/1").count == 2
                    )
                }
            }
        }
    }

    /// Asks nobody.
    private struct Unreachable: ManifestHeads {
        struct NoRoute: Error {}
        func digest(
            of reference: ImageReference,
            at endpoint: RegistryEndpoint,
            deadline: Duration
        ) async throws(RegistryError) -> Digest {
            throw RegistryError(.unreachable(cause: NoRoute()), endpoint: endpoint, reference: reference)
        }
    }
}
