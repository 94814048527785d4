import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The life of a connection")
struct ConnectionMachineTests {
    @Test("requests are served one after another, in their order")
    func order() {
        var machine = ConnectionMachine<Int>()
        for number in 1...3 { machine.arrived(number, isLast: false) }
        var served: [Int?] = [machine.next(), machine.next()]
        var ends = [machine.served(keepsAlive: true)]
        served.append(machine.next())
        ends.append(machine.served(keepsAlive: true))
        served.append(machine.next())
        #expect(served == [1, nil, 2, 3])
        #expect(ends == [false, false])
    }

    @Test("what comes after a last request, and after the last answer, is never served")
    func last() {
        var machine = ConnectionMachine<Int>()
        machine.arrived(1, isLast: true)
        machine.arrived(2, isLast: false)
        let first = machine.next()
        let ends = machine.served(keepsAlive: false)
        machine.arrived(3, isLast: false)
        let after = machine.next()
        #expect(first == 1 && ends && after == nil)
        #expect(machine.waiting == .end)
    }

    @Test(
        "a connection is waited for: its first head, the rest of one, another request; while it is served, for nothing"
    )
    func waiting() {
        var machine = ConnectionMachine<Int>()
        #expect(machine.waiting == .head)
        machine.readCompleted()
        #expect(machine.waiting == .head)
        machine.arrived(1, isLast: false)
        machine.readCompleted()
        #expect(machine.waiting == .nothing)
        _ = machine.next()
        machine.readCompleted()
        #expect(machine.waiting == .nothing)
        _ = machine.served(keepsAlive: true)
        #expect(machine.waiting == .request)
        machine.readCompleted()
        #expect(machine.waiting == .head)
    }

    @Test("a drained connection is ended at once where it is idle, else after the answer that is being sent")
    func drain() {
        var idle = ConnectionMachine<Int>()
        let ends = [idle.drain(), idle.drain()]
        #expect(ends == [true, false])

        var busy = ConnectionMachine<Int>()
        busy.arrived(1, isLast: false)
        _ = busy.next()
        busy.arrived(2, isLast: false)
        let endsAtOnce = busy.drain()
        #expect(!endsAtOnce && busy.isLast)
        let endsThen = busy.served(keepsAlive: true)
        let after = busy.next()
        #expect(endsThen && after == nil)
    }

    @Test("a client that asks on and on without reading is not read on")
    func bound() {
        var machine = ConnectionMachine<Int>()
        for number in 0..<ConnectionMachine<Int>.mostWaiting {
            #expect(machine.mayRead)
            machine.arrived(number, isLast: false)
        }
        #expect(!machine.mayRead)
        _ = machine.next()
        #expect(machine.mayRead)
    }

    @Test(
        "in any order of events, each request is served once at most and in order, one at a time, and ending is told once"
    )
    func anyOrder() async throws {
        try await Fuzzing.run(rounds: 5000) { random in
            var machine = ConnectionMachine<Int>()
            var (sent, served, ends) = (0, 0, 0)
            var isServing = false
            for _ in 0..<40 {
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1:
                    sent += 1
                    machine.arrived(sent, isLast: Int.random(in: 0..<10, using: &random) == 0)
                case 2, 3:
                    guard let next = machine.next() else { break }
                    try #require(!isServing && ends == 0 && next == served + 1)
                    (served, isServing) = (next, true)
                case 4 where isServing:
                    isServing = false
                    if machine.served(keepsAlive: Int.random(in: 0..<8, using: &random) != 0) { ends += 1 }
                case 5 where Int.random(in: 0..<8, using: &random) == 0: if machine.drain() { ends += 1 }
                default: machine.readCompleted()
                }
                try #require(ends <= 1 && (ends == 1) == (machine.waiting == .end))
                try #require(!isServing || machine.waiting == .nothing)
            }
        }
    }
}
