import RoostCore
import RoostTesting
import Testing

@Suite("Latch")
struct LatchTests {
    @Test("opening lets all who wait go on, and those who come later")
    func opens() async {
        let latch = Latch()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 { group.addTask { await latch.wait() } }
            latch.open()
            latch.open()
            for await isOpen in group { #expect(isOpen) }
        }
        #expect(await latch.wait())
    }

    @Test("a cancelled wait ends, and says that nothing has happened")
    func cancelled() async {
        let latch = Latch()
        let isOpen = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await latch.wait() }
            group.cancelAll()
            return await group.next()
        }
        #expect(isOpen == false)
    }

    @Test("opening and cancelling at once neither hangs nor resumes twice")
    func race() async {
        for _ in 0..<2000 {
            let latch = Latch()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await latch.wait() }
                group.addTask { latch.open() }
                group.cancelAll()
            }
        }
    }
}

@Suite("Work that a latch ends")
struct LatchRaceTests {
    private struct Failure: Error {}

    @Test("work that ends first gives its value, or its error")
    func workFirst() async throws {
        #expect(try await Latch().cancelling { 5 } == 5)
        await #expect(throws: Failure.self) { try await Latch().cancelling { throw Failure() } }
    }

    @Test("a latch that opens first cancels the work, whose error then is none")
    func latchFirst() async throws {
        let latch = Latch()
        let value: Int? = try await latch.cancelling {
            latch.open()
            #expect(await Latch().wait() == false, "it waits until it is cancelled")
            throw Failure()
        }
        #expect(value == nil)
    }

    @Test("what the work has come to though the latch had opened is not lost")
    func both() async throws {
        let latch = Latch()
        let value = try await latch.cancelling {
            latch.open()
            await Latch().wait()
            return 5
        }
        #expect(value == 5)
    }

    @Test("work is not begun where the latch is open")
    func alreadyOpen() async throws {
        let latch = Latch()
        latch.open()
        let value: Int? = try await latch.cancelling {
            Issue.record("it was begun")
            return 5
        }
        #expect(value == nil)
    }

    @Test("in a cancelled task the work ends as cancelled, and not as if the latch had opened")
    func cancelled() async {
        let latch = Latch()
        await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask {
                try await latch.cancelling {
                    await Latch().wait()
                    try Task.checkCancellation()
                    return 5
                }
            }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
    }
}

@Suite("ConcurrencyLimit")
struct ConcurrencyLimitTests {
    @Test("never lets more in than its limit, and everyone in the end")
    func bounds() async throws {
        let limit = ConcurrencyLimit(3)
        let counts = Shared((now: 0, most: 0, total: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await limit.run {
                        counts.update {
                            $0.now += 1
                            $0.total += 1
                            $0.most = max($0.most, $0.now)
                        }
                        await Task.yield()
                        counts.update { $0.now -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(counts.value.most <= 3)
        #expect(counts.value.total == 200)
    }

    @Test("a place is given back when its holder fails, and when a waiter is cancelled")
    func givesBack() async throws {
        struct Failure: Error {}
        let limit = ConcurrencyLimit(1)
        await #expect(throws: Failure.self) { try await limit.run { throw Failure() } }
        let isIn = Latch()
        let mayLeave = Latch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await limit.run {
                    isIn.open()
                    await mayLeave.wait()
                }
            }
            await isIn.wait()
            await withTaskGroup(of: Bool.self) { waiter in
                waiter.addTask { (try? await limit.run {}) == nil }
                waiter.cancelAll()
                for await wasRefused in waiter { #expect(wasRefused) }
            }
            mayLeave.open()
            try await group.waitForAll()
        }
        try await limit.run {}
    }
}

@Suite("Deadlines")
struct DeadlineTests {
    @Test("work that takes too long is cancelled and named")
    func expires() async {
        let never = Latch()
        do {
            try await withDeadline(.milliseconds(20), "wait for nothing") { () async throws in
                guard await never.wait() else { throw CancellationError() }
            }
            Issue.record("it ended")
        } catch let error as DeadlineExceeded {
            #expect(error == DeadlineExceeded(operation: "wait for nothing", limit: .milliseconds(20)))
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test("work that ends in time gives its value, and its own errors")
    func endsInTime() async throws {
        struct Failure: Error {}
        #expect(try await withDeadline(.seconds(60), "x") { 5 } == 5)
        await #expect(throws: Failure.self) { try await withDeadline(.seconds(60), "x") { throw Failure() } }
    }
}
