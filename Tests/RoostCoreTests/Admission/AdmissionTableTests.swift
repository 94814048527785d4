import RoostCore
import Testing

@Suite("Who is admitted")
struct AdmissionTableTests {
    private typealias Ticket = AdmissionTable.Ticket

    static let owners = (1...3).map { OwnerIdentity(bootID: "b", pid: $0, startTime: 1) }

    @Test("what fits is admitted, what does not waits for what is missing")
    func fits() {
        let tickets = [ticket(1, 0, 60, admitted: true), ticket(2, 1, 50)]
        #expect(AdmissionTable(tickets, states: [:]).answer(for: 2, budget: 110) == .admit)
        #expect(AdmissionTable(tickets, states: [:]).answer(for: 2, budget: 109) == .waitForMemory(missing: 1))
        #expect(AdmissionTable(tickets, states: [:]).answer(for: 1, budget: 1000) == .notWaiting)
        #expect(AdmissionTable(tickets, states: [:]).answer(for: 3, budget: 1000) == .notWaiting)
    }

    @Test("a small one never passes a large one that came earlier")
    func strictOrder() {
        let table = AdmissionTable([ticket(5, 0, 90, admitted: true), ticket(6, 1, 90), ticket(7, 2, 1)], states: [:])
        #expect(table.answer(for: 6, budget: 100) == .waitForMemory(missing: 80))
        #expect(table.answer(for: 7, budget: 100) == .waitForTurn(behind: 6))
    }

    @Test("neither the dead nor the stopped hold anybody up, and what they were admitted for counts")
    func owners() {
        let tickets = [ticket(1, 0, 90, admitted: true), ticket(2, 1, 90), ticket(3, 2, 10)]
        let dead = AdmissionTable(tickets, states: [Self.owners[0]: .dead(.gone), Self.owners[1]: .dead(.gone)])
        #expect(dead.abandoned == [2])
        #expect(dead.leftBehind == [Self.owners[0]: [1]])
        #expect(dead.answer(for: 3, budget: 100) == .admit)
        #expect(dead.answer(for: 3, budget: 99) == .waitForMemory(missing: 1))
        let stopped = AdmissionTable(tickets, states: [Self.owners[0]: .stopped, Self.owners[1]: .stopped])
        #expect(stopped.abandoned == [])
        #expect(stopped.answer(for: 3, budget: 100) == .admit)
        #expect(stopped.answer(for: 3, budget: 99) == .waitForMemory(missing: 1))
        let unknown = AdmissionTable(tickets, states: [Self.owners[0]: .unknown, Self.owners[1]: .unknown])
        #expect(unknown.abandoned == [])
        #expect(unknown.answer(for: 3, budget: 1000) == .waitForTurn(behind: 2))
    }

    @Test("what others have written down overflows nothing")
    func overflow() {
        let table = AdmissionTable(
            [ticket(1, 0, .max, admitted: true), ticket(2, 0, .max, admitted: true), ticket(3, 1, .max)],
            states: [:]
        )
        #expect(table.answer(for: 3, budget: 5) == .waitForMemory(missing: .max - 5))
    }

    /// All tables of up to four tickets over three owners, three sizes, four states of each owner.
    @Test("every small table: admitted exactly where all rules allow it, and the first in line always gets its turn")
    func exhaustive() {
        let states: [OwnerState] = [.alive, .stopped, .unknown, .dead(.gone)]
        let sizes: [Int64] = [1, 2, 4]
        let budget: Int64 = 4
        var count = 0
        // Each ticket is one of owner × size × admitted; the fourth is the one that asks, its owner alive.
        let choices = (0..<3).flatMap { owner in
            sizes.flatMap { size in [true, false].map { (owner, size, $0) } }
        }
        for a in choices {
            for b in choices {
                for size in sizes {
                    for first in states {
                        for second in states {
                            let tickets = [
                                ticket(1, a.0, a.1, admitted: a.2), ticket(2, b.0, b.1, admitted: b.2),
                                ticket(3, 2, size),
                            ]
                            let owners = [Self.owners[0]: first, Self.owners[1]: second, Self.owners[2]: .alive]
                            check(tickets, owners, budget: budget)
                            count += 1
                        }
                    }
                }
            }
        }
        #expect(count == 18 * 18 * 3 * 16)
    }

    private func check(_ tickets: [AdmissionTable.Ticket], _ owners: [OwnerIdentity: OwnerState], budget: Int64) {
        let table = AdmissionTable(tickets, states: owners)
        let alive = tickets.filter { owners[$0.owner] != .dead(.gone) }
        let left = table.leftBehind.values.flatMap { $0 }
        #expect(Set(table.abandoned + left) == Set(tickets.map(\.number)).subtracting(alive.map(\.number)))
        #expect(Set(left) == Set(tickets.filter(\.isAdmitted).map(\.number)).subtracting(alive.map(\.number)))
        let used = tickets.filter(\.isAdmitted).map(\.bytes).reduce(0, +)
        let waiting = alive.filter { !$0.isAdmitted && owners[$0.owner] != .stopped }
        for ticket in waiting {
            let isFirst = waiting.allSatisfy { $0.number >= ticket.number }
            let answer = table.answer(for: ticket.number, budget: budget)
            #expect((answer == .admit) == (isFirst && used + ticket.bytes <= budget))
            if !isFirst, case .waitForTurn = answer {} else { #expect(isFirst) }
            // No order of tables leaves everybody waiting for ever: with nothing admitted, the first is.
            if isFirst, used == 0 { #expect(answer == .admit) }
        }
    }

    private func ticket(_ number: Int64, _ owner: Int, _ bytes: Int64, admitted: Bool = false) -> AdmissionTable.Ticket
    {
        AdmissionTable.Ticket(number: number, owner: Self.owners[owner], bytes: bytes, isAdmitted: admitted)
    }
}
