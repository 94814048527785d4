import Foundation
import NIOCore
import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("What the image cache answers", .timeLimit(.minutes(1)))
struct CacheServiceTests {
    private struct Bench {
        let service: CacheService
        let upstream: AskedUpstream
        let store: ContentStore
        let fixture: StoreFixture
        let reports: Shared<[String]>
        /// What tag 1 leads to.
        let document: ManifestDocument

        /// A service over a store of its own and an upstream that has `library/debian` as tag 1, with two blobs.
        static func with(_ body: @escaping @Sendable (Bench) async throws -> Void) async throws {
            try await StoreFixture.with { fixture in
                try await fixture.withStore { store in
                    let upstream = AskedUpstream()
                    let reports = Shared<[String]>([])
                    let document = try manifestDocument(of: Self.contents)
                    let fills = FillTable(store: store, upstream: upstream, pause: { _ in })
                    let service = CacheService(
                        store: store,
                        upstream: upstream,
                        fills: fills,
                        now: { [clock = fixture.clock] in clock.value },
                        report: { text in reports.update { $0.append(text) } }
                    )
                    let bench = Bench(
                        service: service,
                        upstream: upstream,
                        store: store,
                        fixture: fixture,
                        reports: reports,
                        document: document
                    )
                    for content in Self.contents { upstream.add(content, to: try debian()) }
                    upstream.set("1", of: try debian(), to: document)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await fills.run() }
                        defer { group.cancelAll() }
                        try await body(bench)
                    }
                }
            }
        }

        static let contents = [Content(seed: 1, size: 100), Content(seed: 2, size: 50_000)]

        func tag() async throws -> CacheAnswer {
            await ask(.manifest(try debian(), .tag("1")))
        }

        /// As the server asks.
        func ask(_ request: CacheRequest) async -> CacheAnswer {
            if let answer = service.answerAtOnce(request) { return answer }
            return await service.answer(request)
        }

        private func read(_ descriptor: CInt, _ size: Int64) throws -> [UInt8] {
            try RegistryCacheTests.contents(of: descriptor, 0..<size)
        }

        /// A blob as a client gets it.
        func blob(_ content: Content, of repository: CachedRepository) async throws -> (bytes: [UInt8], CacheResult)? {
            guard case .blob(let blob, let result) = await ask(.blob(repository, content.digest)) else { return nil }
            switch blob {
            case .stored(let file): return (try read(file.descriptor, file.size), result)
            case .filling(let growing):
                var end: Int64 = 0
                while end < growing.size { end = try await growing.available(beyond: end) }
                return (try read(growing.descriptor, end), result)
            case .passing: return nil
            }
        }
    }

    @Test("a tag is fetched once, then served at once while it is fresh")
    func fresh() async throws {
        try await Bench.with { bench in
            let first = try await bench.tag()
            #expect(first.outcome == "manifest miss")
            bench.fixture.pass(299)
            let name = CacheRequest.manifest(try debian(), .tag("1"))
            #expect(bench.service.answerAtOnce(name)?.outcome == "manifest hit")
            let digest = bench.document.digest
            let content = CacheRequest.manifest(try debian(), .digest(digest))
            #expect(bench.service.answerAtOnce(content)?.outcome == "manifest hit")
            #expect(bench.upstream.asked.value.count == 1)
        }
    }

    @Test("an old tag costs one HEAD within a second, and is fresh again; its digest never grows old")
    func revalidated() async throws {
        try await Bench.with { bench in
            _ = try await bench.tag()
            bench.fixture.pass(300)
            let name = CacheRequest.manifest(try debian(), .tag("1"))
            #expect(bench.service.answerAtOnce(name) == nil)
            #expect(try await bench.tag().outcome == "manifest revalidated")
            #expect(bench.upstream.asked.value.last == "HEAD docker.io/library/debian 1 within 1.0 seconds")
            #expect(try await bench.tag().outcome == "manifest hit")
            bench.fixture.pass(1e6)
            let digest = bench.document.digest
            #expect(try await bench.ask(.manifest(debian(), .digest(digest))).outcome == "manifest hit")
            #expect(bench.upstream.asked.value.count == 2)
        }
    }

    @Test("a tag that has moved is fetched; one that is withdrawn is gone, and is not served once the upstream is down")
    func movedAndWithdrawn() async throws {
        try await Bench.with { bench in
            _ = try await bench.tag()
            let newer = try manifestDocument(of: [Content(seed: 9, size: 10)])
            bench.upstream.set("1", of: try debian(), to: newer)
            bench.fixture.pass(300)
            guard case .manifest(let served, .miss) = try await bench.tag() else {
                Issue.record("the new image is not served")
                return
            }
            #expect(served.digest == newer.digest)
            bench.upstream.set("1", of: try debian(), to: nil)
            bench.fixture.pass(300)
            #expect(try await bench.tag().outcome == "unknownManifest")
            bench.upstream.failure.update { $0 = .unavailable("down") }
            #expect(try await bench.tag().outcome == "unknownManifest")
        }
    }

    @Test("whatever is no answer leaves the cached tag served, with the reason, and a line for the operator")
    func stale() async throws {
        try await Bench.with { bench in
            _ = try await bench.tag()
            bench.fixture.pass(300)
            let failures: [UpstreamError] = [
                .rateLimited(retryAfter: .seconds(9)), .unavailable("down"), .timedOut(after: .seconds(1)), .tooSlow,
                .resting(.seconds(3)), .invalid("nonsense"),
            ]
            for failure in failures {
                bench.upstream.failure.update { $0 = failure }
                guard case .manifest(let served, .stale) = try await bench.tag() else {
                    Issue.record("\(failure)")
                    continue
                }
                #expect(served.staleness == "\(failure)")
            }
            #expect(bench.reports.value.count == failures.count)
        }
    }

    @Test("a refusal is passed on and told apart, though the tag is cached, and remembered for a while")
    func refused() async throws {
        for (failure, outcome) in [
            (UpstreamError.unauthorized, "forbidden"), (.forbidden, "forbidden"), (.notFound, "unknownManifest"),
        ] {
            try await Bench.with { bench in
                _ = try await bench.tag()
                bench.fixture.pass(300)
                bench.upstream.failure.update { $0 = failure }
                #expect(try await bench.tag().outcome == outcome)
                let asked = bench.upstream.asked.value.count
                #expect(try await bench.tag().outcome == outcome)
                #expect(bench.upstream.asked.value.count == asked)
            }
        }
    }

    @Test("without anything cached, a failure is what it is: a rate limit stays one, with its time")
    func failures() async throws {
        try await Bench.with { bench in
            bench.upstream.failure.update { $0 = .rateLimited(retryAfter: .seconds(7)) }
            #expect(try await bench.tag().refusal == .rateLimited(retryAfter: .seconds(7)))
            let blob = CacheRequest.blob(try debian(), Bench.contents[1].digest)
            #expect(await bench.ask(blob).refusal == .rateLimited(retryAfter: .seconds(7)))
            bench.upstream.failure.update { $0 = .timedOut(after: .seconds(20)) }
            guard case .timedOut? = try await bench.tag().refusal else {
                Issue.record("not timed out")
                return
            }
            bench.upstream.failure.update { $0 = nil }
            #expect(try await bench.tag().outcome == "manifest miss")
        }
    }

    @Test("those who ask for one tag at once put one question to its upstream, cold and old")
    func singleFlight() async throws {
        try await Bench.with { bench in
            for round in 1...2 {
                let gate = Gate()
                bench.upstream.gate.update { $0 = gate }
                let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<20 { group.addTask { try await bench.tag().outcome } }
                    let (questions, question) = AsyncStream.makeStream(of: Void.self)
                    bench.upstream.onQuestion.update { $0 = { _ in question.yield() } }
                    if bench.upstream.asked.value.count < round { for await _ in questions { break } }
                    gate.open()
                    return try await group.reduce(into: Set<String>()) { $0.insert($1) }
                }
                #expect(outcomes.isSubset(of: ["manifest miss", "manifest revalidated", "manifest hit"]))
                #expect(bench.upstream.asked.value.count == round)
                bench.fixture.pass(300)
            }
        }
    }

    @Test("a blob's size costs one question, and its bytes one more; then it is served at once")
    func blobs() async throws {
        try await Bench.with { bench in
            let content = Bench.contents[1]
            let head = CacheRequest.blobHead(try debian(), content.digest)
            #expect(await bench.ask(head).outcome == "blobHead 50000 miss")
            #expect(bench.upstream.asked.value.count == 1)
            #expect(try await bench.blob(content, of: try debian())?.bytes == content.bytes)
            #expect(bench.upstream.asked.value.count == 2)
            while bench.service.answerAtOnce(head) == nil { await Task.yield() }
            let hit = try await bench.blob(content, of: try debian())
            #expect(hit?.bytes == content.bytes && hit?.1 == .hit)
            #expect(bench.upstream.asked.value.count == 2)
        }
    }

    @Test("those who ask one repository for a cold blob at once cost one fetch, and nothing else")
    func coldTogether() async throws {
        try await Bench.with { bench in
            let content = Bench.contents[1]
            let gate = Gate()
            bench.upstream.gate.update { $0 = gate }
            try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
                for _ in 0..<8 { group.addTask { try await bench.blob(content, of: try debian())?.bytes } }
                gate.open()
                for try await bytes in group { #expect(bytes == content.bytes) }
            }
            #expect(bench.upstream.asked.value == ["OPEN docker.io/library/debian \(content.digest)"])
        }
    }

    @Test("a digest alone opens nothing: another repository's upstream has to say that it has the blob or the manifest")
    func otherRepository() async throws {
        try await Bench.with { bench in
            let content = Bench.contents[1]
            let manifest = bench.document
            _ = try await bench.tag()
            _ = try await bench.blob(content, of: try debian())
            bench.upstream.asked.update { $0 = [] }
            for request in [
                CacheRequest.blob(try quay(), content.digest), .blobHead(try quay(), content.digest),
                .manifest(try quay(), .digest(manifest.digest)),
            ] {
                #expect(bench.service.answerAtOnce(request) == nil)
                let outcome = await bench.ask(request).outcome
                #expect(outcome == "unknownBlob" || outcome == "unknownManifest")
            }
            #expect(bench.upstream.count("OPEN") == 0)

            let (mine, other) = (Content(seed: 3, size: 1000), try quay())
            bench.upstream.add(mine, to: try debian())
            bench.upstream.add(mine, to: other)
            _ = try await bench.blob(mine, of: try debian())
            bench.upstream.asked.update { $0 = [] }
            #expect(try await bench.blob(mine, of: other)?.bytes == mine.bytes)
            #expect(bench.upstream.asked.value == ["SIZE \(other) \(mine.digest)"])
            #expect(try await bench.blob(mine, of: other)?.bytes == mine.bytes)
            #expect(bench.upstream.asked.value.count == 1)
        }
    }
}

extension CacheAnswer {
    /// In words.
    fileprivate var outcome: String {
        switch self {
        case .manifest(_, let result): "manifest \(result)"
        case .blob(_, let result): "blob \(result)"
        case .blobHead(let size, let result): "blobHead \(size) \(result)"
        case .refusal(let refusal): "\(refusal)"
        }
    }

    fileprivate var refusal: CacheRefusal? { if case .refusal(let refusal) = self { refusal } else { nil } }
}
