import ImagePull
import OCIDistribution
import Testing

@Suite("Scheduling pulls")
struct PullSchedulerTests {
    private let there = image("id", [("x", digest(1))])

    private func item(
        _ name: String,
        _ groups: [Int] = [0],
        _ action: PullPlanItem.Action = .pull,
        digest: Digest? = nil
    ) throws -> PullPlanItem {
        let reference = try ref(name)
        return PullPlanItem(
            reference: reference,
            target: reference,
            groups: groups,
            action: action,
            reason: "",
            digest: digest,
            source: nil
        )
    }

    private func scheduler(
        _ items: [PullPlanItem],
        limit: Int = 4,
        attempts: Int = 4
    ) -> PullScheduler {
        PullScheduler(PullPlan(items: items), maxConcurrent: limit, retry: RetryPolicy(attempts: attempts))
    }

    @Test("an empty plan ends at once")
    func empty() {
        var scheduler = scheduler([])
        #expect(scheduler.handle(.began) == [.end])
        #expect(scheduler.handle(.began) == [])
    }

    @Test("what is present is finished at once, and so is its group")
    func present() throws {
        var scheduler = scheduler([try item("a", [0], .present(there)), try item("b", [0, 1], .present(there))])
        #expect(
            scheduler.handle(.began) == [
                .finished(try ref("a"), there, .present), .finished(try ref("b"), there, .present),
                .groupReady(0), .groupReady(1), .end,
            ]
        )
    }

    @Test("pulls start in the order of need, no more at once than allowed")
    func limit() throws {
        var scheduler = scheduler([try item("a"), try item("b", [1]), try item("c", [2])], limit: 2)
        #expect(scheduler.handle(.began) == [.pull(try ref("a"), attempt: 1), .pull(try ref("b"), attempt: 1)])
        #expect(
            scheduler.handle(.pulled(try ref("b"), there)) == [
                .finished(try ref("b"), there, .pulled), .pull(try ref("c"), attempt: 1), .groupReady(1),
            ]
        )
        #expect(
            scheduler.handle(.pulled(try ref("a"), there)) == [
                .finished(try ref("a"), there, .pulled), .groupReady(0),
            ]
        )
        #expect(scheduler.handle(.pulled(try ref("c"), there)).suffix(2) == [.groupReady(2), .end])
    }

    @Test("a group is ready once, when its whole set is there, and tells its IDs")
    func groups() throws {
        let other = image("other")
        var scheduler = scheduler([try item("a", [0, 1]), try item("b", [1]), try item("c", [0], .present(other))])
        _ = scheduler.handle(.began)
        #expect(!scheduler.handle(.pulled(try ref("b"), there)).contains(.groupReady(1)))
        let actions = scheduler.handle(.pulled(try ref("a"), there))
        #expect(actions.suffix(3) == [.groupReady(0), .groupReady(1), .end])
        #expect(scheduler.images(ofGroup: 0) == [try ref("a"): "id", try ref("c"): "other"])
        #expect(scheduler.images(ofGroup: 1) == [try ref("a"): "id", try ref("b"): "id"])
    }

    @Test("another name of the same digest is tagged once the first is there")
    func follows() throws {
        let a = try ref("a")
        var scheduler = scheduler([try item("a", digest: digest(1)), try item("b", [0], .follow(a), digest: digest(1))])
        #expect(scheduler.handle(.began) == [.pull(a, attempt: 1)])
        #expect(
            scheduler.handle(.pulled(a, there)) == [
                .finished(a, there, .pulled), .tag(try ref("b"), from: there, leader: a),
            ]
        )
        #expect(
            scheduler.handle(.tagged(try ref("b"), there)) == [
                .finished(try ref("b"), there, .tagged(leader: a)), .groupReady(0), .end,
            ]
        )
    }

    @Test("a tag that moved after it was resolved is followed by nobody")
    func moved() throws {
        let a = try ref("a")
        var scheduler = scheduler([try item("a", digest: digest(2)), try item("b", [0], .follow(a), digest: digest(2))])
        _ = scheduler.handle(.began)
        #expect(
            scheduler.handle(.pulled(a, there)) == [.finished(a, there, .pulled), .pull(try ref("b"), attempt: 1)]
        )
    }

    @Test("a name that could not be added is pulled instead")
    func tagFails() throws {
        var scheduler = scheduler([try item("a", [0], .tag(from: there))])
        #expect(scheduler.handle(.began) == [.tag(try ref("a"), from: there, leader: nil)])
        #expect(scheduler.handle(.tagFailed(try ref("a"))) == [.pull(try ref("a"), attempt: 1)])
    }

    @Test("a follower whose leader is not in the plan is pulled")
    func noLeader() throws {
        var scheduler = scheduler([try item("a", [0], .follow(try ref("gone")))])
        #expect(scheduler.handle(.began) == [.pull(try ref("a"), attempt: 1)])
    }

    @Test("a transient failure frees its place, waits longer each time, and is tried again before what is less needed")
    func retries() throws {
        let (a, b, c) = (try ref("a"), try ref("b"), try ref("c"))
        var scheduler = scheduler([try item("a"), try item("b", [1]), try item("c", [2])], limit: 1)
        let broken = failure(a, .engine, "cut", isDefinite: false)
        _ = scheduler.handle(.began)
        #expect(
            scheduler.handle(.failed(a, broken, retryAfter: nil, jitter: 1)) == [
                .backOff(a, attempt: 1, delay: .seconds(1), reason: "cut"), .pull(b, attempt: 1),
            ]
        )
        #expect(scheduler.handle(.retryDue(a)) == [])
        #expect(
            scheduler.handle(.pulled(b, there)) == [
                .finished(b, there, .pulled), .pull(a, attempt: 2), .groupReady(1),
            ]
        )
        #expect(
            scheduler.handle(.failed(a, broken, retryAfter: .seconds(30), jitter: 0)) == [
                .backOff(a, attempt: 2, delay: .seconds(30), reason: "cut"), .pull(c, attempt: 1),
            ]
        )
    }

    @Test("the last attempt's failure halts, says how often it was tried, and is the end of it")
    func givesUp() throws {
        let a = try ref("a")
        let broken = failure(a, .unavailable, "cut", isDefinite: false)
        var scheduler = scheduler([try item("a"), try item("b")], attempts: 2)
        _ = scheduler.handle(.began)
        _ = scheduler.handle(.failed(a, broken, retryAfter: nil, jitter: 0))
        #expect(scheduler.handle(.retryDue(a)) == [.pull(a, attempt: 2)])
        #expect(
            scheduler.handle(.failed(a, broken, retryAfter: nil, jitter: 0)) == [
                .halt(failure(a, .unavailable, "gave up after 2 attempts: cut", isDefinite: false))
            ]
        )
        #expect(scheduler.handle(.pulled(try ref("b"), there)) == [])
    }

    @Test("the first definite failure halts at the first attempt")
    func halts() throws {
        let a = try ref("a")
        var scheduler = scheduler([try item("a"), try item("b"), try item("c")], limit: 2)
        _ = scheduler.handle(.began)
        #expect(scheduler.handle(.failed(a, failure(a), retryAfter: nil, jitter: 0)) == [.halt(failure(a))])
        #expect(scheduler.handle(.pulled(try ref("b"), there)) == [])
        #expect(scheduler.handle(.failed(try ref("c"), failure(a), retryAfter: nil, jitter: 0)) == [])
    }

    @Test("events that fit no state change nothing")
    func strays() throws {
        let (a, stranger) = (try ref("a"), try ref("stranger"))
        var scheduler = scheduler([try item("a")])
        _ = scheduler.handle(.began)
        for event in [
            PullScheduler.Event.pulled(stranger, there), .tagged(a, there), .tagFailed(a), .retryDue(a),
            .failed(stranger, failure(a), retryAfter: nil, jitter: 0), .began,
        ] {
            #expect(scheduler.handle(event) == [])
        }
        #expect(scheduler.handle(.pulled(a, there)).last == .end)
    }
}
