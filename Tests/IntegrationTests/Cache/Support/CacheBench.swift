import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Subprocess
import Testing

/// `roost cache serve` as a process of its own, and a client of its port.
struct CacheBench: Sendable {
    let process: RoostProcess
    /// `127.0.0.1:port`.
    let address: String
    let http: HTTPClient

    var url: String { "http://\(address)" }

    /// Where the cache keeps what it has, below a sandbox.
    static func folder(_ sandbox: RoostSandbox) -> String { sandbox.directory.path("cache") }

    /// Serves while `body` runs, and ends the cache by SIGTERM after it, which has to go well.
    ///
    /// - Parameters:
    ///   - sandbox: The cache's home; its folder stays there for the next one.
    ///   - upstreams: The URLs of the upstreams by their names.
    ///   - options: Further arguments.
    ///   - body: What to do meanwhile.
    /// - Throws: What `body` throws, or the failure to start.
    static func with(
        _ sandbox: RoostSandbox,
        upstreams: [String: String],
        options: [String] = [],
        body: @escaping @Sendable (CacheBench) async throws -> Void
    ) async throws {
        let outcome = try await serve(sandbox, upstreams: upstreams, options: options) { bench in
            try await body(bench)
            try bench.process.send(.terminate)
        }
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    }

    /// Serves until `body` has ended the process in its own way; tells how it ended.
    @discardableResult
    static func serve(
        _ sandbox: RoostSandbox,
        upstreams: [String: String],
        options: [String] = [],
        body: @escaping @Sendable (CacheBench) async throws -> Void
    ) async throws -> RoostProcess.Outcome {
        var arguments = ["cache", "serve", "--listen", "127.0.0.1:0", "--min-free", "1"]
        if !options.contains("--dir") { arguments += ["--dir", folder(sandbox)] }
        for (name, url) in upstreams { arguments += ["--upstream", "\(name)=\(url)"] }
        return try await sandbox.roost(arguments + options) { process in
            let line = try await process.line { $0.contains("serving images on ") }
            let rest = try #require(line.firstRange(of: "serving images on ")).upperBound
            let address = String(line[rest...].prefix { $0 != " " })
            try await Self.withHTTP { http in
                try await body(CacheBench(process: process, address: address, http: http))
            }
        }
    }

    /// A client without limits of its own.
    static func withHTTP(_ body: (HTTPClient) async throws -> Void) async throws {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            try await body(http)
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }

    /// What came of a request.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        var bytes: [UInt8] = []
        /// Whether all came that was announced.
        var isWhole = true

        subscript(_ name: String) -> String? { headers.first(name: name) }
        /// How the cache came by it.
        var result: String? { self["x-roost-cache"] }
        /// A complete answer with just these bytes.
        func isExactly(_ buffer: ByteBuffer) -> Bool {
            status == 200 && isWhole && ByteBuffer(bytes: bytes) == buffer
        }
    }

    /// Opens an answer, to read its body at a pace of one's own.
    func open(_ path: String, method: HTTPMethod = .GET, _ headers: HTTPHeaders = [:]) async throws
        -> HTTPClientResponse
    {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        request.headers = headers
        return try await http.execute(request, timeout: .hours(1))
    }

    /// Asks, and reads to the end, early or not.
    func get(_ path: String, method: HTTPMethod = .GET, _ headers: HTTPHeaders = [:]) async throws -> Answer {
        let response = try await open(path, method: method, headers)
        var answer = Answer(status: Int(response.status.code), headers: response.headers)
        do {
            for try await chunk in response.body { answer.bytes += Array(chunk.readableBytesView) }
        } catch let error where !(error is CancellationError) {
            answer.isWhole = false
        }
        return answer
    }

    /// Many who ask for the same at the same time.
    func together(_ count: Int, _ path: String) async throws -> [Answer] {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            for _ in 0..<count { group.addTask { try await get(path) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Waits for a line of the access log.
    @discardableResult
    func logged(_ parts: String...) async throws -> String {
        try await process.line(on: .output) { line in parts.allSatisfy { line.contains($0) } }
    }

    static func blob(_ digest: String, of repository: String) -> String { "/v2/\(repository)/blobs/\(digest)" }
    static func manifest(_ name: String, of repository: String) -> String { "/v2/\(repository)/manifests/\(name)" }
}

extension RequestLog {
    /// Requests for blobs, of any method.
    var blobRequests: [Entry] { entries.filter { $0.path.contains("/blobs/") } }
}

/// A repository's name that no other test uses.
func cacheRepository() -> String { "cache/t\(UInt32.random(in: .min ... .max))" }
