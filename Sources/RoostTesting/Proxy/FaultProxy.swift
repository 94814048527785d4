import AsyncHTTPClient
import NIOCore
package import NIOHTTP1
import NIOPosix
import Synchronization

/// A reverse proxy that can be told to misbehave, and that remembers what it was asked.
///
/// It stands before a registry, real or in memory. Everything streams, with back-pressure. Requests keep their `Host`, so
/// a registry that builds addresses from it (an upload's `Location`, a token realm) names the proxy and not itself.
package struct FaultProxy: Sendable {
    /// Names a rule, to take it away again.
    package struct RuleID: Hashable, Sendable {
        fileprivate let number: Int
    }

    /// What was asked through this proxy.
    package let log: RequestLog
    /// The side that clients connect to.
    package let server: HTTPTestServer
    private let core: Core

    /// `127.0.0.1:port`, as it stands in an image reference.
    package var hostAndPort: String { server.hostAndPort }
    package var port: Int { server.port }
    /// The base URL without a trailing slash.
    package var url: String { server.url }

    /// Proxies while `body` runs.
    ///
    /// - Parameters:
    ///   - upstream: The base URL of the server behind, such as `http://127.0.0.1:5000`.
    ///   - address: Where to listen.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: What to do with the running proxy.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or the failure to listen.
    package static func with<Result>(
        upstream: String,
        on address: HTTPTestServer.Address = .loopback,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (FaultProxy) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10))
        )
        // The proxy must never be the queue: its clients' own limits are what is tested.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1024
        // An upstream that is down is to be reported, not waited for.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let core = Core(upstream: upstream, client: client)
        let result: Result
        do {
            result = try await HTTPTestServer.with(on: address, { try await core.handle($0, $1) }) { server in
                try await body(FaultProxy(log: core.log, server: server, core: core))
            }
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
        return result
    }

    /// Sets a rule; it holds until it is removed.
    ///
    /// - Parameters:
    ///   - fault: What to do.
    ///   - method: The method; nil stands for any.
    ///   - path: The condition on the path.
    ///   - occurrence: Which of the matching requests, counted from now.
    /// - Returns: What ``remove(_:)`` takes.
    @discardableResult
    package func inject(
        _ fault: Fault,
        method: HTTPMethod? = nil,
        path: FaultRule.Path = .any,
        occurrence: FaultRule.Occurrence = .every
    ) -> RuleID {
        let rule = FaultRule(method: method, path: path, occurrence: occurrence, fault: fault)
        return RuleID(number: core.table.withLock { $0.add(rule) })
    }

    /// Takes a rule away; requests in progress keep what they began with.
    package func remove(_ rule: RuleID) { core.table.withLock { $0.remove(rule.number) } }

    /// Takes all rules away. Latency and bandwidth stay.
    package func removeAllRules() { core.table.withLock { $0.removeAll() } }

    /// Makes every request and every connection as slow as a network would.
    ///
    /// - Parameters:
    ///   - latency: Added before each request is forwarded.
    ///   - bytesPerSecond: The rate of each connection's bodies towards the client; nil for no limit.
    package func shape(latency: Duration, bytesPerSecond: Int?) {
        core.table.withLock { table in
            table.latency = latency
            table.bandwidth = bytesPerSecond
        }
    }

    /// Resets all connections, and each new one at once, until ``goOnline()``. The port stays taken meanwhile.
    package func goOffline() { server.setOffline(true) }

    /// Serves again.
    package func goOnline() { server.setOffline(false) }

    /// Waits for a request. See ``RequestLog/waitFor(_:)``.
    @discardableResult
    package func waitFor(_ predicate: @escaping @Sendable (RequestLog.Entry) -> Bool) async throws -> RequestLog.Entry {
        try await log.waitFor(predicate)
    }
}

/// What the proxy's connections share.
private final class Core: Sendable {
    let log = RequestLog()
    let table = Mutex(FaultTable())
    private let upstream: String
    private let client: HTTPClient

    init(upstream: String, client: HTTPClient) {
        self.upstream = upstream
        self.client = client
    }

    func handle(_ request: HTTPTestRequest, _ responder: HTTPTestResponder) async throws {
        let number = log.begin(request)
        defer { log.finish(number) }
        let plan = table.withLock { $0.plan(method: request.method, path: request.path) }
        if plan.delay > .zero { try await ContinuousClock().sleep(for: plan.delay) }
        switch plan.interruption {
        case .hang: try await responder.hang()
        case .disconnect: try await responder.abort()
        case .answer(let status, let headers, let body):
            log.setStatus(status, of: number)
            try await responder.respond(status, headers: headers, text: body)
            if request.method != .HEAD { log.addBytes(body.utf8.count, to: number) }
        case nil: try await forward(request, responder, plan: plan, number: number)
        }
    }

    private func forward(
        _ request: HTTPTestRequest,
        _ responder: HTTPTestResponder,
        plan: FaultTable.Plan,
        number: Int
    ) async throws {
        let answer: HTTPClientResponse
        do {
            answer = try await client.execute(outgoing(request), timeout: .hours(24))
        } catch let error where !(error is CancellationError) {
            log.setStatus(.badGateway, of: number)
            return try await responder.respond(.badGateway, text: "the proxy can't reach \(upstream): \(error)\n")
        }
        log.setStatus(answer.status, of: number)
        try await responder.start(answer.status, headers: Self.endToEnd(answer.headers))
        // The plain case is passed on as it comes.
        var body = FaultyBody(plan: plan)
        let clock = ContinuousClock()
        let start = clock.now
        if body.isCut { return try await responder.abort() }
        for try await chunk in answer.body {
            for piece in body.pieces(of: chunk) {
                if piece.due > .zero { try await clock.sleep(until: start + piece.due) }
                try await responder.write(piece.bytes)
                log.addBytes(piece.bytes.readableBytes, to: number)
            }
            if body.isCut { return try await responder.abort() }
        }
        try await responder.finish()
    }

    private func outgoing(_ request: HTTPTestRequest) -> HTTPClientRequest {
        var outgoing = HTTPClientRequest(url: upstream + request.target)
        outgoing.method = request.method
        outgoing.headers = Self.endToEnd(request.headers)
        outgoing.headers.remove(name: "content-length")
        // Answered by the server already.
        outgoing.headers.remove(name: "expect")
        if let length = request.headers.first(name: "content-length").flatMap(Int64.init) {
            if length > 0 || request.method != .GET {
                outgoing.body = .stream(request.body, length: .known(length))
            }
        } else if request.headers.contains(name: "transfer-encoding") {
            outgoing.body = .stream(request.body, length: .unknown)
        }
        return outgoing
    }

    /// Without the headers that belong to one connection (RFC 9110, 7.6.1).
    private static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        var headers = headers
        for name in headers[canonicalForm: "connection"] { headers.remove(name: String(name)) }
        for name in ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"] {
            headers.remove(name: name)
        }
        return headers
    }
}
