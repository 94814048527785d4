import Foundation
import NIOCore
import NIOHTTP1
import RoostCore

/// How long the engine may take to begin, and for plain calls to end, its answer.
package struct EngineDeadlines: Sendable {
    /// Lists, inspections, creations, removals: everything that does no long work.
    package var call: Duration
    /// Starting a container: on a loaded machine the runtime needs seconds, with many at once more.
    package var start: Duration
    /// Removing a container with its volumes.
    package var remove: Duration

    package init(call: Duration = .seconds(30), start: Duration = .seconds(120), remove: Duration = .seconds(60)) {
        self.call = call
        self.start = start
        self.remove = remove
    }
}

/// A typed client of one Docker-compatible engine.
///
/// The methods lie in `Endpoints/`, each naming the request that it maps to; the
/// [Engine API reference](https://docs.docker.com/reference/api/engine/) describes them. Every call has a deadline, and
/// cancelling the calling task cancels the request. All calls throw ``EngineError`` or `CancellationError`.
package struct EngineClient: Sendable {
    package let endpoint: EngineEndpoint
    /// The negotiated API version, part of every request's path.
    package let version: APIVersion
    /// What the engine said of itself when the connection was made.
    package let about: EngineVersion
    package let deadlines: EngineDeadlines
    let transport: EngineTransport

    /// Connects to an engine, negotiates the API version, runs `body` and closes the connections.
    ///
    /// - Parameters:
    ///   - endpoint: Where the engine listens.
    ///   - requestedVersion: The version that `DOCKER_API_VERSION` names, if any.
    ///   - deadlines: How long calls may take.
    ///   - body: What to do with the engine.
    /// - Returns: What the body returns.
    /// - Throws: ``EngineError`` where the engine can't be used, else what the body throws.
    package static func with<Value: Sendable>(
        _ endpoint: EngineEndpoint,
        requestedVersion: APIVersion? = nil,
        deadlines: EngineDeadlines = EngineDeadlines(),
        body: (EngineClient) async throws -> Value
    ) async throws -> Value {
        let transport = try EngineTransport(endpoint: endpoint)
        let result: Result<Value, any Error>
        do {
            let client = try await negotiate(transport, requestedVersion: requestedVersion, deadlines: deadlines)
            result = .success(try await body(client))
        } catch {
            result = .failure(error)
        }
        // The outcome is the body's; a connection that fails to close has nothing to add to it.
        try? await transport.shutdown()
        return try result.get()
    }

    private static func negotiate(
        _ transport: EngineTransport,
        requestedVersion: APIVersion?,
        deadlines: EngineDeadlines
    ) async throws -> EngineClient {
        let ping = try await Self.ping(transport, deadline: deadlines.call)
        let request = EngineRequest(.GET, "/version", operation: "read the engine's version", deadline: deadlines.call)
        let about: EngineVersion = try await decode(transport.collect(request, version: nil))
        guard let newest = ping.apiVersion ?? APIVersion(parsing: about.apiVersion) else {
            throw EngineError.invalidAnswer(operation: "ping the engine", detail: "it names no API version")
        }
        let version = try APIVersionNegotiation.choose(
            engineNewest: newest,
            engineOldest: about.minimumAPIVersion.flatMap { APIVersion(parsing: $0) },
            requested: requestedVersion
        )
        return EngineClient(
            endpoint: transport.endpoint,
            version: version,
            about: about,
            deadlines: deadlines,
            transport: transport
        )
    }

    // MARK: - The shapes of a call

    func call(_ request: EngineRequest) async throws {
        _ = try await transport.collect(request, version: version)
    }

    func call<Answer: Decodable>(_ request: EngineRequest, as _: Answer.Type = Answer.self) async throws -> Answer {
        try await Self.decode(transport.collect(request, version: version))
    }

    func open(_ request: EngineRequest) async throws -> EngineResponse {
        try await transport.open(request, version: version)
    }

    func request(
        _ method: HTTPMethod,
        _ path: String,
        _ operation: String,
        deadline: Duration? = nil
    ) -> EngineRequest {
        EngineRequest(method, path, operation: operation, deadline: deadline ?? deadlines.call)
    }

    static func decode<Answer: Decodable>(_ answer: (response: EngineResponse, body: Data)) throws -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: answer.body)
        } catch {
            throw EngineError.invalidAnswer(
                operation: answer.response.request.operation,
                detail: DecodingDetail.describe(error)
            )
        }
    }
}

/// Says where a JSON document departs from what was expected, without quoting the document.
enum DecodingDetail {
    static func describe(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it is not JSON" }
        let (context, what): (DecodingError.Context, String) =
            switch error {
            case .typeMismatch(let type, let context): (context, "\(type) expected")
            case .valueNotFound(let type, let context): (context, "\(type) missing")
            case .keyNotFound(let key, let context): (context, "field '\(key.stringValue)' missing")
            case .dataCorrupted(let context): (context, "it is not valid JSON")
            @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "it can't be read")
            }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? what : "\(what) at '\(path)'"
    }
}

/// An object's labels as a filter of a list: all of them must match.
package struct LabelFilter: Sendable {
    let labels: [String: String]

    /// - Parameter labels: Label names and the values they must have.
    package init(_ labels: [String: String]) {
        self.labels = labels
    }

    /// The `filters` query parameter.
    var query: (name: String, value: String) {
        get throws {
            let values = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return ("filters", String(decoding: try JSONEncoder().encode(["label": values]), as: UTF8.self))
        }
    }
}
