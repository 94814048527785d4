import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("How far a fill has come")
struct FillProgressTests {
    private let digest = Digest.sha256(of: [1])

    @Test("the last byte is never shown before the digest has been found right", arguments: [0, 1, 2, 100] as [Int64])
    func heldBack(size: Int64) throws {
        var progress = FillProgress(size: size)
        try progress.begin(0, totalSize: size)
        for _ in 0..<size {
            #expect(try progress.take(1) == 0)
            #expect(progress.visible < size)
            #expect(progress.visible >= progress.written - 1)
        }
        guard case .check = progress.ended(nil, jitter: 0) else {
            Issue.record("it is whole")
            return
        }
        #expect(progress.visible == max(0, size - 1))
        progress.checked()
        #expect(progress.visible == size)
    }

    @Test("a body that begins too early is passed over as far as it is known, and one that begins too late is refused")
    func starts() throws {
        var progress = FillProgress(size: 10, written: 4)
        try progress.begin(0, totalSize: nil)
        #expect(try progress.take(3) == 3)
        #expect(try progress.take(3) == 1)
        #expect(progress.written == 6)
        #expect(throws: UpstreamError.self) { try progress.begin(7, totalSize: nil) }
        #expect(throws: UpstreamError.self) { try progress.begin(6, totalSize: 11) }
        #expect(throws: UpstreamError.self) { try progress.begin(-1, totalSize: nil) }
        try progress.begin(6, totalSize: 10)
        #expect(throws: UpstreamError.self) { try progress.take(5) }
        #expect(try progress.take(4) == 0)
        #expect(progress.isWhole)
    }

    @Test("cuts are gone on with, after pauses that grow and are bounded, and not for ever")
    func cuts() throws {
        let patience = FillPatience(
            mostCuts: 5,
            mostInVain: 3,
            firstPause: .seconds(1),
            longestPause: .seconds(3)
        )
        var progress = FillProgress(size: 100, patience: patience)
        try progress.begin(0, totalSize: 100)
        _ = try progress.take(10)
        #expect(pause(progress.ended(.unavailable("x"), jitter: 1)) == .seconds(1))
        #expect(pause(progress.ended(.tooSlow, jitter: 1)) == .seconds(2))
        #expect(pause(progress.ended(.timedOut(after: .seconds(1)), jitter: 0)) == .milliseconds(1500))
        try progress.begin(10, totalSize: 100)
        _ = try progress.take(1)
        #expect(pause(progress.ended(nil, jitter: 1)) == .seconds(1), "something came")
        guard case .fail(.unavailable, keeping: 11) = progress.ended(.unavailable("x"), jitter: 1) else {
            Issue.record("that was the fifth")
            return
        }
    }

    @Test("a length that is wrong leaves nothing; a broken connection leaves what came")
    func wrongLength() throws {
        for (error, kept) in [(nil, 0), (UpstreamError.tooSlow, 10)] as [(UpstreamError?, Int64)] {
            var progress = FillProgress(size: 100, patience: FillPatience(mostInVain: 1))
            try progress.begin(0, totalSize: 100)
            _ = try progress.take(10)
            _ = progress.ended(error, jitter: 0)
            guard case .fail(_, keeping: kept) = progress.ended(error, jitter: 0) else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("what an upstream answers ends a fill at once")
    func answers() {
        let errors: [(UpstreamError, Int64)] = [
            (.notFound, 4), (.unauthorized, 4), (.forbidden, 4), (.rateLimited(retryAfter: nil), 4),
            (.resting(.seconds(1)), 4), (.cancelled, 4), (.unknownUpstream("x"), 4), (.invalid("x"), 0),
            (.digestMismatch(digest), 0), (.tooLarge(limit: 1), 0),
        ]
        for (error, kept) in errors {
            var progress = FillProgress(size: 10, written: 4)
            guard case .fail(_, keeping: kept) = progress.ended(error, jitter: 0) else {
                Issue.record("\(error)")
                continue
            }
        }
    }

    private func pause(_ next: FillProgress.Next) -> Duration? {
        if case .goOn(let pause) = next { pause } else { nil }
    }
}
