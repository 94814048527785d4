import Foundation
import NIOCore
import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The access log")
struct AccessLogTests {
    static func entry(time: Int64 = 1_795_607_881_123) -> AccessEntry {
        AccessEntry(
            time: time,
            clientPort: 53_412,
            method: .get,
            repository: CachedRepository(upstream: "docker.io", path: "library/debian"),
            name: "12",
            status: 200,
            bytes: 1234,
            microseconds: 12_345,
            result: .hit,
            outcome: .complete
        )
    }

    static func line(_ entry: AccessEntry) -> String {
        var buffer = ByteBuffer()
        buffer.writeLine(entry, stamp: TimeStamp(second: entry.time / 1000))
        return String(buffer: buffer)
    }

    @Test("a line tells time, port, method, repository, name, status, bytes, milliseconds and result")
    func format() {
        #expect(
            Self.line(Self.entry())
                == "2026-11-25T11:58:01.123Z 53412 GET docker.io/library/debian 12 200 1234 12.3 hit\n"
        )
        var refused = Self.entry()
        (refused.repository, refused.name, refused.result) = (nil, nil, nil)
        (refused.method, refused.status, refused.outcome, refused.microseconds) = (.other, 405, .left, 7)
        #expect(Self.line(refused) == "2026-11-25T11:58:01.123Z 53412 - - - 405 1234 0.0 -,left\n")
        var broken = Self.entry()
        (broken.result, broken.outcome) = (.joined, .broken)
        #expect(Self.line(broken).hasSuffix(" joined,broken\n"))
    }

    @Test("days are right: leap years, ends of months, and as Foundation has them")
    func days() throws {
        for (second, text, date) in [
            (0, "1970-01-01T00:00:00", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "2000-02-29T00:00:00", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, "2024-02-29T23:59:59", "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "2100-03-01T00:00:00", "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] as [(Int64, String, String)] {
            #expect(TimeStamp(second: second).seconds == text)
            #expect(TimeStamp(second: second).date == date)
        }
        for day in stride(from: Int64(0), to: 60_000, by: 7) {
            let second = day * 86_400 + day
            let expected = Date(timeIntervalSince1970: Double(second)).formatted(.iso8601)
            try #require(TimeStamp(second: second).seconds + "Z" == expected)
        }
    }

    @Test("lines that come while others are written go out together, and in their order")
    func batches() async throws {
        let (began, mayEnd) = (Gate(), Gate())
        let batches = Shared<[String]>([])
        let log = AccessLog(gathers: {}) { lines in
            batches.update { $0.append(String(buffer: lines)) }
            began.open()
            try? await mayEnd.wait()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await log.run() }
            log.append(Self.entry(time: 0))
            try await began.wait()
            for second in 1...100 { log.append(Self.entry(time: Int64(second) * 1000)) }
            mayEnd.open()
            log.close()
            try await group.waitForAll()
        }
        #expect(batches.value.count == 2)
        let lines = batches.value.joined().split(separator: "\n")
        #expect(lines.count == 101)
        #expect(lines == lines.sorted())
    }

    @Test("a reader that takes nothing costs a bounded memory, and is told how many lines it lost")
    func drops() async throws {
        let (began, mayEnd) = (Gate(), Gate())
        let batches = Shared<[String]>([])
        let line = Self.line(Self.entry())
        let log = AccessLog(limit: line.utf8.count * 10, gathers: {}) { lines in
            batches.update { $0.append(String(buffer: lines)) }
            began.open()
            try? await mayEnd.wait()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await log.run() }
            log.append(Self.entry())
            try await began.wait()
            for _ in 0..<1000 { log.append(Self.entry()) }
            mayEnd.open()
            log.close()
            try await group.waitForAll()
        }
        let last = try #require(batches.value.last)
        #expect(
            last == String(repeating: line, count: 10) + "# 990 lines dropped: whoever reads this log is too slow\n"
        )
    }
}
