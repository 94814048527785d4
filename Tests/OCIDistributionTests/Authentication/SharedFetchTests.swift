import RoostTesting
import Synchronization
import Testing

@testable import OCIDistribution

@Suite("Shared fetches")
struct SharedFetchTests {
    private typealias Failure = RegistryError.Failure

    private func pass(_ gate: Gate) async throws(Failure) {
        do {
            try await gate.wait()
        } catch {
            throw .cancelled
        }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)

        var value: Int { count.withLock { $0 } }

        func increment() { count.withLock { $0 += 1 } }
    }

    private func waitUntil(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("callers at the same time share one fetch")
    func singleFlight() async throws {
        let fetch = SharedFetch<String, Int>()
        let gate = Gate()
        let count = Counter()
        let values = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    try await fetch.value(for: "key") { () async throws(Failure) in
                        count.increment()
                        try await self.pass(gate)
                        return (7, .seconds(60))
                    }
                }
            }
            await waitUntil { fetch.waiters(for: "key") == 9 }
            gate.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(values == Array(repeating: 7, count: 10))
        #expect(count.value == 1)
    }

    @Test("a failure reaches all who waited for it, and the next caller tries again")
    func sharedFailure() async throws {
        let fetch = SharedFetch<String, Int>()
        let gate = Gate()
        let count = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    await #expect(throws: Failure.self) {
                        try await fetch.value(for: "key") { () async throws(Failure) in
                            count.increment()
                            try await self.pass(gate)
                            throw .forbidden
                        }
                    }
                }
            }
            await waitUntil { fetch.waiters(for: "key") == 4 }
            gate.open()
        }
        #expect(count.value == 1)
        #expect(try await fetch.value(for: "key") { () async throws(Failure) in (1, .seconds(1)) } == 1)
    }

    @Test("where the fetching caller is cancelled, the next one takes over")
    func takeOver() async throws {
        let fetch = SharedFetch<String, Int>()
        let never = Gate()
        let started = Gate()
        try await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask {
                await withTaskGroup(of: Int?.self) { inner in
                    inner.addTask {
                        try? await fetch.value(for: "key") { () async throws(Failure) in
                            started.open()
                            try await self.pass(never)
                            return (0, .seconds(60))
                        }
                    }
                    await self.waitUntil { fetch.waiters(for: "key") == 1 }
                    inner.cancelAll()
                    return await inner.next() ?? nil
                }
            }
            group.addTask {
                try await started.wait()
                return try await fetch.value(for: "key") { () async throws(Failure) in (2, .seconds(60)) }
            }
            var values: [Int?] = []
            for try await value in group { values.append(value) }
            #expect(values.compactMap(\.self) == [2])
        }
    }

    @Test("a waiting caller that is cancelled leaves at once, the others stay")
    func cancelledWaiter() async throws {
        let fetch = SharedFetch<String, Int>()
        let gate = Gate()
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await fetch.value(for: "key") { () async throws(Failure) in
                    try await self.pass(gate)
                    return (3, .seconds(60))
                }
            }
            await withTaskGroup(of: Void.self) { waiting in
                waiting.addTask {
                    await #expect(throws: Failure.self) {
                        try await fetch.value(for: "key") { () async throws(Failure) in (4, .seconds(60)) }
                    }
                }
                await waitUntil { fetch.waiters(for: "key") == 1 }
                waiting.cancelAll()
            }
            gate.open()
            let value = try await group.next()
            #expect(value == 3)
        }
    }

    @Test("a value is kept for its lifetime, and no longer")
    func expiry() async throws {
        let start = ContinuousClock.now
        let passed = Mutex(Duration.zero)
        let fetch = SharedFetch<String, Int>(now: { start + passed.withLock { $0 } })
        func get(_ value: Int) async throws -> Int {
            try await fetch.value(for: "key") { () async throws(Failure) in (value, .seconds(10)) }
        }
        #expect(try await get(1) == 1)
        passed.withLock { $0 = .seconds(9) }
        #expect(try await get(2) == 1)
        passed.withLock { $0 = .seconds(10) }
        #expect(try await get(3) == 3)
        fetch.discard("key") { $0 == 99 }
        #expect(try await get(4) == 3)
        fetch.discard("key")
        #expect(try await get(5) == 5)
    }
}
