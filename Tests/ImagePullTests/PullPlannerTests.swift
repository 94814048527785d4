import ImagePull
import OCIDistribution
import Testing

@Suite("Planning a pull")
struct PullPlannerTests {
    private func plan(_ wanted: [WantedImage], _ facts: PullFacts) throws -> PullPlan {
        try PullPlanner(wanted).plan(facts)
    }

    private func asks(_ wanted: WantedImage, _ facts: PullFacts) -> Bool {
        !PullPlanner([wanted]).questions(facts).isEmpty
    }

    @Test("an image that is present is neither asked about nor pulled")
    func present() throws {
        let wanted = try WantedImage.one("alpine")
        let there = image("id", [("alpine", digest(1))])
        let facts = PullFacts(present: [wanted.target: there])
        #expect(!asks(wanted, facts))
        let item = try plan([wanted], facts).items[0]
        #expect(item.action == .present(there))
        #expect(item.digest == digest(1))
        #expect(item.reason == "the engine has it")
    }

    @Test("a missing image is asked about, then pulled, with its digest, its source and the reason")
    func missing() throws {
        let wanted = try WantedImage.one("alpine")
        #expect(asks(wanted, PullFacts()))
        let facts = PullFacts(answers: [wanted.target: .found(digest(1), source: "mirror:5000")])
        let item = try plan([wanted], facts).items[0]
        #expect(item.action == .pull)
        #expect(item.digest == digest(1))
        #expect(item.source == "mirror:5000")
        #expect(item.reason == "the engine lacks it")
    }

    @Test("a registry that gives no definite answer leaves the pull to the engine, and says why")
    func unknown() throws {
        let wanted = try WantedImage.one("alpine")
        let facts = PullFacts(answers: [
            wanted.target: .unknown(reason: "no route", kind: .unavailable, retryAfter: nil)
        ])
        let item = try plan([wanted], facts).items[0]
        #expect(item.action == .pull)
        #expect(item.reason == "the engine lacks it; the engine decides (no route)")
        #expect(try plan([wanted], PullFacts()).items[0].action == .pull)
    }

    @Test("all definite failures come together, in the order of need, told of the names that were asked for")
    func failures() throws {
        let wanted = WantedImage.merge([
            PullRequest(reference: try ref("c:1"), group: 1),
            PullRequest(reference: try ref("a:1"), group: 0, locked: digest(3)),
            PullRequest(reference: try ref("b:1"), group: 0),
        ])
        var facts = PullFacts()
        for image in wanted where image.reference.name != "b" {
            facts.answers[image.target] = .refused(failure(image.target))
        }
        facts.answers[try ref("b:1")] = .found(digest(9), source: "r")
        let thrown = #expect(throws: PullFailures.self) { try plan(wanted, facts) }
        #expect(thrown?.failures.map(\.image.familiar) == ["a:1", "c:1"])
        #expect(thrown?.description == "a:1: not found\nc:1: not found")
    }

    @Test("'always' asks though the image is present, and a HEAD decides")
    func always() throws {
        let wanted = try WantedImage.one("alpine", .always)
        let there = image("id", [("alpine", digest(1))])
        var facts = PullFacts(present: [wanted.target: there])
        #expect(asks(wanted, facts))

        facts.answers[wanted.target] = .found(digest(1), source: "r")
        #expect(try plan([wanted], facts).items[0].action == .present(there))
        #expect(try plan([wanted], facts).items[0].reason == "the registry has the same digest")

        facts.answers[wanted.target] = .found(digest(2), source: "r")
        #expect(try plan([wanted], facts).items[0].action == .pull)
        #expect(try plan([wanted], facts).items[0].reason == "the registry has another digest")

        facts.answers[wanted.target] = .found(nil, source: "r")
        #expect(try plan([wanted], facts).items[0].action == .pull)

        facts.answers[wanted.target] = .unknown(reason: "no route", kind: .unavailable, retryAfter: nil)
        #expect(try plan([wanted], facts).items[0].action == .pull)

        facts.answers[wanted.target] = .refused(failure(wanted.target))
        #expect(throws: PullFailures.self) { try plan([wanted], facts) }
    }

    @Test("'always' takes the digest as known by whatever name the image came under")
    func alwaysTagged() throws {
        let wanted = try WantedImage.one("second:1", .always)
        let there = image("id", [("first", digest(1))])
        let facts = PullFacts(
            present: [wanted.target: there],
            answers: [wanted.target: .found(digest(1), source: "r")]
        )
        #expect(try plan([wanted], facts).items[0].action == .present(there))
    }

    @Test("'never' asks nothing, and a missing image is a failure that says so")
    func never() throws {
        let wanted = try WantedImage.one("alpine", .never)
        #expect(!asks(wanted, PullFacts()))
        let thrown = #expect(throws: PullFailures.self) { try plan([wanted], PullFacts()) }
        #expect(thrown?.failures.map(\.kind) == [.missingOffline])
        #expect(thrown?.failures.first?.isDefinite == true)
        #expect(thrown?.description.contains("pull is 'never'") == true)
        let there = image("id")
        #expect(try plan([wanted], PullFacts(present: [wanted.target: there])).items[0].action == .present(there))
    }

