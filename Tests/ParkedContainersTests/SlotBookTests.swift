import ParkedContainers
import RoostTesting
import Testing

@Suite("Slots of a network")
struct SlotBookTests {
    private func book(slots: Int) -> SlotBook<String> {
        var book = SlotBook<String>()
        for _ in 0..<slots { book.open(book.add()) }
        return book
    }

    @Test("a step is parked where a step that it needs runs, else where nothing is, else where the fewest are")
    func parking() {
        var book = book(slots: 3)
        #expect(book.start("a") == 0)
        #expect(book.park("b", needing: ["a"]) == 0)
        #expect(book.park("c", needing: ["a"]) == 1, "two parked in one slot could not run side by side")
        #expect(book.park("d") == 2)
        #expect(book.park("e") == 1, "the fewest others, and free")
        #expect(book.park("e") == nil)
        #expect(book.park("f", needing: ["c", "e"]) == 1)
    }

    @Test("a step is released only where no other runs, and a step that starts takes a free slot or none")
    func releasing() {
        var book = book(slots: 1)
        #expect(book.start("a") == 0)
        #expect(book.park("b") == 0)
        #expect(book.release("b") == false, "its slot is taken")
        #expect(book.start("c") == nil, "a private network")
        book.finish("a")
        #expect(book.release("b") == true)
        #expect(book.runningStep(in: 0) == "b")
        book.finish("b")
        #expect(book.start("d") == 0)
    }

    @Test("a slot that is being made or gone is not joined, and no step is released into one that has gone")
    func states() {
        var book = SlotBook<String>()
        let slot = book.add()
        #expect(book.start("a") == nil)
        #expect(book.park("b") == nil)
        #expect(book.release("b") == true, "on a private network nothing is in its way")
        book.open(slot)
        #expect(book.park("c") == slot)
        book.close(slot)
        book.open(slot)
        #expect(book.start("d") == nil)
        #expect(book.release("c") == false, "its network went with the holder")
        #expect(book.start("c") == nil)
    }

    @Test("a step that is parked and remade elsewhere leaves its slot")
    func remake() {
        var book = book(slots: 2)
        #expect(book.start("a") == 0)
        #expect(book.park("b", needing: ["a"]) == 0)
        #expect(book.release("b") == false)
        #expect(book.start("b") == 1)
        book.finish("a")
        #expect(book.slot(of: "b") == 1)
    }

    @Test("whatever happens, no two steps share a slot")
    func property() async throws {
        try await Fuzzing.run(rounds: 2_000) { generator in
            var book = SlotBook<Int>()
            var running: [Int: Int] = [:]
            var made = 0
            var gone: Set<Int> = []
            for _ in 0..<60 {
                let step = Int.random(in: 0..<10, using: &generator)
                switch Int.random(in: 0..<7, using: &generator) {
                case 0:
                    book.open(book.add())
                    made += 1
                case 1:
                    let slot = Int.random(in: 0..<4, using: &generator)
                    book.close(slot)
                    if slot < made { gone.insert(slot) }
                case 2:
                    if running[step] == nil { _ = book.park(step, needing: [(step + 1) % 10]) }
                case 3:
                    let slot = book.slot(of: step)
                    if running[step] == nil, let slot {
                        let isTaken = running.values.contains(slot) || gone.contains(slot)
                        try #require(book.release(step) == !isTaken)
                        if !isTaken { running[step] = slot }
                    }
                case 4:
                    if running[step] == nil, let slot = book.start(step) {
                        try #require(!running.values.contains(slot))
                        running[step] = slot
                    }
                default:
                    book.finish(step)
                    running[step] = nil
                }
                for (step, slot) in running {
                    try #require(book.runningStep(in: slot) == step)
                    try #require(book.slot(of: step) == slot)
                }
            }
        }
    }
}
