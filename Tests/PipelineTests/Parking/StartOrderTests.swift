import Testing

@testable import Pipeline

@Suite("The order of starts")
struct StartOrderTests {
    @Test("as many as the limit start at once, then whoever has waited longest")
    func firstComeFirstServed() {
        var order = StartOrder(limit: 2, aheadLimit: 1)
        #expect(order.ask(1, .due) == true)
        #expect(order.ask(2, .due) == true)
        #expect(order.ask(3, .due) == false)
        #expect(order.ask(4, .due) == false)
        #expect(order.leave() == [3])
        #expect(order.leave() == [4])
        #expect(order.leave() == [])
        #expect(order.ask(5, .due) == true)
    }

    @Test("what is due goes before what is ahead, however long that has waited")
    func dueFirst() {
        var order = StartOrder(limit: 2, aheadLimit: 1)
        #expect(order.ask(1, .due) == true)
        #expect(order.ask(2, .ahead) == false)
        #expect(order.ask(3, .due) == true)
        #expect(order.ask(4, .due) == false)
        #expect(order.leave() == [4])
        #expect(order.leave() == [])
        #expect(order.leave() == [2])
    }

    @Test("what is ahead leaves a place for what becomes due meanwhile")
    func aheadLeavesPlaces() {
        var order = StartOrder(limit: 3, aheadLimit: 2)
        #expect(order.ask(1, .ahead) == true)
        #expect(order.ask(2, .ahead) == true)
        #expect(order.ask(3, .ahead) == false)
        #expect(order.ask(4, .due) == true)
        #expect(order.leave() == [])
        #expect(order.leave() == [3])
    }

    @Test("who no longer waits is passed over")
    func withdrawn() {
        var order = StartOrder(limit: 2, aheadLimit: 1)
        #expect(order.ask(1, .due) == true)
        #expect(order.ask(2, .due) == true)
        for waiting in UInt64(3)...4 { #expect(order.ask(waiting, .due) == false) }
        #expect(order.ask(5, .ahead) == false)
        order.withdraw(3)
        order.withdraw(5)
        #expect(order.leave() == [4])
        #expect(order.leave() == [])
        #expect(order.leave() == [])
        #expect(order.ask(6, .ahead) == true)
    }
}

@Suite("The queue of starts")
struct StartQueueTests {
    @Test("a permit that is dropped is given back, and one that is given back twice counts once")
    func givenBackOnce() async {
        let queue = StartQueue()
        var held = [StartPermit]()
        while let permit = queue.freePermit(.due) { held.append(permit) }
        #expect(held.count == 4)
        held.removeLast().giveBack()
        let next = queue.freePermit(.due)
        #expect(next != nil)
        next?.giveBack()
        next?.giveBack()
        held.append(contentsOf: [queue.freePermit(.due)].compactMap(\.self))
        #expect(held.count == 4)
        #expect(queue.freePermit(.due) == nil)
    }

    @Test("a cancelled task leaves the queue without a permit, and takes nobody's place")
    func cancelled() async {
        let queue = StartQueue()
        var held = [StartPermit]()
        while let permit = queue.freePermit(.due) { held.append(permit) }
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await queue.permit(.due) == nil }
            group.cancelAll()
            for await gaveUp in group { #expect(gaveUp) }
        }
        held.removeAll()
        #expect(await queue.permit(.ahead) != nil)
        #expect(queue.freePermit(.due) != nil)
    }
}
