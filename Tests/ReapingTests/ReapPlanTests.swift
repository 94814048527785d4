import Foundation
import Reaping
import RoostCore
import Testing

@Suite("What is reaped")
struct ReapPlanTests {
    static let installation = Installation(id: "ours")
    static let owner = OwnerIdentity(bootID: "b", pid: 7, startTime: 1)

    static let labels = [
        LabelKey.installation: "ours", LabelKey.kind: "step", LabelKey.lifetime: "run",
        LabelKey.owner: owner.description, LabelKey.run: "r",
    ]

    static func container(
        _ changes: [String: String?] = [:],
        image: [String: String]? = [:],
        journaled: JournaledContainer? = nil
    ) -> ReapObject {
        var labels = labels
        for (key, value) in changes { labels[key] = value }
        return ReapObject(
            kind: .container,
            id: "c",
            name: "c",
            labels: labels,
            imageLabels: image,
            journaled: journaled
        )
    }

    static func plan(
        _ object: ReapObject,
        _ state: OwnerState = .dead(.gone),
        isLocal: Bool = true,
        unfinished: [String] = []
    ) -> ReapPlan {
        ReapPlan(
            ReapFacts(
                installation: installation,
                isLocal: isLocal,
                objects: [object],
                unfinishedRuns: unfinished.map {
                    RunRecord(id: $0, owner: owner, projectFolder: "/", startedAt: Date(timeIntervalSince1970: 0))
                },
                owners: [owner: state]
            )
        )
    }

    @Test(
        "by the owner's state",
        arguments: [
            (OwnerState.alive, ReapReason.ownerMayLive(.alive), false), (.stopped, .ownerMayLive(.stopped), false),
            (.unknown, .ownerMayLive(.unknown), false), (.dead(.gone), .ownerDied(.gone), true),
            (.dead(.zombie), .ownerDied(.zombie), true), (.dead(.pidReused), .ownerDied(.pidReused), true),
            (.dead(.anotherBoot), .ownerDied(.anotherBoot), true),
        ]
    )
    func owners(_ state: OwnerState, _ reason: ReapReason, _ removes: Bool) throws {
        for kind in ReapObject.Kind.allCases {
            var object = Self.container()
            object.kind = kind
            let decision = try #require(Self.plan(object, state).decisions.first)
            #expect(decision.removes == removes && decision.reason == reason)
        }
    }

    @Test("on an engine elsewhere, owners of another boot are left alone: they may live on another machine")
    func remoteEngine() throws {
        let boot = Self.plan(Self.container(), .dead(.anotherBoot), isLocal: false, unfinished: ["r"])
        #expect(try #require(boot.decisions.first).reason == .ownerElsewhere)
        #expect(boot.isEmpty, "their runs are not recorded as cut off either")
        #expect(Self.plan(Self.container(), .dead(.gone), isLocal: false).decisions.first?.removes == true)
    }

    @Test(
        "what is not wholly ours is kept",
        arguments: [
            ([LabelKey.installation: "theirs"], ReapReason.otherInstallation),
            ([LabelKey.installation: nil], .otherInstallation), ([LabelKey.kind: nil], .noKind),
            ([LabelKey.kind: ""], .noKind), ([LabelKey.lifetime: "kept"], .lifetime("kept")),
            ([LabelKey.lifetime: nil], .lifetime("")), ([LabelKey.owner: nil], .noOwner),
            ([LabelKey.owner: "nonsense"], .noOwner),
        ] as [([String: String?], ReapReason)]
    )
    func notOurs(_ changes: [String: String?], _ reason: ReapReason) throws {
        let plan = Self.plan(Self.container(changes))
        #expect(try #require(plan.decisions.first).reason == reason)
        #expect(plan.isEmpty)
    }

    @Test("labels that a container has from its image only are not its own; one that differs is")
    func imageLabels() throws {
        let inherited = Self.plan(Self.container(["users": "own"], image: Self.labels))
        #expect(try #require(inherited.decisions.first).reason == .labelsOfImage)
        var older = Self.labels
        older[LabelKey.run] = "older"
        #expect(Self.plan(Self.container(image: older)).decisions.first?.removes == true)
        older = Self.labels
        older[LabelKey.kind] = nil
        #expect(Self.plan(Self.container(image: older)).decisions.first?.removes == true)
    }

    @Test("without its image a container goes only if the journal knows its run")
    func imageGone() throws {
        #expect(try #require(Self.plan(Self.container(image: nil)).decisions.first).reason == .imageGone)
        #expect(Self.plan(Self.container(image: nil), unfinished: ["r"]).decisions.first?.removes == true)
    }

    @Test("the journal tells whose a container is where labels can't")
    func journaled() throws {
        let entry = JournaledContainer(number: 1, owner: Self.owner, kind: "build", name: "c", containerID: "c")
        let object = ReapObject(kind: .container, id: "c", name: "c", labels: [:], journaled: entry)
        #expect(Self.plan(object).decisions.first?.removes == true)
        #expect(Self.plan(object, .alive).decisions.first?.removes == false)
    }

    @Test("runs of dead owners are cut off, those of living ones go on; containers go before what they use")
    func runsAndOrder() {
        #expect(Self.plan(Self.container(), unfinished: ["r"]).cutOffRuns.map(\.id) == ["r"])
        #expect(Self.plan(Self.container(), .stopped, unfinished: ["r"]).cutOffRuns.isEmpty)
        #expect(Self.plan(Self.container(), unfinished: ["r"]).mayHaveLateCreations)
        #expect(!Self.plan(Self.container(), .dead(.anotherBoot), unfinished: ["r"]).mayHaveLateCreations)
        #expect(!Self.plan(Self.container()).mayHaveLateCreations, "tidied up after by somebody else")
        let objects = [ReapObject.Kind.volume, .container, .network].map {
            ReapObject(kind: $0, id: "\($0)", name: "", labels: Self.labels, imageLabels: [:])
        }
        let plan = ReapPlan(
            ReapFacts(
                installation: Self.installation,
                isLocal: true,
                objects: objects,
                owners: [Self.owner: .dead(.gone)]
            )
        )
        #expect(plan.decisions.map(\.object.kind) == [.container, .network, .volume])
    }

    @Test("every reason has words of its own for people and for programs")
    func words() {
        let reasons: [ReapReason] = [
            .ownerDied(.gone), .ownerDied(.anotherBoot), .ownerDied(.pidReused), .ownerMayLive(.alive),
            .ownerMayLive(.stopped), .ownerMayLive(.unknown), .ownerElsewhere, .otherInstallation, .noKind,
            .lifetime("x"), .noOwner, .labelsOfImage, .imageGone,
        ]
        #expect(Set(reasons.map(\.description)).count == reasons.count)
        #expect(Set(reasons.map(\.code)).count == reasons.count)
    }
}
