import Foundation
import GRDB
import OCIDistribution
import RoostCore
import RoostTesting
import Synchronization
import Testing

@testable import RegistryCache

@Suite("The store's index", .timeLimit(.minutes(2)))
struct StoreIndexTests {
    @Test(
        "each question that a request or an eviction asks is answered through an index, with nothing to sort",
        arguments: [
            (StoreIndex.leastRecentlyUsedQuery, ["a", "b", "64"]), (StoreIndex.prefixQuery, ["a", "b"]),
            (StoreIndex.leastRecentlyCheckedQuery, ["64"]), (StoreIndex.tagQuery, ["a", "b", "c"]),
            (StoreIndex.memberQuery, ["a", "b", "c"]), (StoreIndex.familyQuery, ["a"]),
            (StoreIndex.freshQuery, ["0", "0"]), ("SELECT * FROM blob WHERE digest = ?", ["a"]),
            ("SELECT COALESCE(MAX(use_order), 0) + 1 FROM blob", []), ("SELECT MAX(check_order) + 1 FROM blob", []),
            ("SELECT * FROM tag WHERE digest = ? ORDER BY upstream, repository, name", ["a"]),
            ("SELECT * FROM member WHERE digest = ? ORDER BY upstream, repository", ["a"]),
        ]
    )
    func plans(query: String, arguments: [String]) async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                let steps = try await store.index.database.read { db in
                    try Row.fetchAll(
                        db,
                        sql: "EXPLAIN QUERY PLAN \(query)",
                        arguments: StatementArguments(arguments)
                    ).map { $0["detail"] as String }
                }
                for step in steps {
                    let tables = ["blob", "tag", "member", "child", "partial"]
                    if tables.contains(where: { step.hasPrefix("SCAN \($0)") }) {
                        #expect(step.contains("USING"), "\(step)")
                        #expect(query == StoreIndex.leastRecentlyCheckedQuery, "\(step)")
                    }
                    #expect(!step.contains("TEMP B-TREE FOR ORDER BY"), "\(step)")
                }
            }
        }
    }

    @Test("an eviction among 100,000 blobs looks at a page of them, and a look-up at one")
    func largeIndex() async throws {
        try await StoreFixture.with { fixture in
            try await fixture.withStore { store in
                let count = 100_000
                try await store.index.database.write { db in
                    try db.execute(
                        sql: """
                            WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
                            INSERT INTO blob (digest, size, use_order, used_at, check_order)
                            SELECT printf('sha256:%064x', n * 7919 % 100003), 10, n, 0, n FROM number
                            """,
                        arguments: [count]
                    )
                }
                let steps = Shared(0)
                try store.index.read { db in
                    db.trace(options: .profile) { event in
                        if case .profile = event { steps.update { $0 += 1 } }
                    }
                }
                store.space.withLock { space in for _ in 0..<count { space.addStored(10) } }
                let plan = try await store.plan(toFree: 100)
                #expect(plan.victims.count == 10)
                #expect(plan.verdicts.count <= 64, "one page")
                #expect(steps.value < 20, "a handful of statements")
                let last = try #require(plan.verdicts.last?.candidate.digest)
                #expect(try store.index.blob(last)?.size == 10)
                let evicted = try await store.collect(toFree: 0, dryRun: true)
                #expect(evicted.verdicts.count == count, "only who wants all explained goes through all")
            }
        }
    }
}
