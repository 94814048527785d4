import ParkedContainers
import RoostTesting
import Testing

@Suite("Slots of a network")
struct SlotBookTests {
    @Test("a step is parked where a step that it needs runs, else where nothing is, else where the fewest are")
    func parking() {
        var book = SlotBook<String>(slots: 3)
        #expect(book.makeReady("a") == [.start("a", slot: 0)])
        #expect(book.park("b", needing: ["a"]) == 0)
        #expect(book.park("c", needing: ["a"]) == 1, "two parked in one slot could not run side by side")
        #expect(book.park("d") == 2)
        #expect(book.park("e") == 1, "the fewest others, and free")
        #expect(book.park("e") == nil)
        #expect(book.park("f", needing: ["c", "e"]) == 1)
    }

    @Test("a slot that becomes free goes to a step parked in it, before one that came earlier and is not parked")
    func release() {
        var book = SlotBook<String>(slots: 1)
        _ = book.makeReady("a")
        #expect(book.park("b") == 0)
        #expect(book.makeReady("c").isEmpty)
        #expect(book.makeReady("b").isEmpty)
        #expect(book.finish("a") == [.release("b", slot: 0)])
        #expect(book.finish("b") == [.start("c", slot: 0)])
    }

    @Test("a ready step whose slot is taken is made anew where nothing else can use a free one")
    func remake() {
        var book = SlotBook<String>(slots: 2)
        _ = book.makeReady("a")
        _ = book.makeReady("x")
        #expect(book.park("b", needing: ["a"]) == 0)
        #expect(book.makeReady("b").isEmpty)
        #expect(book.finish("x") == [.remake("b", slot: 1)])
        #expect(book.slot(of: "b") == 1)
    }

    @Test("whatever happens, no two steps share a slot, and no ready step waits while one is free")
    func property() async throws {
        try await Fuzzing.run(rounds: 2_000) { generator in
            let slots = Int.random(in: 1...4, using: &generator)
            var book = SlotBook<Int>(slots: slots)
            var running: [Int: Int] = [:]
            var parked: [Int: Int] = [:]
            var ready: Set<Int> = []
            for _ in 0..<60 {
                let step = Int.random(in: 0..<10, using: &generator)
                var actions: [SlotBook<Int>.Action] = []
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    let needs = Set((0..<2).map { _ in Int.random(in: 0..<10, using: &generator) })
                    let slot = book.park(step, needing: needs)
                    let isKnown = parked[step] != nil || ready.contains(step) || running.values.contains(step)
                    try #require((slot == nil) == isKnown)
                    if let slot { parked[step] = slot }
                case 1:
                    if !running.values.contains(step) { ready.insert(step) }
                    actions = book.makeReady(step)
                case 2:
                    parked[step] = nil
                    actions = book.unpark(step)
                default:
                    parked[step] = nil
                    ready.remove(step)
                    for (slot, other) in running where other == step { running[slot] = nil }
                    actions = book.finish(step)
                }
                for action in actions {
                    let (step, slot): (Int, Int) =
                        switch action {
                        case .release(let step, let slot), .start(let step, let slot), .remake(let step, let slot):
                            (step, slot)
                        }
                    try #require(running[slot] == nil, "slot \(slot) is taken")
                    try #require((0..<slots).contains(slot))
                    try #require(ready.contains(step))
                    switch action {
                    case .release: try #require(parked[step] == slot)
                    case .start: try #require(parked[step] == nil)
                    case .remake: try #require(parked[step].map { running[$0] != nil } == true)
                    }
                    running[slot] = step
                    parked[step] = nil
                    ready.remove(step)
                }
                try #require(ready.isEmpty || running.count == slots, "a ready step waits beside a free slot")
            }
        }
    }
}
