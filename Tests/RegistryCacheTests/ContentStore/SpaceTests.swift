import OCIDistribution
import RoostCore
import Testing

@testable import RegistryCache

@Suite("The account of a store's room, and what goes")
struct SpaceTests {
    private let a = Digest.sha256(of: [1])
    private let b = Digest.sha256(of: [2])
    private let limits = StoreLimits(maxSize: ByteCount(100), minFree: ByteCount(10))

    @Test("all bytes of a fill are taken before its first, and become those of the blob")
    func reservation() {
        var space = SpaceLedger()
        space.reserve(a, size: 60)
        #expect(space.used == 60)
        #expect(space.outstanding == 60)
        space.wrote(a, upTo: 20)
        space.wrote(a, upTo: 10)
        #expect(space.outstanding == 40)
        #expect(space.excess(for: b, size: 40, limits: limits, free: .max) == 0)
        #expect(space.excess(for: b, size: 41, limits: limits, free: .max) == 1)
        space.commit(a)
        #expect(space.stored == 60)
        #expect(space.storedCount == 1)
        #expect(space.used == 60)
        space.commit(a)
        #expect(space.used == 60, "a second commit changes nothing")
    }

    @Test("a partial that is gone on with counts once")
    func partial() {
        var space = SpaceLedger()
        space.reserve(a, size: 60)
        space.release(a, keeping: 25)
        #expect(space.used == 25)
        #expect(space.excess(for: a, size: 60, limits: limits, free: .max) == -40)
        #expect(space.excess(for: a, size: 60, limits: limits, free: 45) == 0, "35 more, and 10 are left free")
        #expect(space.excess(for: a, size: 60, limits: limits, free: 44) == 1)
        space.reserve(a, size: 60)
        #expect(space.used == 60)
        #expect(space.outstanding == 35)
        space.release(a, keeping: nil)
        #expect(space.used == 0)
    }

    @Test("what is promised to others is not free")
    func outstanding() {
        var space = SpaceLedger()
        space.reserve(a, size: 50)
        #expect(space.excess(for: b, size: 20, limits: limits, free: 80) == 0)
        #expect(space.excess(for: b, size: 20, limits: limits, free: 79) == 1)
    }

    @Test("a size that no sum holds does not fit")
    func overflow() {
        var space = SpaceLedger()
        space.addStored(1)
        #expect(space.excess(for: b, size: .max, limits: limits, free: .max) == .max)
    }

    /// Every row of four candidates of every hold, with every amount to be freed.
    @Test("what is held never goes, what is fresh goes last, and no more goes than must")
    func everyPlan() {
        let holds = EvictionCandidate.Hold.allCases
        for code in 0..<(holds.count * holds.count * holds.count * holds.count) {
            var rest = code
            let candidates = (0..<4).map { number in
                defer { rest /= holds.count }
                return EvictionCandidate(
                    digest: .sha256(of: [UInt8(number)]),
                    size: Int64(1 << number),
                    kind: .blob,
                    hold: holds[rest % holds.count]
                )
            }
            for wanted in 0...16 as ClosedRange<Int64> { check(candidates, wanted) }
        }
    }

    private func check(_ candidates: [EvictionCandidate], _ wanted: Int64) {
        var planner = EvictionPlanner(toFree: wanted)
        for candidate in candidates { planner.offer(candidate) }
        let plan = planner.plan()
        let victims = plan.victims
        let free = candidates.filter { $0.hold == .none }
        let fresh = candidates.filter { $0.hold == .fresh }
        #expect(victims == Array((free + fresh).prefix(victims.count)), "in the order of use, the fresh ones after")
        #expect(plan.verdicts.count == candidates.count, "each has its verdict")
        #expect(plan.suffices == ((free + fresh).reduce(0) { $0 + $1.size } >= wanted))
        #expect(victims.dropLast().reduce(0) { $0 + $1.size } < max(wanted, 1), "the last one was still needed")
        for verdict in plan.verdicts {
            let expected: Set<EvictionPlan.Reason> =
                switch (verdict.candidate.hold, verdict.goes) {
                case (.none, true): [.leastRecentlyUsed]
                case (.none, false): [.enough]
                case (.fresh, true): [.nothingElse]
                case (.fresh, false): [.fresh, .enough]
                case (.leased, false): [.leased]
                case (.pinned, false): [.pinned]
                case (.leased, true), (.pinned, true): []
                }
            #expect(expected.contains(verdict.reason))
        }
    }

    @Test("partials and quarantined files say why they go")
    func reasons() {
        var planner = EvictionPlanner(toFree: 2)
        planner.offer(.init(digest: a, size: 1, kind: .quarantined, hold: .none))
        planner.offer(.init(digest: b, size: 1, kind: .partial, hold: .none))
        #expect(planner.plan().verdicts.map(\.reason) == [.quarantined, .abandoned])
    }

    @Test("what was used lately stays in memory, and the cost is bounded")
    func recentlyUsed() {
        var recent = RecentlyUsed<Int, Int>(cost: 8)
        for key in 0..<4 { recent.set(key, for: key) }
        #expect(recent.value(for: 0) == 0)
        for key in 4..<1000 {
            recent.set(key, for: key)
            #expect(recent.value(for: 0) == 0, "used each time, and so never dropped")
            #expect(recent.count <= 8)
        }
        #expect(recent.value(for: 10) == nil)
        recent.set(1, for: 5000, cost: 5)
        #expect(recent.value(for: 5000) == nil, "more than half of all costs")
        recent.remove(0)
        #expect(recent.value(for: 0) == nil)
    }
}
