import NIOCore
import RoostCore
import RoostTesting

@testable import RegistryCache

/// A server on loopback, for one test.
struct ServerFixture: Sendable {
    let port: Int
    let counters: ServerCounters
    let stop: Latch
    private let lines: Lines

    static let upstreams: Set<String> = ["docker.io", "quay.io", "127.0.0.1:5000"]

    /// Serves while `body` runs, and stops then.
    static func with(
        _ content: FakeContent,
        limits: ServerLimits = ServerLimits(),
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ServerFixture) async throws -> Void
    ) async throws {
        let lines = Lines()
        let log = AccessLog(gathers: {}, sink: { lines.add(String(buffer: $0)) })
        let server = CacheServer(content: content, upstreams: upstreams, limits: limits, log: log)
        let stop = Latch()
        let started = Latch()
        let port = Shared(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { started.open() }
                try await server.run(on: ListenAddress(parsing: "127.0.0.1:0"), until: stop) { address in
                    port.update { $0 = address?.port ?? 0 }
                    started.open()
                }
            }
            await started.wait()
            // Whatever happens to the test, its server ends at once.
            defer { group.cancelAll() }
            try await body(ServerFixture(port: port.value, counters: server.counters, stop: stop, lines: lines))
            stop.open()
            try await group.waitForAll()
        }
    }

    /// The first `count` lines of the log, once they are written.
    func log(_ count: Int) async -> [String] { await lines.first(count) }
}

/// Lines as they are written.
final class Lines: Sendable {
    private let all = Shared<[String]>([])
    private let changed = Shared(Latch())

    func add(_ text: String) {
        all.update { $0 += text.split(separator: "\n").map(String.init) }
        let latch = changed.value
        changed.update { $0 = Latch() }
        latch.open()
    }

    func first(_ count: Int) async -> [String] {
        while !Task.isCancelled {
            let latch = changed.value
            let lines = all.value
            if lines.count >= count { return Array(lines.prefix(count)) }
            await latch.wait()
        }
        return []
    }
}