    @Test("offline nothing is asked, and one line names all missing images")
    func offline() throws {
        let wanted = try [
            WantedImage.one("a"), WantedImage.one("b", .always), WantedImage.one("c", .always), WantedImage.one("d"),
        ]
        let facts = PullFacts(present: [wanted[1].target: image("id")], isOffline: true)
        #expect(PullPlanner(wanted).questions(facts).isEmpty)
        let thrown = #expect(throws: PullFailures.self) { try plan(wanted, facts) }
        let lines = thrown?.description.split(separator: "\n") ?? []
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("a:latest, c:latest, d:latest: not on the engine") == true)
        #expect(lines.first?.contains("--offline") == true)
    }

    @Test("a digest that is present is never asked about, whatever the policy", arguments: PullPolicy.allCases)
    func digestPresent(policy: PullPolicy) throws {
        let wanted = try WantedImage.one("alpine:3@\(digest(1))", policy)
        let facts = PullFacts(present: [wanted.target: image("id", [("alpine", digest(1))])])
        #expect(!asks(wanted, facts))
        #expect(try plan([wanted], facts).items[0].isPresent)
    }

    @Test("where nothing may be pulled, a digest is present under whatever name it has")
    func digestElsewhere() throws {
        let wanted = try WantedImage.one("second@\(digest(1))", .never)
        let same = image("id", [("first", digest(1))])
        #expect(try plan([wanted], PullFacts(sameContent: [digest(1): same])).items[0].action == .present(same))
        // Where it may, its own name is got too.
        let eager = try WantedImage.one("second@\(digest(1))")
        let facts = PullFacts(sameContent: [digest(1): same])
        #expect(asks(eager, facts))
        #expect(try plan([eager], facts).items[0].action == .pull)
    }

    @Test("an image for another platform than the one asked for counts as missing")
    func platform() throws {
        let wanted = try WantedImage.one("alpine")
        let there = image("id", [("alpine", digest(1))], platform: amd64)
        var facts = PullFacts(present: [wanted.target: there], platform: arm64)
        #expect(asks(wanted, facts))
        facts.answers[wanted.target] = .found(digest(1), source: "r")
        let item = try plan([wanted], facts).items[0]
        #expect(item.action == .pull)
        #expect(item.reason == "the engine has it for linux/amd64 only")

        facts.isOffline = true
        let thrown = #expect(throws: PullFailures.self) { try plan([wanted], facts) }
        #expect(thrown?.description.contains("not on the engine for linux/arm64") == true)

        facts.platform = amd64
        #expect(try plan([wanted], facts).items[0].isPresent)
        facts.platform = nil
        #expect(try plan([wanted], facts).items[0].isPresent)
    }

    @Test("a variant counts where both the image and the wish name one")
    func variants() {
        let image = image("id", platform: Platform(os: "linux", architecture: "arm", variant: "v6"))
        #expect(image.isFor(Platform(os: "linux", architecture: "arm", variant: "v6")))
        #expect(!image.isFor(Platform(os: "linux", architecture: "arm", variant: "v7")))
        #expect(ImagePullTests.image("id").isFor(Platform(os: "linux", architecture: "amd64", variant: "v2")))
    }

    @Test("the same digest is pulled once; further names follow it")
    func sameDigest() throws {
        let wanted = try [WantedImage.one("a:1"), WantedImage.one("b:1"), WantedImage.one("c@\(digest(1))")]
        var facts = PullFacts()
        for image in wanted { facts.answers[image.target] = .found(digest(1), source: "r") }
        let items = try plan(wanted, facts).items
        #expect(items.map(\.action) == [.pull, .follow(try ref("a:1")), .follow(try ref("a:1"))])
        #expect(items[1].reason == "the same digest as a:1")
    }

    @Test("what the engine has under another name of the same digest is tagged from it")
    func tagged() throws {
        let wanted = try [WantedImage.one("a:1"), WantedImage.one("b:1")]
        var facts = PullFacts(sameContent: [digest(1): image("id", [("x", digest(1))])])
        for image in wanted { facts.answers[image.target] = .found(digest(1), source: "r") }
        let same = image("id", [("x", digest(1))])
        #expect(try plan(wanted, facts).items.map(\.action) == [.tag(from: same), .tag(from: same)])
    }

    @Test("images without a known digest follow nothing")
    func noDigest() throws {
        let wanted = try [WantedImage.one("a:1"), WantedImage.one("b:1")]
        #expect(try plan(wanted, PullFacts()).items.map(\.action) == [.pull, .pull])
    }

    @Test("the summary tells what is pulled, in order, and what is present")
    func summary() throws {
        let wanted = try [WantedImage.one("a:1", group: 0), WantedImage.one("b:1", group: 3)]
        let plan = try plan(wanted, PullFacts(present: [wanted[0].target: image("id")]))
        #expect(plan.summary.present.map(\.familiar) == ["a:1"])
        #expect(plan.summary.toPull.map(\.familiar) == ["b:1"])
        #expect(plan.groups == [0, 3])
    }
}
