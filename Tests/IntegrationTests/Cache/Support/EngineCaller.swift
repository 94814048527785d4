import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RoostTesting
import Testing

/// Calls an engine's interface as its own command line does.
struct EngineCaller: Sendable {
    let http: HTTPClient
    let socket: String

    init(_ engine: PrivateEngine, _ http: HTTPClient) {
        self.http = http
        socket = engine.socketPath.replacing("/", with: "%2F")
    }

    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    func open(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "http+unix://\(socket)\(path)")
        request.method = method
        request.headers.add(name: "Host", value: "docker")
        request.headers.add(name: "Content-Type", value: "application/json")
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        return try await http.execute(request, timeout: .hours(1))
    }

    @discardableResult
    func call(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws -> String {
        let response = try await open(method, path, body)
        let text = String(buffer: try await response.body.collect(upTo: 16 << 20))
        guard response.status.code < 300 else { throw Refused(description: "\(method) \(path): \(text)") }
        return text
    }

    /// `docker pull`.
    func pull(_ repository: String, tag: String) async throws {
        let text = try await call(.POST, "/images/create?fromImage=\(repository)&tag=\(tag)")
        if text.contains("\"error\"") { throw Refused(description: text) }
    }

    /// `docker image prune -af`.
    func prune() async throws { try await call(.POST, "/images/prune?filters=%7B%22dangling%22:%5B%22false%22%5D%7D") }

    func has(_ image: String) async throws -> Bool {
        try await open(.GET, "/images/\(image)/json").status == .ok
    }

    /// `docker rmi -f`.
    func remove(_ image: String) async throws { try await call(.DELETE, "/images/\(image)?force=1") }

    /// Waits for a container's event, while `body` brings it about.
    func expecting(_ event: String, _ body: @Sendable () async throws -> Void) async throws {
        let filter = "%7B%22type%22:%5B%22container%22%5D,%22event%22:%5B%22\(event)%22%5D%7D"
        let events = try await open(.GET, "/events?filters=\(filter)")
        try await body()
        for try await _ in events.body { return }
        throw Refused(description: "the engine told of no \(event)")
    }
}
