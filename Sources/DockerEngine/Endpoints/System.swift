import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostCore

extension EngineClient {
    /// `GET /_ping`: that the engine answers.
    package func ping() async throws -> EnginePing {
        try await Self.ping(transport, deadline: deadlines.call)
    }

    static func ping(_ transport: EngineTransport, deadline: Duration) async throws -> EnginePing {
        let request = EngineRequest(.GET, "/_ping", operation: "ping the engine", deadline: deadline)
        let (response, _) = try await transport.collect(request, version: nil)
        return EnginePing(
            apiVersion: response.headers.first(name: "Api-Version").flatMap { APIVersion(parsing: $0) },
            osType: response.headers.first(name: "Ostype")
        )
    }

    /// `GET /info`: facts of the engine and its host. Takes several milliseconds: not for a hot path.
    package func info() async throws -> EngineInfo {
        try await call(request(.GET, "/info", "read the engine's facts"))
    }

    /// `GET /events`: what happens on the engine, until the task is cancelled, the engine goes, or `until` has passed.
    ///
    /// An engine replays no more than its last 256 events for `since`: whoever must miss nothing lists afterwards.
    ///
    /// - Parameters:
    ///   - since: Seconds since 1970 from when on events are replayed, with a fraction; `nil` for new ones only.
    ///   - until: Seconds since 1970 at which the stream ends; `nil` for never.
    ///   - filters: The API's filters, such as `["type": ["container"]]`.
    ///   - onOpen: Called when the engine has begun its answer. It subscribes a moment after that (moby, `getEvents`): who
    ///     must miss nothing gives `since` as well.
    ///   - onEvent: Called with each event in turn.
    /// - Throws: ``EngineError``, `CancellationError`, or what a closure throws.
    package func events(
        since: String? = nil,
        until: String? = nil,
        filters: [String: [String]] = [:],
        onOpen: () async throws -> Void = {},
        onEvent: (EngineEvent) async throws -> Void
    ) async throws {
        var query: [(name: String, value: String)] = []
        if let since { query.append(("since", since)) }
        if let until { query.append(("until", until)) }
        if !filters.isEmpty {
            query.append(("filters", String(decoding: try JSONEncoder().encode(filters), as: UTF8.self)))
        }
        let response = try await open(request(.GET, "/events", "follow the engine's events").with(query: query))
        try await onOpen()
        try await response.forEachLine(as: EngineEvent.self, onEvent)
    }
}

extension EngineResponse {
    /// Calls `receive` with each line of a stream of JSON documents.
    func forEachLine<Line: Decodable>(
        as _: Line.Type,
        _ receive: (Line) async throws -> Void
    ) async throws {
        var splitter = JSONLineSplitter()
        func decode(_ line: Data) throws -> Line {
            if let failure = try? JSONDecoder().decode(InStreamFailure.self, from: line) {
                throw EngineError.inStream(operation: request.operation, message: failure.message)
            }
            do {
                return try JSONDecoder().decode(Line.self, from: line)
            } catch {
                throw EngineError.invalidAnswer(
                    operation: request.operation,
                    detail: DecodingDetail.describe(error)
                )
            }
        }
        try await forEachChunk { chunk in
            let lines: [Data]
            do {
                lines = try splitter.split(chunk)
            } catch {
                throw EngineError.invalidAnswer(operation: request.operation, detail: "a line is longer than 4 MiB")
            }
            for line in lines { try await receive(try decode(line)) }
        }
        if let rest = splitter.finish() { try await receive(try decode(rest)) }
    }
}

/// The error line that a stream may carry after its 200: `{"errorDetail": {"message": "…"}, "error": "…"}`.
private struct InStreamFailure: Decodable {
    let error: String
    let errorDetail: Detail?

    struct Detail: Decodable {
        let message: String?
    }

    var message: String { errorDetail?.message ?? error }
}
